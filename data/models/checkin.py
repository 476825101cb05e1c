"""Checking that elders who live alone are well."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, Id, Moment


class CheckinPlan(Base):
    """When and how an elder is asked (K1)."""

    __tablename__ = "checkin_plan"

    id: Mapped[Id]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), unique=True)
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id"))  # where they are asked
    rrule: Mapped[str | None] = mapped_column(
        String(200)
    )  # e.g. FREQ=DAILY;BYHOUR=9;BYMINUTE=0; None: visits only
    window_minutes: Mapped[int] = mapped_column(default=60)  # a sign of life in it counts (K5)
    visit_every_days: Mapped[int] = mapped_column(default=30)  # 7 for high risk
    paused_from: Mapped[date | None] = mapped_column(Date)
    paused_until: Mapped[date | None] = mapped_column(Date)  # the last paused day (K6)
    active: Mapped[bool] = mapped_column(default=True)


class Checkin(Base):
    """One day's question and what came of it."""

    __tablename__ = "checkin"
    __table_args__ = (
        UniqueConstraint("plan_id", "due_at"),
        Index("ix_checkin_state", "community_id", "state"),
    )

    id: Mapped[Id]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    plan_id: Mapped[int] = mapped_column(ForeignKey("checkin_plan.id"))
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    due_at: Mapped[Moment]
    state: Mapped[str] = mapped_column(String(14), default="due")
    asked_at: Mapped[Moment | None]
    answered_at: Mapped[Moment | None]
    steps: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # [{at, what, to}], no personal data
