"""What a device's report leads to: nothing but a note of it, or an alarm; and the alarm of a device that fell silent (E9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from data import alarms, conversations, devices, residents
from data.models import Alarm, Device, Resident, Signal
from data.work import Work
from flows.alarm_signals import KINDS, raise_from_signal
from flows.due import Due, Handler
from flows.engine import Engine
from flows.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What became of a report."""

    device: Device
    signal: Signal
    new: bool  # False: heard before, nothing was done again
    resident: Resident | None  # whose help it may be
    named: bool  # the report itself named that resident
    alarm: Alarm | None  # the alarm it raised or joined


async def report(
    work: Work,
    world: World,
    engine: Engine,
    *,
    key: str,
    what: str,
    at: datetime | None = None,
    resident: str | None = None,
) -> Reported:
    """Take a device's report, over whichever way it came. Nothing a caller in need sends is refused.

    `key` names the device, `what` is one of `data.devices.TYPES`, `at` is aware, `resident` is an id or, in a demo, a
    sender name; it goes before the resident the device is registered for. A resident nobody knows leaves it open whose
    alarm it is.
    """
    named = await residents.by_reference(work, resident) if resident else None
    known = await devices.get(work, key)
    whose = named
    if whose is None and known is not None and known.resident_id is not None:
        whose = await work.session.get(Resident, known.resident_id)
    spoken = await conversations.of_resident(work, whose.id) if whose is not None else None
    if spoken is not None:
        await conversations.lock(work, spoken.id)  # before timers and alarms, see data.work
    stored = await devices.record(
        work, key=key, what=what, at=at, conversation_id=spoken.id if spoken is not None else None
    )
    alarm = None
    if not stored.new:
        if stored.signal.alarm_id is not None:
            alarm = await alarms.get(work, str(stored.signal.alarm_id))
    elif what in KINDS:
        alarm = await raise_from_signal(
            work, world, engine, resident=whose, device_key=key, type=what, at=stored.signal.at
        )
        stored.signal.alarm_id = alarm.id
        await work.session.flush()
    return Reported(
        device=stored.device,
        signal=stored.signal,
        new=stored.new,
        resident=whose,
        named=named is not None,
        alarm=alarm,
    )


async def on_silent(due: Due) -> None:
    """A device was not heard for longer than its heartbeat: an alarm of its own, once for each silence."""
    work = due.work
    device = await work.session.get(Device, int(due.timer.subject.removeprefix("device:")))
    if device is None or device.heartbeat_seconds is None or device.seen_at is None:
        return
    if device.seen_at + timedelta(seconds=device.heartbeat_seconds) > work.now:
        return  # it was heard meanwhile; that report has set the next timer
    owner = await work.session.get(Resident, device.resident_id) if device.resident_id is not None else None
    await raise_from_signal(
        work, due.world, due.engine, resident=owner, device_key=device.key, type="silent", at=device.seen_at
    )


TIMERS: Mapping[str, Handler] = {devices.SILENT: on_silent}
"""Timer kind → its handler."""
