"""By when something happens next, in words: what a resident is promised is what the clocks measure (C13, H6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from data.clocks import later, standings
from data.models import Request, RequestEvent
from flows.turn import Turn

_SLACK = timedelta(minutes=1)
_DAY = timedelta(days=1)  # from here on a date says more than a number of hours


def promised(turn: Turn, urgency: str | None, name: str, *, kind: str = "repair") -> str:
    """When a case opened now reaches `name` (accept, on_site, first_answer): a length of time, or the moment where the
    hours that count begin later; "" where nothing is promised."""
    clock = next((one for one in turn.world.clocks.of(kind, urgency) if one.name == name), None)
    if clock is None:
        return ""
    opening = turn.world.clocks.calendars.get(clock.calendar)
    due = later(turn.work.now, clock.due, opening, turn.work.zone)
    return by(turn, due, clock.due if clock.due < _DAY else None)


def by(turn: Turn, due: datetime, within: timedelta | None = None) -> str:
    """A deadline in words: within so long when it is counted from now, else before that moment."""
    if within is not None and due - turn.work.now <= within + _SLACK:
        length = turn.wording.duration(within)
        return turn.world.replies.render("promise_within", turn.language, length=length).text
    local = due.astimezone(turn.work.zone)
    today = local.date() == turn.now.date()
    moment = turn.wording.clock(local) if today else turn.wording.moment(local, turn.now)
    return turn.world.replies.render("promise_by", turn.language, moment=moment).text


def next_promises(
    turn: Turn, request: Request, history: Sequence[RequestEvent]
) -> Sequence[tuple[str, datetime]]:
    """What a case still promises, soonest first: which (accept, on_site, close, first_answer), and when."""
    found = standings(
        turn.world.clocks,
        kind=request.kind,
        urgency=request.urgency,
        history=history,
        now=turn.work.now,
        zone=turn.work.zone,
    )
    return [(one.name, one.due_at) for one in found if one.met_at is None]
