"""Conversations that need a person."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from data.crypto import EncryptedText
from data.models.base import Base, Id, Key, Moment


class Handoff(Base):
    """One hand-over of a conversation to staff; moved only by `data.handoffs`."""

    __tablename__ = "handoff"
    __table_args__ = (
        Index("ix_handoff_state", "community_id", "state"),
        Index("uq_handoff_open", "conversation_id", unique=True, postgresql_where=text("state <> 'closed'")),
    )

    id: Mapped[Id]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"), index=True)
    state: Mapped[str] = mapped_column(String(8), default="queued")
    staff_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))  # its owner
    urgency: Mapped[str] = mapped_column(String(8), default="ordinary")  # urgent | ordinary
    reason: Mapped[Key]  # asked, not_understood, error, …
    reference: Mapped[str | None] = mapped_column(String(64))  # of an error (C14)
    summary: Mapped[str] = mapped_column(EncryptedText)
    queued_at: Mapped[Moment]
    taken_at: Mapped[Moment | None]
    first_answer_at: Mapped[Moment | None]
    closed_at: Mapped[Moment | None]
    rating: Mapped[int | None]  # the resident's mark, 1–5 (C15)
    rating_words: Mapped[str | None] = mapped_column(EncryptedText)  # what they said with it (F10)


class HandoffNote(Base):
    """A private note among staff. Its own table, so that no path to a resident exists (H5)."""

    __tablename__ = "handoff_note"

    id: Mapped[Id]
    handoff_id: Mapped[int] = mapped_column(ForeignKey("handoff.id"), index=True)
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"))
    text: Mapped[str] = mapped_column(EncryptedText)
    at: Mapped[Moment]
