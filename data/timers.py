"""Things that fall due: rows, claimed by whichever worker is free, done once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from data.models import Timer
from data.work import Work

LEASE = timedelta(seconds=10)
"""How long a worker has for a timer before another may take it; in real time, since it is about dead processes."""


async def schedule(
    work: Work, *, key: str, kind: str, subject: str, due_at: datetime, payload: dict[str, Any] | None = None
) -> None:
    """Set a timer, or move the one that has this key. Commits with the work it belongs to.

    `payload` may name a `conversation` (its id): the handler then runs with that conversation locked.
    """
    values = {
        "kind": kind,
        "subject": subject,
        "due_at": due_at,
        "payload": payload or {},
        "lease_until": None,
    }
    statement = insert(Timer).values(community_id=work.community.id, key=key, attempts=0, **values)
    await work.session.execute(
        statement.on_conflict_do_update(index_elements=[Timer.key], set_={**values, "attempts": 0})
    )


async def cancel(
    work: Work, *, subject: str | None = None, key: str | None = None, kind: str | None = None
) -> None:
    """Drop the timers of a subject (of one kind, if named), or the one with a key."""
    statement = delete(Timer)
    if subject is None and key is None:
        raise ValueError("name a subject or a key")
    if subject is not None:
        statement = statement.where(Timer.subject == subject)
    if key is not None:
        statement = statement.where(Timer.key == key)
    if kind is not None:
        statement = statement.where(Timer.kind == kind)
    await work.session.execute(statement)


async def claim(session: AsyncSession, *, now: datetime, limit: int = 100) -> Sequence[Timer]:
    """Take up to `limit` timers that are due, the oldest first, under a lease. Nobody else gets them meanwhile."""
    due = (
        select(Timer.id)
        .where(
            Timer.due_at <= now, or_(Timer.lease_until.is_(None), Timer.lease_until < func.clock_timestamp())
        )
        .order_by(Timer.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    # Each failed attempt doubles the time until the next one: a handler that fails must not eat a worker.
    wait = LEASE * func.power(2, func.least(Timer.attempts, 6))
    claimed = await session.scalars(
        update(Timer)
        .where(Timer.id.in_(due.scalar_subquery()))
        .values(lease_until=func.clock_timestamp() + wait, attempts=Timer.attempts + 1)
        .returning(Timer)
        .execution_options(synchronize_session=False)
    )
    return sorted(claimed.all(), key=lambda timer: (timer.due_at, timer.id))


async def hold(work: Work, timer: Timer) -> Timer | None:
    """Lock a claimed timer for handling; None when it is gone or was moved to another time meanwhile."""
    return await work.session.scalar(
        select(Timer)
        .where(Timer.id == timer.id, Timer.due_at == timer.due_at)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def done(work: Work, timer: Timer) -> None:
    """Remove a handled timer, unless its handler set the same key for a later time."""
    await work.session.execute(delete(Timer).where(Timer.id == timer.id, Timer.due_at == timer.due_at))


async def next_due(session: AsyncSession) -> datetime | None:
    """When the next unclaimed timer falls due, for a scheduler that wants to sleep; None when there is none."""
    return await session.scalar(
        select(func.min(Timer.due_at)).where(
            or_(Timer.lease_until.is_(None), Timer.lease_until < func.clock_timestamp())
        )
    )


async def lag(session: AsyncSession, now: datetime) -> timedelta:
    """How long the oldest due timer has been waiting; zero when none is (O4)."""
    oldest = await session.scalar(select(func.min(Timer.due_at)))
    return max(now - oldest, timedelta(0)) if oldest else timedelta(0)
