"""Buttons, detectors and sensors: which there are, and what each has reported, every report once (E9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from data import conversations, timers
from data.errors import AnlinError
from data.models import Device, Resident, Signal, Timer
from data.work import Work

TYPES = ("sos", "fall", "motion", "no_motion", "gas", "smoke", "heartbeat", "ok")
SIGNS_OF_LIFE = frozenset({"motion", "ok", "sos"})
"""Reports that only a living person causes (K5)."""

SILENT = "device.silent"
"""Kind of the timer that falls due when a device has not been heard for longer than its heartbeat."""
UNREGISTERED = "device.unregistered"
"""Kind of the timer that tells staff of devices nobody registered: all of a minute in one message."""

_SLOW = timedelta(days=30)  # a report this old is still stored with its own time
_FAST = timedelta(minutes=5)  # how far a device's clock may be ahead and still be believed
_SET = datetime(2020, 1, 1, tzinfo=UTC)  # a clock before this was never set: it counts from its last start …
_RESTART = timedelta(minutes=10)  # … and says the same times again after the next one
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)
_GATHER = timedelta(minutes=1)
_STRANGERS = 500  # devices that nobody registered, in one community


class TooManyDevices(AnlinError):
    """So many devices that nobody registered have reported that another is not written down, except for an alarm."""

    code = "too_many_devices"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report, as it was stored."""

    device: Device
    signal: Signal
    new: bool  # False: the same report was heard before


async def record(
    work: Work,
    *,
    key: str,
    what: str,
    at: datetime | None,
    via: str = "http",
    conversation_id: int | None = None,
) -> Report:
    """Store a report; a device nobody registered is written down with it. A new report is a heartbeat, a repeated one is not.

    `what` is one of TYPES; `at` is when the device noticed (aware; None: now). A time that cannot be true (a clock that
    was never set, or is ahead) is replaced by now and kept beside it: a call for help is not refused for its clock, and
    is still recognised when it comes twice. `conversation_id`: of its resident, for the timer.
    """
    device = await _entered(work, key)
    believed = at is not None and work.now - _SLOW <= at <= work.now + _FAST
    moment = at if at is not None and believed else work.now
    claimed = at if at is not None and not believed and _EARLIEST <= at < _LATEST else None
    signal = await _claimed_before(work, device, what, claimed) if claimed is not None else None
    new = signal is None
    if signal is None:
        signal = await work.session.scalar(
            insert(Signal)
            .values(device_id=device.id, type=what, at=moment, received_at=work.now, claimed_at=claimed)
            .on_conflict_do_nothing(index_elements=["device_id", "type", "at"])
            .returning(Signal)
        )
        new = signal is not None
    if signal is None:
        signal = (
            await work.session.scalars(
                select(Signal).where(Signal.device_id == device.id, Signal.type == what, Signal.at == moment)
            )
        ).one()
    if new:
        device.seen_at, device.via = work.now, via
        await watch(work, device, conversation_id=conversation_id)
        await work.session.flush()
    return Report(device=device, signal=signal, new=new)


_NOTE = text(
    r"""
    WITH known AS (
        SELECT id, heartbeat_seconds FROM device
        WHERE community_id = :community AND key = :key
          AND (CAST(:battery AS integer) IS NULL OR (battery_low IS FALSE AND CAST(:battery AS integer) > :low))
        FOR UPDATE
    ), stored AS (
        INSERT INTO signal (device_id, type, at, received_at)
        SELECT id, :what, CAST(:at AS timestamptz), CAST(:now AS timestamptz) FROM known
        ON CONFLICT (device_id, type, at) DO NOTHING
        RETURNING device_id
    ), seen AS (
        UPDATE device SET seen_at = :now, via = :via, battery = coalesce(CAST(:battery AS integer), battery)
        FROM stored WHERE device.id = stored.device_id
    ), watched AS (
        UPDATE timer SET due_at = CAST(:now AS timestamptz) + make_interval(secs => known.heartbeat_seconds),
            lease_until = NULL, attempts = 0
        FROM stored JOIN known ON known.id = stored.device_id
        WHERE timer.key = format('device\:%s\:silent', known.id) AND known.heartbeat_seconds IS NOT NULL
        RETURNING timer.id
    )
    SELECT known.heartbeat_seconds IS NOT NULL, EXISTS (SELECT FROM stored), EXISTS (SELECT FROM watched) FROM known
    """
)


async def note(
    work: Work, *, key: str, what: str, at: datetime | None, via: str, battery: int | None, low: int
) -> bool | None:
    """Store an ordinary report of a known device in one statement: most reports are such, and there are many.

    Gives whether it is new, by the same rule as `record`; None: nothing was done, `record` has to look at it (a device
    nobody knows, a clock that cannot be true, a battery at or below `low` per cent or one that was).
    """
    if at is not None and not work.now - _SLOW <= at <= work.now + _FAST:
        return None
    values = {"community": work.community.id, "key": key, "what": what, "at": at or work.now, "now": work.now}
    row = (await work.session.execute(_NOTE, {**values, "via": via, "battery": battery, "low": low})).first()
    if row is None:
        return None
    watched, new, moved = row
    if new and watched and not moved:  # it was silent, its alarm was raised, and it is back
        device = await get(work, key)
        assert device is not None
        await watch(work, device)
    return bool(new)


