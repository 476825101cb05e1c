"""Things that fall due."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, Id, Key, Moment


class Timer(Base):
    """One thing to do at a moment. Written with what it belongs to; its row goes when it has been done."""

    __tablename__ = "timer"
    __table_args__ = (Index("ix_timer_due", "due_at"),)

    id: Mapped[Id]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    key: Mapped[str] = mapped_column(String(120), unique=True)  # e.g. alarm:12:60; writing it twice is once
    kind: Mapped[Key]  # which handler
    subject: Mapped[str] = mapped_column(String(64), index=True)  # e.g. alarm:12
    due_at: Mapped[Moment]
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)  # no personal data
    attempts: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[Moment | None]
