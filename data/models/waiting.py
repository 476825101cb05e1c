"""Who waits for a place in a slot that is full."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from data.crypto import EncryptedJSON
from data.models.base import Base, Id, Key, Moment


class Waiting(Base):
    """One place on the waiting list of a slot; moved only by `data.waiting`."""

    __tablename__ = "waiting"
    __table_args__ = (Index("ix_waiting_slot", "community_id", "service", "starts_at"),)

    id: Mapped[Id]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    service: Mapped[Key]
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    count: Mapped[int | None]  # portions or people, where the service asks for it
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id", ondelete="CASCADE"), index=True)
    conversation_id: Mapped[int] = mapped_column(
        ForeignKey("conversation.id", ondelete="CASCADE"), index=True
    )
    details: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON, default=dict)  # place, item, person …
    state: Mapped[str] = mapped_column(String(8))  # waiting | held | booked | left | over
    held_until: Mapped[Moment | None]  # a place is kept for this person until then
    created_at: Mapped[Moment]
