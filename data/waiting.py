"""The waiting list of a full slot: who is next when a place becomes free, and what is held for whom (F1).

A place that is held counts as taken (`data.requests.places_taken`) until it is booked, left or no longer held.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from data import timers
from data.models import Request, Waiting
from data.work import Work

FREED, OFFER, LAPSE, OVER = "waiting.freed", "waiting.offer", "waiting.lapse", "waiting.over"
"""Kinds of timers: a place may be free; tell who is next; nobody answered; it is too late for this slot."""
HOLD = timedelta(minutes=30)
"""How long a place is kept for whoever was told of it."""
_OPEN = ("waiting", "held")


async def join(
    work: Work,
    *,
    service: str,
    starts_at: datetime,
    ends_at: datetime,
    until: datetime,
    count: int | None,
    resident_id: int,
    conversation_id: int,
    details: dict[str, Any],
) -> tuple[Waiting, int]:
    """Put somebody on the list, once; gives the row and how many are before them. `until`: when it is too late."""
    mine = await work.session.scalar(
        select(Waiting).where(
            Waiting.resident_id == resident_id,
            Waiting.service == service,
            Waiting.starts_at == starts_at,
            Waiting.state.in_(_OPEN),
        )
    )
    if mine is None:
        mine = Waiting(
            community_id=work.community.id,
            service=service,
            starts_at=starts_at,
            ends_at=ends_at,
            count=count,
            resident_id=resident_id,
            conversation_id=conversation_id,
            details=details,
            state="waiting",
            created_at=work.now,
        )
        work.session.add(mine)
        await work.session.flush()
        await _timer(work, mine, OVER, until)
    before = await work.session.scalar(
        select(func.count()).where(
            Waiting.community_id == work.community.id,
            Waiting.service == service,
            Waiting.starts_at == starts_at,
            Waiting.state.in_(_OPEN),
            Waiting.id < mine.id,
        )
    )
    return mine, int(before or 0)


async def get(work: Work, waiting_id: int, *, lock: bool = False) -> Waiting | None:
    """One place on a list, in this community."""
    statement = select(Waiting).where(Waiting.id == waiting_id, Waiting.community_id == work.community.id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return await work.session.scalar(statement)


async def of_resident(work: Work, resident_id: int) -> list[Waiting]:
    """What somebody waits for, the last first."""
    found = await work.session.scalars(
        select(Waiting)
        .where(Waiting.resident_id == resident_id, Waiting.state.in_(_OPEN))
        .order_by(Waiting.id.desc())
    )
    return list(found.all())


async def next_in_line(work: Work, *, service: str, starts_at: datetime, fits: int | None) -> Waiting | None:
    """Who has waited longest and needs no more than `fits` places (None: one each), locked."""
    statement = select(Waiting).where(
        Waiting.community_id == work.community.id,
        Waiting.service == service,
        Waiting.starts_at == starts_at,
        Waiting.state == "waiting",
    )
    if fits is not None:
        statement = statement.where(func.coalesce(Waiting.count, 1) <= fits)
    return await work.session.scalar(
        statement.order_by(Waiting.id).limit(1).with_for_update(skip_locked=True)
    )


async def hold(work: Work, waiting: Waiting) -> None:
    """Keep a place for somebody, and see to it that they are told and that it does not stay kept for ever."""
    waiting.state, waiting.held_until = "held", work.now + HOLD
    await work.session.flush()
    await _timer(work, waiting, OFFER, work.now)


async def told(work: Work, waiting: Waiting) -> None:
    """They have heard of it: the time to answer runs from now."""
    waiting.held_until = work.now + HOLD
    await _timer(work, waiting, LAPSE, waiting.held_until)


async def settle(work: Work, waiting: Waiting, state: str) -> None:
    """Booked, left, or over. A place that was held is offered to whoever is next."""
    held = waiting.state == "held"
    waiting.state, waiting.held_until = state, None
    await work.session.flush()
    await timers.cancel(work, subject=f"waiting:{waiting.id}")
    if held and state != "booked":
        await look(work, f"waiting:{waiting.id}", service=waiting.service, starts_at=waiting.starts_at)


async def freed(work: Work, booking: Request) -> None:
    """A booking was called off: whoever waits for its slot is told."""
    if booking.starts_at is None or booking.starts_at <= work.now or booking.service is None:
        return
    waits = await work.session.scalar(
        select(Waiting.id)
        .where(
            Waiting.community_id == work.community.id,
            Waiting.service == booking.service,
            Waiting.starts_at == booking.starts_at,
            Waiting.state == "waiting",
        )
        .limit(1)
    )
    if waits is not None:
        await look(work, f"request:{booking.id}", service=booking.service, starts_at=booking.starts_at)


async def look(work: Work, because: str, *, service: str, starts_at: datetime) -> None:
    """Look soon who is next for a slot. A key of its own for each reason: nobody waits for another's timer."""
    await timers.schedule(
        work,
        key=f"freed:{because}",
        kind=FREED,
        subject=f"freed:{because}",
        due_at=work.now,
        payload={"service": service, "starts_at": starts_at.isoformat()},
    )


async def places_held(
    work: Work, *, service: str, starts_at: datetime, by_count: bool, besides: int | None = None
) -> int:
    """How many places of a slot are kept for people who were told of them; `besides`: not counting this row."""
    places = func.coalesce(func.sum(func.coalesce(Waiting.count, 1)), 0) if by_count else func.count()
    statement = select(places).where(
        Waiting.community_id == work.community.id,
        Waiting.service == service,
        Waiting.starts_at == starts_at,
        Waiting.state == "held",
    )
    if besides is not None:
        statement = statement.where(Waiting.id != besides)
    return int(await work.session.scalar(statement) or 0)


async def _timer(work: Work, waiting: Waiting, kind: str, due_at: datetime) -> None:
    await timers.schedule(
        work,
        key=f"{kind}:{waiting.id}",
        kind=kind,
        subject=f"waiting:{waiting.id}",
        due_at=due_at,
        payload={"conversation": waiting.conversation_id, "waiting": waiting.id},
    )
