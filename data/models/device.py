"""Buttons, fall detectors, motion and gas sensors, and the connection over which many of them report."""

from __future__ import annotations

from typing import Any

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
    via: Mapped[str | None] = mapped_column(String(8))  # the way of its last report: http or mqtt
    battery: Mapped[int | None]  # per cent, as it said last
    battery_low: Mapped[bool] = mapped_column(default=False)  # staff have the task to change it
    announced_at: Mapped[Moment | None]  # when staff were told that nobody has registered it


class Signal(Base):
    """One report of a device; the same report twice is recognised by device, type and time."""

    __tablename__ = "signal"
    __table_args__ = (Index("uq_signal", "device_id", "type", "at", unique=True),)

    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    type: Mapped[str] = mapped_column(String(12))
    at: Mapped[Moment]  # when it happened: the device's time where that can be true, else when it came
    received_at: Mapped[Moment]
    claimed_at: Mapped[Moment | None]  # the device's time where that cannot be true
    alarm_id: Mapped[int | None] = mapped_column(ForeignKey("alarm.id"))


class Listener(Base):
    """A connection that exactly one process of the installation holds, e.g. to the MQTT broker."""

    __tablename__ = "listener"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    client: Mapped[Key]  # the name under which the other side knows us, whichever process it is
    holder: Mapped[str | None] = mapped_column(String(64))  # the process that holds it
    lease_until: Mapped[Moment | None]  # in real time: after it another process may take over
    connected: Mapped[bool] = mapped_column(default=False)
    since: Mapped[Moment | None]  # product time since which it is, or is not, connected
    fault: Mapped[str | None] = mapped_column(String(200))  # why it is not
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)  # outcome of a report → how many so far
