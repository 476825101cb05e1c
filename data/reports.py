"""Figures of a week, a month or a quarter: how much there was, and the three rates (H12, E10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import func, select

from data import clocks, listing
from data.content import Clocks
from data.models import Alarm, Checkin, Handoff, Request
from data.work import Work

Period = Literal["week", "month", "quarter"]

_FINISHED = frozenset({"done", "answered", "closed"})
_FIRST = {"repair": "accept", "complaint": "first_answer", "suggestion": "first_answer"}
"""The first promise of each kind of case: what "responded" counts."""
_DRILLS = frozenset({"drill", "duplicate"})
_SATISFIED = 4  # marks from here on


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The three rates, 0–1; None where nothing was counted."""

    responded: float | None  # of the cases whose first promise was met or is over: how many in time
    resolved: float | None  # of the cases not called off: finished, and never reopened (H8)
    satisfied: float | None  # of the marks: 4 or 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmFigures:
    """The alarms of a period; drills and duplicates do not count (E10)."""

    total: int
    kinds: Mapping[str, int]
    within_60s: float | None  # share acknowledged within 60 s
    within_180s: float | None  # share acknowledged within 180 s
    on_site_30min: float | None  # of those somebody went to: share there within 30 min
    false_alarms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that began in a period."""

    starts_at: datetime  # aware, in the community's zone
    ends_at: datetime  # exclusive
    kinds: Mapping[str, Mapping[str, int]]  # kind of case → state → how many
    rates: Rates
    alarms: AlarmFigures
    handoffs: int
    checkins: Mapping[str, int]  # state → how many


def bounds(period: Period, day: date, work: Work) -> tuple[datetime, datetime]:
    """First moment of the week (Monday), month or quarter that holds the day, and of the next one."""
    if period == "week":
        first = day - timedelta(days=day.weekday())
        following = first + timedelta(days=7)
    else:
        months = 1 if period == "month" else 3
        start = (day.month - 1) // months * months
        first = date(day.year, start + 1, 1)
        following = date(day.year + (start + months) // 12, (start + months) % 12 + 1, 1)
    midnight = datetime.min.time()
    return (
        datetime.combine(first, midnight, tzinfo=work.zone),
        datetime.combine(following, midnight, tzinfo=work.zone),
    )


async def report(work: Work, promises: Clocks, *, period: Period, day: date) -> Report:
    """The figures of the period that holds the day, as they stand now."""
    start, end = bounds(period, day, work)
    cases = (
        await work.session.scalars(
            select(Request).where(
                Request.community_id == work.community.id,
                Request.created_at >= start,
                Request.created_at < end,
            )
        )
    ).all()
    kinds: dict[str, Counter[str]] = {}
    for case in cases:
        kinds.setdefault(case.kind, Counter())[case.state] += 1
    return Report(
        starts_at=start,
        ends_at=end,
        kinds=kinds,
        rates=await _rates(work, promises, cases),
        alarms=await _alarms(work, start, end),
        handoffs=await work.session.scalar(
            select(func.count())
            .select_from(Handoff)
            .where(
                Handoff.community_id == work.community.id,
                Handoff.queued_at >= start,
                Handoff.queued_at < end,
            )
        )
        or 0,
        checkins=await _checkins(work, start, end),
    )


async def _checkins(work: Work, start: datetime, end: datetime) -> Mapping[str, int]:
    rows = await work.session.execute(
        select(Checkin.state, func.count())
        .where(Checkin.community_id == work.community.id, Checkin.due_at >= start, Checkin.due_at < end)
        .group_by(Checkin.state)
    )
    return {str(state): int(count) for state, count in rows.all()}


async def _rates(work: Work, promises: Clocks, cases: Sequence[Request]) -> Rates:
    histories = await listing.histories(work, [case.id for case in cases])
    in_time = judged = 0
    for case in cases:
        first = next(
            (
                clock
                for clock in clocks.standings(
                    promises,
                    kind=case.kind,
                    urgency=case.urgency,
                    history=histories.get(case.id, ()),
                    now=work.now,
                    zone=work.zone,
                )
                if clock.name == _FIRST.get(case.kind)
            ),
            None,
        )
        if first is not None and (first.met_at is not None or first.colour == "red"):
            judged += 1
            in_time += first.colour != "red"
    wanted = [case for case in cases if case.state != "cancelled"]
    marks = [case.rating for case in cases if case.rating is not None]
    return Rates(
        responded=_share(in_time, judged),
        resolved=_share(sum(case.state in _FINISHED and not case.reopened for case in wanted), len(wanted)),
        satisfied=_share(sum(mark >= _SATISFIED for mark in marks), len(marks)),
    )


async def _alarms(work: Work, start: datetime, end: datetime) -> AlarmFigures:
    every = (
        await work.session.scalars(
            select(Alarm).where(
                Alarm.community_id == work.community.id, Alarm.raised_at >= start, Alarm.raised_at < end
            )
        )
    ).all()
    real = [alarm for alarm in every if alarm.code not in _DRILLS]
    waited = [(alarm.acknowledged_at or work.now) - alarm.raised_at for alarm in real]
    on_site = [alarm.on_site_at - alarm.raised_at for alarm in real if alarm.on_site_at is not None]
    return AlarmFigures(
        total=len(real),
        kinds=Counter(alarm.kind for alarm in real),
        within_60s=_share(sum(one <= timedelta(seconds=60) for one in waited), len(waited)),
        within_180s=_share(sum(one <= timedelta(seconds=180) for one in waited), len(waited)),
        on_site_30min=_share(sum(one <= timedelta(minutes=30) for one in on_site), len(on_site)),
        false_alarms=sum(alarm.code == "false_alarm" for alarm in real),
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
