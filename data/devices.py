"""Buttons, detectors and sensors: which there are, and what each has reported, every report once (E9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert

from data import timers
from data.models import Device, Resident, Signal
from data.work import Work

TYPES = ("sos", "fall", "motion", "no_motion", "gas", "smoke", "heartbeat", "ok")
SIGNS_OF_LIFE = frozenset({"motion", "ok", "sos"})
"""Reports that only a living person causes (K5)."""

SILENT = "device.silent"
"""Kind of the timer that falls due when a device has not been heard for longer than its heartbeat."""

_SLOW = timedelta(days=30)  # a report this old is still stored with its own time
_FAST = timedelta(hours=1)  # how far a device's clock may be ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report, as it was stored."""

    device: Device
    signal: Signal
    new: bool  # False: the same report was heard before


async def record(
    work: Work, *, key: str, what: str, at: datetime | None, conversation_id: int | None = None
) -> Report:
    """Store a report; a device nobody registered is written down with it. Any report is a heartbeat.

    `what` is one of TYPES; `at` is when the device noticed (aware; None: now). A time that cannot be true (a clock that was never set) is
    replaced by now: a call for help is not refused for its clock. `conversation_id`: of its resident, for the timer.
    """
    device = await _entered(work, key)
    moment = work.now if at is None or not work.now - _SLOW <= at <= work.now + _FAST else at
    signal = await work.session.scalar(
        insert(Signal)
        .values(device_id=device.id, type=what, at=moment, received_at=work.now)
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
    device.seen_at = work.now
    await watch(work, device, conversation_id=conversation_id)
    await work.session.flush()
    if new:
        await work.emit(
            "device", f"device:{device.id}", type=what, registered=device.registered_at is not None
        )
    return Report(device=device, signal=signal, new=new)


async def watch(work: Work, device: Device, *, conversation_id: int | None = None) -> None:
    """Set the timer for its silence anew, or drop it when the device has no heartbeat."""
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
    await watch(work, device)
    await work.emit("device", f"device:{device.id}", registered=True)


async def get(work: Work, key: str, *, lock: bool = False) -> Device | None:
    """A device by its key, in this community."""
    statement = select(Device).where(Device.community_id == work.community.id, Device.key == key)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return await work.session.scalar(statement)


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


async def _entered(work: Work, key: str) -> Device:
    """The device of that key, made when it is new, locked."""
    await work.session.execute(
        insert(Device)
        .values(community_id=work.community.id, key=key)
        .on_conflict_do_nothing(index_elements=["community_id", "key"])
    )
    found = await get(work, key, lock=True)
    assert found is not None
    return found
