"""Alarms and everything that was done about them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data.crypto import EncryptedJSON, EncryptedText
from data.models.base import Base, Id, Key, Moment


class Alarm(Base):
    """One emergency. Its state and level are moved only by `data.alarms`."""

    __tablename__ = "alarm"
    __table_args__ = (
        Index("ix_alarm_state", "community_id", "state"),
        Index(
            "ix_alarm_open_of_conversation", "conversation_id", postgresql_where=text("state <> 'resolved'")
        ),
    )

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(20), unique=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    kind: Mapped[str] = mapped_column(String(12))
    level: Mapped[int]
    state: Mapped[str] = mapped_column(String(12), default="raised")
    source: Mapped[Key]  # rest, telegram, terminal, device:<key>, checkin …
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"), index=True)
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id"), index=True)
    staff_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))  # who acknowledged
    place: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJSON)
    text: Mapped[str] = mapped_column(EncryptedText)  # everything the person said, a line each
    facts: Mapped[dict[str, Any]] = mapped_column(
        EncryptedJSON, default=dict
    )  # awake, breathing, who, evidence
    taken_back_at: Mapped[Moment | None]  # E8
    breach: Mapped[bool] = mapped_column(default=False)  # 180 s without a human acknowledgement
    code: Mapped[str | None] = mapped_column(String(16))  # closing code
    note: Mapped[str | None] = mapped_column(EncryptedText)
    raised_at: Mapped[Moment]
    acknowledged_at: Mapped[Moment | None]
    on_way_at: Mapped[Moment | None]
    on_site_at: Mapped[Moment | None]
    resolved_at: Mapped[Moment | None]

    steps: Mapped[list[AlarmStep]] = relationship(order_by="AlarmStep.id", lazy="raise")


class AlarmStep(Base):
    """One line of an alarm's timeline."""

    __tablename__ = "alarm_step"

    id: Mapped[Id]
    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarm.id"), index=True)
    at: Mapped[Moment]
    what: Mapped[str] = mapped_column(String(20))  # raised, notified, asked, level, acknowledged, breach …
    to: Mapped[str | None] = mapped_column(String(64))  # staff id, contact:<id>, desk
    by: Mapped[str | None] = mapped_column(String(64))  # staff id, resident, bot
    detail: Mapped[str | None] = mapped_column(EncryptedText)
