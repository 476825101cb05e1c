"""No check-ins for a while, and check-ins again (K6, F6).

A pause is read back with its last day before it holds (C11), ends by itself, and one without an end is a task for
staff: somebody has to know about it. What counts as "again" is done at once, since it takes nothing away.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta

from data import checkins, conversations, requests, residents
from data.models import CheckinPlan
from data.repeats import next_occurrence
from flows import family
from flows.declared import Ask, Filled, Flow, Given, Slot, Verdict
from flows.durations import length_in
from flows.messages import Button
from flows.replies import payload
from flows.state import CONFIRM, Frame
from flows.turn import Turn
from nlu.timevalues import TimeValue, TimeValueError, parse_value
from nlu.understanding import Entity

_OPEN = "open"
"""The value of a pause whose end nobody knows."""
_LONGEST = timedelta(days=366)
_STOP = re.compile(
    r"停|别|不用|不必|不要|不需|不接|不方便|免了|先不|甭|勿|不在|住院|出门|旅游|关[了掉上]|"
    r"\b(?:pause|stop|don'?t|do not|no need|away|skip|hold|without)\b"
)
_AGAIN = re.compile(
    r"恢复|重新|照常|接着[问来打]|继续[问打]|再开|打开|开启|开始|可以[问打]了|到家了|出院|回来了|"
    r"\b(?:resume|restart|start again|again|back home|carry on|continue)\b"
)
_LATER = re.compile(r"后再|再(?:开始|恢复|打|问)|以后(?:再|恢复)|通知再|then (?:start|resume)")
_UNTIL_HEAD = re.compile(
    r"(?:到|至|直到|等到|过了|until|till|til|through|back(?: home)?(?: on)?)\s*$", re.IGNORECASE
)
_BACK_TAIL = re.compile(r"^\s*(?:才|就|再)?\s*(?:回|到家|返|之前|前)")
_AGAIN_TAIL = re.compile(r"^\s*(?:以?后|之后)?\s*(?:再|才|就|起)?\s*(?:开始|恢复|照常|重新|问|打)")
_OPEN_WORDS = re.compile(
    r"不知道|说不[准好定]|没准|不一定|不[确清]|等我(?:通知|回来|说|电话)|再说|长期|一直|以后都|永远|暂时不|"
    r"don'?t know|not sure|until i (?:say|tell|call)|for good|indefinite|no idea"
)


class PauseCheckin(Flow):
    """F6: pause and resume."""

    name = "pause_checkin"
    intents = ("pause_checkin",)
    confirms = True
    open_to_strangers = False

    def __init__(self) -> None:
        self.slots = (
            Slot(
                name="time",
                ask="pause_checkin_ask_until",
                entity="time",
                judge=_judge_until,
                choices=_choices,
                when=lambda turn, frame: frame.memory.get("mode") == "pause",
            ),
        )

    async def begin(self, turn: Turn, frame: Frame) -> None:
        plan = await _plan(turn)
        if plan is None:
            frame.memory["mode"] = "none"
        elif turn.command is None and _wants_again(turn.text):
            frame.memory["mode"] = "again"
        else:
            frame.memory["mode"] = "pause"
            # Three days without questions are three questions not asked: today counts if it has one to come.
            following = next_occurrence(plan.rrule or "", start=turn.now, after=turn.now, zone=turn.work.zone)
            today = following is not None and following.date() == turn.now.date()
            frame.memory["first"] = (turn.now.date() + timedelta(days=0 if today else 1)).isoformat()
            self._take_words(turn, frame)
        if frame.memory["mode"] != "pause":
            frame.slots["time"] = None
            frame.memory["confirmed"] = True

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        """ "Five days, rather": a length is no entity, so the engine would not hear it as a correction."""
        if frame.asked != CONFIRM or turn.command is not None or turn.intent("affirm"):
            return False
        if length_in(turn.text) is None or not self._take_words(turn, frame):
            return False
        frame.asked = None
        return True

    def _take_words(self, turn: Turn, frame: Frame) -> bool:
        if turn.command is not None:
            return False
        span = _span_of_words(turn, frame, turn.text)
        verdict = _checked(turn, span) if span is not None else None
        if isinstance(verdict, Filled):
            frame.slots["time"] = verdict.value
        return isinstance(verdict, Filled)

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        slot = frame.slots.get("time")
        return {"span": _in_words(turn, slot) if isinstance(slot, dict) else ""}

    async def run(self, turn: Turn, frame: Frame) -> bool:
        plan = await _plan(turn)
        if plan is None or frame.memory.get("mode") == "none":
            turn.say("pause_checkin_no_plan")
            return True
        if frame.memory.get("mode") == "again":
            await self._resume(turn, plan)
            return True
        span = frame.slots["time"]
        last = None if span["last"] == _OPEN else date.fromisoformat(span["last"])
        await checkins.pause(turn.work, plan, first=date.fromisoformat(span["first"]), last=last)
        if last is None:
            await _tell_staff(turn, plan)
            turn.say("pause_checkin_done_open")
        else:
            turn.say("pause_checkin_done", next=_day(turn, last + timedelta(days=1)))
        return True

    async def _resume(self, turn: Turn, plan: CheckinPlan) -> None:
        """Again from now on, or from the day that was named."""
        entity = turn.understanding.first("time") if turn.understanding else None
        value = _value(entity)
        begins = value.day if value is not None and value.day is not None else turn.now.date()
        paused = checkins.is_paused(plan, turn.now.date())
        if paused and begins > turn.now.date() and plan.paused_from is not None:
            await checkins.pause(turn.work, plan, first=plan.paused_from, last=begins - timedelta(days=1))
            turn.say("pause_checkin_done", next=_day(turn, begins))
            return
        await checkins.resume(turn.work, plan)
        turn.say("pause_checkin_again")


async def _plan(turn: Turn) -> CheckinPlan | None:
    if turn.resident is None:
        return None
    plan = await checkins.plan_of(turn.work, turn.resident.id)
    return plan if plan is not None and plan.active and plan.rrule else None


def _wants_again(text: str) -> bool:
    lower = text.lower()
    return bool(_AGAIN.search(lower)) and not _STOP.search(lower) and not _LATER.search(lower)


async def _judge_until(turn: Turn, frame: Frame, given: Given) -> Verdict:
    if frame.memory.get("mode") != "pause":
        return None
    if isinstance(given.value, dict):
        return _checked(turn, given.value)
    if turn.command is not None:
        return None
    span = _span_of_words(turn, frame, given.text, asked=given.asked)
    return _checked(turn, span) if span is not None else None


def _checked(turn: Turn, span: dict[str, str]) -> Verdict:
    """A pause lies ahead and ends within a year."""
    today = turn.now.date()
    if span["last"] == _OPEN:
        return Filled(value={"first": max(span["first"], today.isoformat()), "last": _OPEN})
    try:
        first, last = date.fromisoformat(span["first"]), date.fromisoformat(span["last"])
    except ValueError:
        return None
    if last < today:
        return Ask(reply="pause_checkin_past")
    if last - today > _LONGEST:
        return Ask(reply="pause_checkin_too_long")
    return Filled(value={"first": max(first, today).isoformat(), "last": last.isoformat()})


def _span_of_words(turn: Turn, frame: Frame, text: str, *, asked: bool = False) -> dict[str, str] | None:
    """First and last day without questions, as far as the words tell. The day of coming back is without one too."""
    today = turn.now.date()
    entity = _named(turn)
    value = _value(entity)
    length = length_in(text.replace(entity.text, "，") if entity is not None else text)
    if length is not None and (value is None or value.kind in ("date", "part", "instant")):
        first = date.fromisoformat(frame.memory["first"])
        if value is not None and value.day is not None and value.day > today:
            first = value.day
        return _span(first, first + length - relativedelta(days=1))
    if value is not None and entity is not None and value.day is not None:
        if value.kind == "interval":
            return _span(value.day, value.end_day or value.day)
        return _span_to(value.day, entity, text, asked=asked, today=today)
    return _span(today, None) if _OPEN_WORDS.search(text.lower()) else None


def _span_to(day: date, entity: Entity, text: str, *, asked: bool, today: date) -> dict[str, str]:
    """One day was named: the day alone, the last one, or the first on which questions are welcome again."""
    head, tail = text[: entity.start], text[entity.end :]
    relation = entity.extra.get("relation")
    if _AGAIN_TAIL.search(tail) or relation == "after":
        return _span(today, day - timedelta(days=1))
    if asked or relation == "before" or _UNTIL_HEAD.search(head) or _BACK_TAIL.search(tail):
        return _span(today, day)
    return _span(day, day)


def _span(first: date, last: date | None) -> dict[str, str]:
    return {"first": first.isoformat(), "last": last.isoformat() if last is not None else _OPEN}


def _named(turn: Turn) -> Entity | None:
    """The time that is not "every day": 「下周出门,不用每天问我」."""
    found = turn.understanding.all("time") if turn.understanding else ()
    return next((entity for entity in found if "=" not in str(entity.value)), None)


def _value(entity: Entity | None) -> TimeValue | None:
    try:
        return parse_value(str(entity.value)) if entity is not None else None
    except TimeValueError:
        return None


async def _choices(turn: Turn, frame: Frame) -> Sequence[Button]:
    first = date.fromisoformat(frame.memory["first"])
    words = turn.world.replies.render
    return [
        Button(
            title=words(f"pause_checkin_{name}", turn.language).text,
            payload=payload("choose", time=_span(first, last)),
        )
        for name, last in (
            ("three_days", first + timedelta(days=2)),
            ("week", first + timedelta(days=6)),
            ("open", None),
        )
    ]


def _in_words(turn: Turn, span: dict[str, str]) -> str:
    first = _day(turn, date.fromisoformat(span["first"]))
    words = turn.world.replies.render
    if span["last"] == _OPEN:
        return words("pause_checkin_span_open", turn.language, first=first).text
    if span["last"] == span["first"]:
        return words("pause_checkin_span_day", turn.language, first=first).text
    last = _day(turn, date.fromisoformat(span["last"]))
    return words("pause_checkin_span", turn.language, first=first, last=last).text


def _day(turn: Turn, day: date) -> str:
    return turn.wording.day(datetime.combine(day, time(12), turn.work.zone), turn.now)


async def _tell_staff(turn: Turn, plan: CheckinPlan) -> None:
    """A pause without an end: somebody asks after them, or nobody would ever."""
    resident, home = await conversations.with_home(turn.work, plan.resident_id)
    text = turn.world.replies.render(
        "pause_checkin_staff", "zh", name=family.called(turn.world, resident)
    ).text
    await requests.open_case(
        turn.work,
        kind="visit",
        resident_id=plan.resident_id,
        conversation_id=turn.conversation.id,
        place=residents.place_of(home),
        urgency="planned",
        text=text,
        details={"open_pause": plan.id},
    )


FLOWS: tuple[Flow, ...] = (PauseCheckin(),)
