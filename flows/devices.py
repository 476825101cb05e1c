"""What a device's report leads to: nothing but a note of it, or an alarm; the alarm of a device that fell silent; a battery to change (E9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from data import alarms, conversations, devices, listeners, requests, residents, timers
from data.models import Alarm, Device, Resident, Signal
from data.work import Work
from flows import alarm_ladder as ladder
from flows import family
from flows.alarm_signals import KINDS, raise_from_signal
from flows.due import Due, Handler
from flows.engine import Engine
from flows.world import World

BATTERY_LOW, BATTERY_CHANGED = 15, 50
"""Per cent at which staff get the task to change a battery, and from which it counts as changed."""
BROKER = "mqtt"
"""Source of the alarm that no device can be heard, and the way of a report that came over the broker."""
_BROKER_LEVEL = 4  # staff look after it; no family is frightened
_AGAIN = timedelta(minutes=1)
_ONCE_IN = timedelta(hours=1)


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
    battery: int | None = None,
    via: str = "http",
) -> Reported:
    """Take a device's report, over whichever way it came. Nothing a caller in need sends is refused.

    `key` names the device, `what` is one of `data.devices.TYPES`, `at` is aware, `resident` is an id or, in a demo, a
    sender name; it goes before the resident the device is registered for. A resident nobody knows leaves it open whose
    alarm it is. `battery` is per cent, `via` is http or mqtt. Raises TooManyDevices for a new device without an alarm.
    """
    named = await residents.by_reference(work, resident) if resident else None
    known = await devices.get(work, key)
    if known is None and what not in KINDS:
        await devices.refuse_stranger(work)
    whose = named
    if whose is None and known is not None and known.resident_id is not None:
        whose = await work.session.get(Resident, known.resident_id)
    spoken = await conversations.of_resident(work, whose.id) if whose is not None else None
    if spoken is not None and what in KINDS:
        await conversations.lock(work, spoken.id)  # before timers and alarms, see data.work
    stored = await devices.record(
        work, key=key, what=what, at=at, via=via, conversation_id=spoken.id if spoken is not None else None
    )
    alarm = None
    if not stored.new:
        if stored.signal.alarm_id is not None:
            alarm = await alarms.get(work, str(stored.signal.alarm_id))
    else:
        if what in KINDS:
            alarm = await raise_from_signal(
                work, world, engine, resident=whose, device_key=key, type=what, at=stored.signal.at
            )
            stored.signal.alarm_id = alarm.id
        if battery is not None:
            await _battery(work, world, stored.device, battery)
        await work.session.flush()
    return Reported(
        device=stored.device,
        signal=stored.signal,
        new=stored.new,
        resident=whose,
        named=named is not None,
        alarm=alarm,
    )


async def note(
    work: Work, *, key: str, what: str, at: datetime | None, battery: int | None, via: str
) -> bool | None:
    """An ordinary report of a known device, which leads to nothing: stored in one statement. Gives whether it is new.

    None: `report` has to look at it. Both know a report that was heard before by the same rule.
    """
    if what in KINDS:
        return None
    return await devices.note(work, key=key, what=what, at=at, via=via, battery=battery, low=BATTERY_LOW)


async def _battery(work: Work, world: World, device: Device, battery: int) -> None:
    """A task for staff once, until the battery has been changed. A device nobody registered has nobody to visit."""
    device.battery = battery
    if battery >= BATTERY_CHANGED:
        device.battery_low = False
    if battery > BATTERY_LOW or device.battery_low or device.registered_at is None:
        return
    device.battery_low = True
    home = None
    if device.resident_id is not None:
        home = (await conversations.with_home(work, device.resident_id))[1]
    await requests.open_case(
        work,
        kind="visit",
        resident_id=device.resident_id,
        conversation_id=None,
        place=residents.place_of(home),
        urgency="planned",
        text=world.replies.render("device_battery_text", "zh", device=device.key, battery=battery).text,
        details={"device": device.id},
    )


async def alarm_without_words(work: Work, world: World, *, key: str, what: str) -> Alarm:
    """The alarm of a call for help whose report could not be taken for an error of ours: nothing but its kind (C14)."""
    kind, level = KINDS[what]
    source = f"device:{key}"
    alarm = await alarms.open_from(work, source)
    if alarm is not None:
        await alarms.join(work, alarm, kind=kind, level=level, text=what)
        return alarm
    alarm, _ = await alarms.raise_alarm(work, kind=kind, level=level, source=source, text=what)
    await ladder.begin(work, ladder.telling(world), alarm)
    return alarm


async def on_silent(due: Due) -> None:
    """A device was not heard for longer than its heartbeat: an alarm of its own, once for each silence."""
    work = due.work
    device = await work.session.get(Device, int(due.timer.subject.removeprefix("device:")))
    since = (device.seen_at or device.registered_at) if device is not None else None
    if device is None or device.heartbeat_seconds is None or since is None:
        return
    silence = timedelta(seconds=device.heartbeat_seconds)
    if since + silence > work.now:
        return  # it was heard meanwhile; that report has set the next timer
    spoken = await conversations.of_resident(work, device.resident_id) if device.resident_id else None
    if spoken is not None and (due.turn is None or due.turn.conversation.id != spoken.id):
        # The conversation has to be locked before the timer (data.work): this time it is named in the timer.
        await _look_again(due, work.now, conversation=spoken.id)
        return
    unheard = await _unheard_until(due, device, silence)
    if unheard is not None:
        await _look_again(due, unheard, **due.timer.payload)
        return
    owner = await work.session.get(Resident, device.resident_id) if device.resident_id is not None else None
    await raise_from_signal(
        work, due.world, due.engine, resident=owner, device_key=device.key, type="silent", at=since
    )


async def _look_again(due: Due, at: datetime, **payload: int) -> None:
    timer = due.timer
    later = max(at, timer.due_at + timedelta(milliseconds=1))  # a timer of the same time would be removed
    await timers.schedule(
        due.work, key=timer.key, kind=timer.kind, subject=timer.subject, due_at=later, payload=payload
    )


async def _unheard_until(due: Due, device: Device, silence: timedelta) -> datetime | None:
    """When to look again at a device that we cannot have heard, since its broker is away or has only just come back.

    One alarm says that no device can be heard, instead of one for each of them.
    """
    if device.via != BROKER:
        return None
    standing = await listeners.standing(due.work.session, listeners.MQTT)
    if standing is None or standing.since is None:
        return None
    if standing.connected:
        heard_from = standing.since + silence
        return heard_from if heard_from > due.work.now else None
    await _nothing_heard(due.work, due.world, since=standing.since)
    return due.work.now + _AGAIN


async def _nothing_heard(work: Work, world: World, *, since: datetime) -> None:
    """The alarm that no device can be heard: one for the community, and again after an hour if it was closed."""
    name = f"alarm:{work.community.id}:{BROKER}"
    await work.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    lately = await work.session.scalar(
        select(Alarm.id)
        .where(
            Alarm.community_id == work.community.id,
            Alarm.source == BROKER,
            (Alarm.state != "resolved") | (Alarm.raised_at > work.now - _ONCE_IN),
        )
        .limit(1)
    )
    if lately is not None:
        return
    when = world.wording("zh").moment(since.astimezone(work.zone), work.local)
    alarm, _ = await alarms.raise_alarm(
        work,
        kind="unknown",
        level=_BROKER_LEVEL,
        source=BROKER,
        text=world.replies.render("device_broker_away_text", "zh", since=when).text,
    )
    await ladder.begin(work, ladder.telling(world), alarm)


async def on_unregistered(due: Due) -> None:
    """Devices have reported that nobody registered: staff hear of each of them once."""
    count = await devices.announce(due.work)
    if count:
        about = due.timer.subject
        family.tell_desk(due.work, due.world, "device_unregistered_staff", about=about, count=count)
        await due.work.emit("device", about, unregistered=count)


TIMERS: Mapping[str, Handler] = {devices.SILENT: on_silent, devices.UNREGISTERED: on_unregistered}
"""Timer kind → its handler."""
