"""Which process listens to the devices' broker, and whether it hears anything: one at a time, another when it dies (O3, O4)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from data.models import Listener

MQTT = "mqtt"
LEASE = timedelta(seconds=10)
"""How long a process that is not heard of keeps the connection to itself; in real time, since it is about dead processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a connection stands."""

    connected: bool  # some process holds it, and the other side answers
    since: datetime | None  # product time since which it is so; None: it never was connected
    fault: str | None  # why it is not connected, as the library said it
    counts: Mapping[str, int]  # outcome of a report → how many so far


async def claim(session: AsyncSession, name: str, holder: str) -> str | None:
    """Take or keep a connection for this process; gives the name to connect under, None while another has it."""
    await session.execute(
        insert(Listener)
        .values(name=name, client=f"anlin-{secrets.token_hex(8)}", connected=False, counts={})
        .on_conflict_do_nothing(index_elements=[Listener.name])
    )
    now = func.clock_timestamp()
    free = or_(Listener.holder.is_(None), Listener.holder == holder, Listener.lease_until < now)
    taken: str | None = await session.scalar(
        update(Listener)
        .where(Listener.name == name, free)
        .values(holder=holder, lease_until=now + LEASE)
        .returning(Listener.client)
        .execution_options(synchronize_session=False)
    )
    return taken


async def tell(
    session: AsyncSession,
    name: str,
    holder: str,
    *,
    connected: bool,
    at: datetime,
    fault: str | None = None,
    counted: Mapping[str, int],
) -> None:
    """Write down how the connection stands and add what was counted; nothing happens when another process has it.

    `at` is the product's time, aware: it stays when connected or not has not changed.
    """
    row = await session.scalar(select(Listener).where(Listener.name == name).with_for_update())
    if row is None or row.holder != holder:
        return
    if row.connected != connected or row.since is None:
        row.since = at
    row.connected, row.fault = connected, fault[:200] if fault else None
    if counted:
        row.counts = {**row.counts, **{key: row.counts.get(key, 0) + n for key, n in counted.items()}}


async def release(session: AsyncSession, name: str, holder: str, *, at: datetime) -> None:
    """This process stops: another may take over at once."""
    await session.execute(
        update(Listener)
        .where(Listener.name == name, Listener.holder == holder)
        .values(holder=None, lease_until=None, connected=False, since=at, fault="stopped")
    )


async def forget(session: AsyncSession, name: str) -> None:
    """The installation has no such connection any more, unless a process holds it: then the settings differ."""
    now = func.clock_timestamp()
    unused = or_(Listener.holder.is_(None), Listener.lease_until < now)
    await session.execute(delete(Listener).where(Listener.name == name, unused))


async def standing(session: AsyncSession, name: str) -> Standing | None:
    """How it stands; None: the installation never had it. A holder past its lease is not connected."""
    row = (
        await session.execute(
            select(Listener, Listener.lease_until < func.clock_timestamp())
            .where(Listener.name == name)
            .execution_options(populate_existing=True)
        )
    ).first()
    if row is None:
        return None
    found, lapsed = row
    gone = found.holder is None or bool(lapsed)
    return Standing(
        connected=found.connected and not gone,
        since=found.since,
        fault="no process listens" if gone else found.fault,
        counts=found.counts,
    )
