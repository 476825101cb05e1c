"""What changed, for whoever is looking."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String, text
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, Id, Key, Moment


class Event(Base):
    """One change, written in the transaction that made it. Live views follow these rows with a cursor."""

    __tablename__ = "event"

    id: Mapped[Id]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    topic: Mapped[Key]  # alarm, handoff, request, message, checkin, reminder, staff, device
    subject: Mapped[str] = mapped_column(String(64))  # e.g. alarm:12, conversation:7
    at: Mapped[Moment]
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)  # no personal data
    txid: Mapped[int] = mapped_column(
        BigInteger, index=True, server_default=text("(pg_current_xact_id()::text)::bigint")
    )  # which transaction wrote it: ids may commit out of order, a cursor must not skip
