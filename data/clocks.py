"""By when a case must have moved on, and how it stands: worked out anew from its history each time it is shown (H6).

Nothing about a clock is stored. It is a function of the case's history, the promises in `data/catalogue/clocks.yml`
and now; so a comment cannot reset it, and it does not run on after the case is closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from data.content import Clock, Clocks, Opening
from data.opening import windows_on

Colour = Literal["blue", "yellow", "red"]

_LATEST_DAYS = 400  # days looked ahead for hours that count; a calendar without any is an error of the file
_RESTARTS = frozenset({"created", "reopen"})
_ENDS = frozenset({"cancelled"})


class Step(Protocol):
    """What a clock needs of one line of a case's history."""

    @property
    def at(self) -> datetime: ...
    @property
    def move(self) -> str: ...
    @property
    def after(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of a history, for cases whose history is kept as stamps (alarms, hand-overs)."""

    at: datetime  # aware
    move: str  # e.g. created
    after: str  # the state, or the event, that was reached


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One promise of one case, and how it stands."""

    name: str  # accept, on_site, close, first_answer …
    due_at: datetime  # aware, in the community's zone
    met_at: datetime | None  # aware, in the community's zone; None: not yet, or the case ended without
    colour: Colour  # blue in time, yellow from 75 % of the time, red over it


def standings(
    clocks: Clocks,
    *,
    kind: str,
    urgency: str | None,
    history: Sequence[Step],
    now: datetime,
    zone: ZoneInfo,
) -> list[Standing]:
    """The clocks of a case, in the order of the file; a kind without promises has none.

    A reopened case starts anew (H8); a cancelled one stops where it was. The move `extend` (which needs a reason)
    gives the longer time of a clock that has one.

    Args:
        clocks: the promises.
        kind: repair, complaint, suggestion, handoff or alarm.
        urgency: urgent, ordinary or planned, for a repair.
        history: oldest first; the first line (or each with the move `reopen`) is where the time is counted from.
        now: aware.
        zone: the community's, for the hours that count and for the answer.
    """
    start, since = _round(history)
    if start is None:
        return []
    ended = next((step.at for step in since if step.after in _ENDS), None)
    extended = any(step.move == "extend" for step in since)
    found = []
    for clock in clocks.of(kind, urgency):
        length = clock.extended if extended and clock.extended else clock.due
        opening = clocks.calendars.get(clock.calendar)
        due_at = later(start, length, opening, zone)
        yellow_at = later(start, length * float(clocks.yellow_from), opening, zone)
        met_at = _met(clock, since)
        judged = met_at or ended or now
        found.append(
            Standing(
                name=clock.name,
                due_at=due_at.astimezone(zone),
                met_at=met_at.astimezone(zone) if met_at else None,
                colour="red" if judged > due_at else "yellow" if judged >= yellow_at else "blue",
            )
        )
    return found


def of_stamps(created_at: datetime, stamps: Iterable[tuple[str, datetime | None]]) -> tuple[Event, ...]:
    """A history from (what was reached, when or None), for alarms and hand-overs."""
    reached = [Event(at=at, move=name, after=name) for name, at in stamps if at is not None]
    return (Event(at=created_at, move="created", after="created"), *sorted(reached, key=lambda e: e.at))


def later(start: datetime, length: timedelta, opening: Opening | None, zone: ZoneInfo) -> datetime:
    """The moment when that much counted time has passed since `start`; aware, UTC.

    Only the hours of `opening` count (public holidays and working days as in `data.opening`); None: every hour.
    Raises ValueError when the calendar has no hours within `_LATEST_DAYS`.
    """
    moment = start.astimezone(UTC)
    if opening is None:
        return moment + length
    left = length
    first = start.astimezone(zone).date() - timedelta(days=1)  # hours of yesterday may run past midnight
    for ahead in range(_LATEST_DAYS):
        for window in windows_on(opening, first + timedelta(days=ahead), zone):
            begins, ends = max(window.start.astimezone(UTC), moment), window.end.astimezone(UTC)
            if ends <= begins:
                continue
            if begins + left <= ends:
                return begins + left
            left -= ends - begins
    raise ValueError("this calendar never opens")


def _round(history: Sequence[Step]) -> tuple[datetime | None, Sequence[Step]]:
    """Where the present round of a case began, and what happened since."""
    begin = 0
    for index, step in enumerate(history):
        if step.move in _RESTARTS:
            begin = index
    return (history[begin].at, history[begin:]) if history else (None, ())


def _met(clock: Clock, since: Sequence[Step]) -> datetime | None:
    return next((step.at for step in since if step.after == clock.until), None)
