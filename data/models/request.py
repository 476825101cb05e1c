"""What residents asked for: repairs, bookings, complaints, suggestions, visits; and their history."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data.crypto import EncryptedJSON, EncryptedText
from data.models.base import Base, Id, Key, Moment


class Request(Base):
    """One case. Its state is moved only by `data.requests`."""

    __tablename__ = "request"
    __table_args__ = (
        Index("ix_request_state", "community_id", "kind", "state"),
        Index("ix_request_slot", "service", "starts_at", postgresql_where=text("kind = 'booking'")),
        Index("ix_request_place", "community_id", "place_index", "fault"),
    )

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(20), unique=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    kind: Mapped[str] = mapped_column(String(12))  # repair | booking | complaint … hours
    state: Mapped[str] = mapped_column(String(12))
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"), index=True)
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id"), index=True)
    staff_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))  # who has it
    place: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJSON)  # {building, unit, room, name}
    place_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    fault: Mapped[Key | None]
    urgency: Mapped[str | None] = mapped_column(String(8))  # urgent | ordinary | planned
    service: Mapped[Key | None]
    starts_at: Mapped[Moment | None]
    ends_at: Mapped[Moment | None]
    count: Mapped[int | None]
    text: Mapped[str | None] = mapped_column(EncryptedText)  # in the resident's words
    details: Mapped[dict[str, Any]] = mapped_column(
        EncryptedJSON, default=dict
    )  # phone, note, picture, me-too
    about_staff: Mapped[
        Key | None
    ]  # of whose conduct it complains: staff id or `somebody`; see `may_see` (F9)
    rating: Mapped[int | None]
    reopened: Mapped[int] = mapped_column(default=0)  # how often
    created_at: Mapped[Moment]
    closed_at: Mapped[Moment | None]

    history: Mapped[list[RequestEvent]] = relationship(order_by="RequestEvent.id", lazy="raise")


class RequestEvent(Base):
    """One move of a case: who, when, from where to where, why (H7)."""

    __tablename__ = "request_event"

    id: Mapped[Id]
    request_id: Mapped[int] = mapped_column(ForeignKey("request.id"), index=True)
    at: Mapped[Moment]
    actor: Mapped[Key]  # resident | bot | staff:<id>
    move: Mapped[Key]
    before: Mapped[str | None] = mapped_column(String(12))
    after: Mapped[str] = mapped_column(String(12))
    note: Mapped[str | None] = mapped_column(EncryptedText)


class NumberCounter(Base):
    """The last number given out for a prefix and a day; a row is locked while one is taken."""

    __tablename__ = "number_counter"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)  # e.g. R20261122
    last: Mapped[int]
