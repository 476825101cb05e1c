"""Pages of anything, the newest first, and what belongs to each row of a page, read at once: for the API and the desk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute

from data.models import AlarmStep, Consent, Contact, Home, RequestEvent
from data.work import Work

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Some rows, and where the next page begins."""

    rows: Sequence[T]  # newest first
    after: int | None  # ask for what comes after this id; None: there is no more


async def page(
    work: Work,
    model: type[T],
    *conditions: ColumnElement[bool],
    limit: int,
    after: int | None = None,
) -> Page[T]:
    """Up to `limit` rows of a table whose `id` rises, newest first, older than `after`.

    The caller's conditions must name the community. A page neither repeats nor leaves out what was there before it.
    """
    key: InstrumentedAttribute[int] = getattr(model, "id")  # noqa: B009  every table of this kind has one
    statement = select(model).where(*conditions).order_by(key.desc()).limit(limit + 1)
    if after is not None:
        statement = statement.where(key < after)
    found = (await work.session.scalars(statement)).all()
    more = len(found) > limit
    rows = found[:limit]
    return Page(rows=rows, after=getattr(rows[-1], "id", None) if more else None)


async def histories(work: Work, requests: Sequence[int]) -> Mapping[int, Sequence[RequestEvent]]:
    """The history of each case, oldest first."""
    return await _grouped(work, RequestEvent, RequestEvent.request_id, requests)


async def steps(work: Work, alarms: Sequence[int]) -> Mapping[int, Sequence[AlarmStep]]:
    """The timeline of each alarm, oldest first."""
    return await _grouped(work, AlarmStep, AlarmStep.alarm_id, alarms)


async def contacts(work: Work, residents: Sequence[int]) -> Mapping[int, Sequence[Contact]]:
    """The contacts of each resident, in their order."""
    found = await _grouped(work, Contact, Contact.resident_id, residents)
    return defaultdict(
        list, {key: sorted(rows, key=lambda c: (c.position, c.id)) for key, rows in found.items()}
    )


async def consents(work: Work, residents: Sequence[int]) -> Mapping[int, Sequence[Consent]]:
    """What each resident agreed to, and took back."""
    return await _grouped(work, Consent, Consent.resident_id, residents)


async def homes(work: Work, ids: Sequence[int | None]) -> Mapping[int, Home]:
    """Homes by id."""
    wanted = {one for one in ids if one is not None}
    found = await work.session.scalars(select(Home).where(Home.id.in_(wanted)))
    return {home.id: home for home in found.all()}


async def _grouped(
    work: Work, model: type[T], owner: InstrumentedAttribute[int], wanted: Sequence[int]
) -> Mapping[int, Sequence[T]]:
    found: defaultdict[int, list[T]] = defaultdict(list)
    if wanted:
        key: InstrumentedAttribute[Any] = getattr(model, "id")  # noqa: B009  see `page`
        rows = await work.session.scalars(select(model).where(owner.in_(wanted)).order_by(key))
        for row in rows.all():
            found[getattr(row, owner.key)].append(row)
    return found
