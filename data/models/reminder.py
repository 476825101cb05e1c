"""What residents asked to be reminded of."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from data.crypto import EncryptedText
from data.models.base import Base, Id, Moment


class Reminder(Base):
    """One reminder, once or repeated; moved only by `data.reminders`."""

    __tablename__ = "reminder"

    id: Mapped[Id]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"), index=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"), index=True)
    text: Mapped[str] = mapped_column(EncryptedText)
    first_at: Mapped[Moment]  # where the repetition is counted from
    next_at: Mapped[Moment | None]
    rrule: Mapped[str | None] = mapped_column(String(200))  # RFC 5545, in the community's zone
    until: Mapped[Moment | None]
    medicine: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(10), default="active")  # active | done | cancelled
    missed: Mapped[int] = mapped_column(default=0)  # times not said because of an outage (K7)
    created_at: Mapped[Moment]
