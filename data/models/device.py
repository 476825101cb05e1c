"""Buttons, fall detectors, motion and gas sensors."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, Id, Key, Moment


class Device(Base):
    """One device. It may report before anybody registered it; then it is listed for staff to register."""

    __tablename__ = "device"
    __table_args__ = (Index("ix_device_key", "community_id", "key", unique=True),)

    id: Mapped[Id]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    key: Mapped[Key]
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"), index=True)
    registered_at: Mapped[Moment | None]
    heartbeat_seconds: Mapped[int | None]  # silent for longer than this: an alarm of its own (E9)
    seen_at: Mapped[Moment | None]


class Signal(Base):
    """One report of a device; the same report twice is recognised by device, type and time."""

    __tablename__ = "signal"
    __table_args__ = (Index("uq_signal", "device_id", "type", "at", unique=True),)

    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    type: Mapped[str] = mapped_column(String(12))
    at: Mapped[Moment]
    received_at: Mapped[Moment]
    alarm_id: Mapped[int | None] = mapped_column(ForeignKey("alarm.id"))