async def _claimed_before(work: Work, device: Device, what: str, claimed: datetime) -> Signal | None:
    """The same report of a device whose clock is wrong. The device is locked, so that nobody stores it meanwhile."""
    same = [Signal.device_id == device.id, Signal.type == what, Signal.claimed_at == claimed]
    if claimed < _SET:
        same.append(Signal.received_at > work.now - _RESTART)
    return await work.session.scalar(select(Signal).where(*same).order_by(Signal.id.desc()).limit(1))


async def watch(work: Work, device: Device, *, conversation_id: int | None = None) -> None:
    """Set the timer for its silence anew, or drop it when the device has no heartbeat.

    `conversation_id`: of its resident; it is locked before the timer when that falls due.
    """
    key = f"device:{device.id}:silent"
    if device.heartbeat_seconds is None:
        await timers.cancel(work, key=key)
        return
    await timers.schedule(
        work,
        key=key,
        kind=SILENT,
        subject=f"device:{device.id}",
        due_at=(device.seen_at or work.now) + timedelta(seconds=device.heartbeat_seconds),
        payload={"conversation": conversation_id} if conversation_id is not None else {},
    )


async def register(
    work: Work, device: Device, *, resident: Resident | None, heartbeat_seconds: int | None
) -> None:
    """Staff say whose it is, and after how long a silence it counts as lost."""
    device.resident_id = resident.id if resident is not None else None
    device.heartbeat_seconds = heartbeat_seconds
    device.registered_at = device.registered_at or work.now
    work.audit("device.register", f"device:{device.id}", resident=device.resident_id)
    await work.session.flush()
    spoken = await conversations.of_resident(work, resident.id) if resident is not None else None
    await watch(work, device, conversation_id=spoken.id if spoken is not None else None)
    await work.emit("device", f"device:{device.id}", registered=True)


async def add(work: Work, key: str) -> Device:
    """The device of that key, locked; written down if it has never reported."""
    return await _entered(work, key, announce=False)


async def every(work: Work) -> Sequence[Device]:
    """All devices of the community, by key."""
    return (
        await work.session.scalars(
            select(Device).where(Device.community_id == work.community.id).order_by(Device.key)
        )
    ).all()


async def get(work: Work, key: str, *, lock: bool = False) -> Device | None:
    """A device by its key, in this community."""
    statement = select(Device).where(Device.community_id == work.community.id, Device.key == key)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return await work.session.scalar(statement)


async def refuse_stranger(work: Work) -> None:
    """Raises TooManyDevices when enough devices are waiting to be registered: somebody invents them."""
    if await strangers(work) >= _STRANGERS:
        raise TooManyDevices("too many devices wait to be registered", waiting=_STRANGERS)


async def strangers(work: Work) -> int:
    """How many devices have reported that nobody registered."""
    found = await work.session.scalar(
        select(func.count())
        .select_from(Device)
        .where(Device.community_id == work.community.id, Device.registered_at.is_(None))
    )
    return int(found or 0)


async def announce(work: Work) -> int:
    """Mark the devices that nobody registered as told of; gives how many there are of which staff did not know."""
    told = await work.session.execute(
        update(Device)
        .where(
            Device.community_id == work.community.id,
            Device.registered_at.is_(None),
            Device.announced_at.is_(None),
        )
        .values(announced_at=work.now)
        .returning(Device.id)
    )
    return len(told.all())


async def key_of(work: Work, reference: str) -> str | None:
    """The key of a device by its key or id; None: there is no such device."""
    if "\x00" in reference or len(reference) > 64:
        return None
    condition = Device.key == reference
    if reference.isascii() and reference.isdigit() and len(reference) < 19:
        condition = or_(condition, Device.id == int(reference))
    return await work.session.scalar(
        select(Device.key)
        .where(Device.community_id == work.community.id, condition)
        .order_by((Device.key == reference).desc())
        .limit(1)
    )


async def last_sign_of_life(work: Work, resident_id: int) -> datetime | None:
    """When one of a resident's devices last noticed a living person (K5); None: never."""
    return await work.session.scalar(
        select(func.max(Signal.at))
        .join(Device, Device.id == Signal.device_id)
        .where(Device.resident_id == resident_id, Signal.type.in_(SIGNS_OF_LIFE))
    )


async def _entered(work: Work, key: str, *, announce: bool = True) -> Device:
    """The device of that key, made when it is new, locked; staff are told of one that nobody announced to them."""
    found = await get(work, key, lock=True)
    if found is not None:
        return found
    made = await work.session.scalar(
        insert(Device)
        .values(community_id=work.community.id, key=key)
        .on_conflict_do_nothing(index_elements=["community_id", "key"])
        .returning(Device.id)
    )
    found = await get(work, key, lock=True)
    assert found is not None
    if made is not None and announce:
        await work.emit("device", f"device:{found.id}", registered=False)
        await _gather(work)
    return found


async def _gather(work: Work) -> None:
    """Staff hear of all devices of a minute at once; a timer that is set already stays where it is."""
    key = f"devices:{work.community.id}:unregistered"
    if await work.session.scalar(select(Timer.id).where(Timer.key == key)) is None:
        await timers.schedule(
            work,
            key=key,
            kind=UNREGISTERED,
            subject=f"community:{work.community.id}",
            due_at=work.now + _GATHER,
        )
