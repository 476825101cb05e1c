"""Helping, and the time bank: offering help, reporting hours given, the balance, paying with hours (F11)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from data import ledger, requests
from data.models import Request
from flows.booking_hours import by_hours, hours_words, redeemable
from flows.declared import Ask, Filled, Flow, Given, Slot, Verdict
from flows.messages import Button
from flows.replies import payload
from flows.state import Done, Frame
from flows.turn import Turn
from flows.volunteer_words import done_in, minutes_in, offered, wish_in, words
from nlu.timevalues import TimeValueError, parse_value

_YOUNGEST = 16  # years, data/faq/volunteer_how.md
_MOST = 12 * 60  # minutes that somebody helps in one day
_OLDEST = timedelta(days=60)  # how long ago help may lie that is reported
_WEEK = timedelta(days=7)
_LONGEST = 200  # characters of what is told
_LINES = 5  # of a statement
_SHOWN = 3  # services that are named as examples
_CONTROL = (
    *("affirm", "deny", "stop", "skip", "repeat", "slower", "louder", "help", "ask_human", "greet"),
    *("thank", "goodbye", "emergency", "emergency_cancel", "cancel_request"),
)
"""What words that tell something may be instead."""


class Volunteer(Flow):
    """Whatever concerns helping and hours: finds out which, and answers or begins it."""

    name = "volunteer"
    intents = ("volunteer",)
    parks = False
    open_to_strangers = False

    async def begin(self, turn: Turn, frame: Frame) -> None:
        turn.dialogue.drop(frame)
        wish = await _wish(turn)
        if wish == "report":
            turn.open("volunteer_hours")
        elif wish == "offer":
            _begin_offer(turn)
        elif wish == "redeem":
            await _redeem(turn)
        elif wish == "quit":
            await _quit(turn)
        elif wish == "status":
            turn.open("status")
        elif wish == "gift":
            turn.say("volunteer_gift")
            turn.offer("ask_human")
        else:
            await _ANSWERS[wish](turn)


class Offer(Flow):
    """ "I can teach people to use their phones on Saturdays.\""""

    name = "volunteer_offer"
    confirms = True
    open_to_strangers = False

    def __init__(self) -> None:
        self.slots = (
            Slot(name="help", ask="volunteer_ask_help", judge=_judge_words, free=True),
            Slot(name="when", ask="volunteer_ask_when", judge=_judge_words, free=True),
        )

    async def begin(self, turn: Turn, frame: Frame) -> None:
        if turn.command is not None or turn.understanding is None:
            return
        says, when = offered(turn.text, turn.understanding.all("time"))
        if says:
            frame.slots["help"] = turn.text[:_LONGEST]
        if when:
            frame.slots["when"] = when

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        """What somebody can do sounds like anything: "I mend pipes" is no repair."""
        if not _tells(turn) or frame.asked not in ("help", "when"):
            return False
        assert turn.understanding is not None
        says, when = offered(turn.text, turn.understanding.all("time"))
        if frame.asked == "help" and not says:
            return False
        frame.slots[frame.asked] = turn.text[:_LONGEST]
        if frame.asked == "help" and when:
            frame.slots.setdefault("when", when)
        frame.asked = None
        return True

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        return {"help": frame.slots.get("help") or "", "when": frame.slots.get("when") or ""}

    async def run(self, turn: Turn, frame: Frame) -> bool:
        text = turn.world.replies.render(
            "volunteer_offer_text", turn.language, **await self.facts(turn, frame)
        ).text
        known = await _standing_offer(turn)
        if known is not None:
            await requests.told_more(turn.work, known, text=text)
            turn.say("volunteer_offer_added", number=known.number, spoken=_spoken(turn, known))
            return True
        made = await _open(turn, "volunteer", text, {})
        turn.say("volunteer_offer_done", number=made.number, spoken=_spoken(turn, made))
        _finished(turn, frame, self, made)
        return True


class Hours(Flow):
    """ "I kept Mrs Li company for two hours today.\""""

    name = "volunteer_hours"
    confirms = True
    open_to_strangers = False

    def __init__(self) -> None:
        self.slots = (
            Slot(name="minutes", ask="volunteer_ask_minutes", judge=_judge_minutes),
            Slot(name="done", ask="volunteer_ask_done", judge=_judge_words, free=True),
            Slot(name="day", ask="volunteer_ask_day", entity="time", judge=_judge_day, choices=_days),
        )

    async def begin(self, turn: Turn, frame: Frame) -> None:
        if turn.command is not None or turn.understanding is None:
            return
        minutes = minutes_in(turn.text)
        if minutes is not None and 0 < minutes <= _MOST:
            frame.slots["minutes"] = minutes
        done = done_in(turn.text, turn.understanding.all("time"))
        if done is not None:
            frame.slots["done"] = done[:_LONGEST]

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        """What was done sounds like anything."""
        if frame.asked != "done" or not _tells(turn):
            return False
        frame.slots["done"] = turn.text[:_LONGEST]
        frame.asked = None
        return True

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        day = frame.slots.get("day")
        moment = turn.now.replace(**_ymd(date.fromisoformat(day))) if day else turn.now
        return {
            "hours": hours_words(turn, int(frame.slots.get("minutes") or 0)),
            "done": frame.slots.get("done") or "",
            "day": turn.wording.day(moment, turn.now) if day else "",
        }

    async def run(self, turn: Turn, frame: Frame) -> bool:
        facts = await self.facts(turn, frame)
        text = turn.world.replies.render("volunteer_hours_text", turn.language, **facts).text
        details = {
            "minutes": int(frame.slots["minutes"]),
            "what": frame.slots["done"],
            "day": frame.slots["day"],
        }
        made = await _open(turn, "hours", text, details)
        turn.say("volunteer_hours_done", number=made.number, spoken=_spoken(turn, made), **facts)
        _finished(turn, frame, self, made)
        return True


# What is wanted


async def _wish(turn: Turn) -> str:
    if turn.command is not None:
        wish = str(turn.command.values.get("wish") or "balance")
        return wish if wish in _ANSWERS or wish in _BEGINS else "balance"
    return wish_in(turn.text)


def _begin_offer(turn: Turn) -> None:
    born = turn.resident.birth_year if turn.resident else None
    if born and turn.now.year - int(born) < _YOUNGEST:
        turn.say("volunteer_too_young", years=_YOUNGEST)
        return
    turn.open("volunteer_offer")


async def _redeem(turn: Turn) -> None:
    """A booking that is paid for with hours; one that is under way is from now on."""
    stored = await ledger.balance(turn.work, _who(turn))
    if not stored:
        turn.say("volunteer_nothing_yet", pending=await _pending(turn))
        return
    named = turn.understanding is not None and turn.understanding.first("service") is not None
    if not named and turn.command is None and words().goods.search(turn.text):
        turn.say("volunteer_no_goods")
        await _list(turn)
        return
    begun = turn.dialogue.find("booking")
    if begun is not None and not named:
        by_hours(begun, True)
        begun.memory.pop("confirmed", None)
        turn.say("volunteer_by_hours")
        return
    by_hours(turn.open("booking"), True)


async def _quit(turn: Turn) -> None:
    """No more helping: their offer is taken off the list, after a yes."""
    known = await _standing_offer(turn)
    if known is None:
        turn.say("volunteer_no_offer")
        return
    turn.open("cancel", which=str(known.id))


async def _balance(turn: Turn) -> None:
    stored = await ledger.balance(turn.work, _who(turn))
    pending = await _pending(turn)
    if not stored:
        turn.say("volunteer_nothing_yet", pending=pending)
        return
    turn.say("volunteer_balance", hours=hours_words(turn, stored), pending=pending)


async def _statement(turn: Turn) -> None:
    lines = await ledger.statement(turn.work, _who(turn), limit=_LINES)
    if not lines:
        await _balance(turn)
        return
    render = turn.world.replies.render
    told = [
        render(
            f"volunteer_line_{one.reason}",
            turn.language,
            day=turn.wording.day(one.at.astimezone(turn.work.zone), turn.now),
            hours=hours_words(turn, abs(one.minutes)),
            what=one.note or render("volunteer_line_help", turn.language).text,
        ).text
        for one in lines
    ]
    stored = await ledger.balance(turn.work, _who(turn))
    turn.say("volunteer_statement", lines=turn.wording.listed(told), hours=hours_words(turn, stored))


async def _dispute(turn: Turn) -> None:
    """Something is not as they think: what stands, and a person who looks into it."""
    await _statement(turn)
    turn.say("volunteer_dispute")
    turn.offer("ask_human")


async def _list(turn: Turn) -> None:
    """What hours are good for: dearest first of what this person can pay, else the cheapest."""
    stored = await ledger.balance(turn.work, _who(turn))
    found = redeemable(turn.world)
    fits = [one for one in found if one.time_bank_hours * 60 <= stored] or sorted(
        found, key=lambda one: one.time_bank_hours
    )
    render = turn.world.replies.render
    shown = [
        render(
            "volunteer_priced",
            turn.language,
            service=one.name.of(turn.language),
            hours=hours_words(turn, int(one.time_bank_hours * 60)),
        ).text
        for one in fits[:_SHOWN]
    ]
    turn.say(
        "volunteer_list",
        count=len(found),
        services=turn.wording.listed(shown),
        hours=hours_words(turn, stored),
    )


async def _earn(turn: Turn) -> None:
    turn.say("volunteer_earn")


_ANSWERS = {
    "balance": _balance,
    "statement": _statement,
    "dispute": _dispute,
    "list": _list,
    "earn": _earn,
}
_BEGINS = ("offer", "report", "redeem", "quit", "gift", "status")


# Slots


async def _judge_words(turn: Turn, frame: Frame, given: Given) -> Verdict:
    text = given.text.strip()
    return Filled(value=text[:_LONGEST]) if given.asked and text and turn.command is None else None


async def _judge_minutes(turn: Turn, frame: Frame, given: Given) -> Verdict:
    if given.value is not None or turn.command is not None:
        return None
    minutes = minutes_in(given.text)
    if minutes is None and given.asked:
        count = turn.understanding.first("count") if turn.understanding else None
        minutes = int(count.value) * 60 if count is not None and isinstance(count.value, int) else None
    if minutes is None:
        return None
    if not 0 < minutes <= _MOST:
        return Ask(reply="volunteer_minutes_range", facts={"most": _MOST // 60})
    return Filled(value=minutes)


async def _judge_day(turn: Turn, frame: Frame, given: Given) -> Verdict:
    written = given.value if given.value is not None else given.entity.value if given.entity else None
    if not isinstance(written, str):
        return None
    try:
        day = parse_value(written).day
    except TimeValueError:
        return None
    today = turn.now.date()
    if day is None:
        return None
    by_weekday = given.entity is not None and words().weekday.search(given.entity.text) is not None
    if day > today and by_weekday and not words().ahead.search(given.entity.text if given.entity else ""):
        day -= _WEEK  # help that was given lies behind: the last such day
    if day > today:
        return Ask(reply="volunteer_day_ahead")
    if day < today - _OLDEST:
        return Ask(reply="volunteer_day_long_ago", facts={"days": _OLDEST.days})
    return Filled(value=day.isoformat())


async def _days(turn: Turn, frame: Frame) -> Sequence[Button]:
    today = turn.now.date()
    return [
        Button(
            title=turn.world.replies.render(key, turn.language).text,
            payload=payload("choose", day=(today - timedelta(days=back)).isoformat()),
        )
        for back, key in ((0, "volunteer_button_today"), (1, "volunteer_button_yesterday"))
    ]


# What is known


def _who(turn: Turn) -> int:
    assert turn.resident is not None  # strangers are met first
    return turn.resident.id


def _tells(turn: Turn) -> bool:
    """Whether the message tells something, in words."""
    return (
        turn.command is None
        and turn.understanding is not None
        and bool(turn.text)
        and not turn.intent(*_CONTROL)
    )


async def _pending(turn: Turn) -> str:
    """What was reported and not looked at yet, in words; "" for nothing."""
    open_ones = await _own(turn, "hours")
    minutes = sum(int(one.details.get("minutes", 0)) for one in open_ones)
    if not minutes:
        return ""
    return turn.world.replies.render(
        "volunteer_pending", turn.language, hours=hours_words(turn, minutes)
    ).text


async def _standing_offer(turn: Turn) -> Request | None:
    """The person's offer of help that is open or on the list."""
    found = await _own(turn, "volunteer")
    return await requests.get(turn.work, str(found[0].id), lock=True) if found else None


async def _own(turn: Turn, kind: str) -> list[Request]:
    found = await requests.of_person(
        turn.work, resident_id=_who(turn), conversation_id=turn.conversation.id, limit=50
    )
    return [one for one in found if one.kind == kind]


async def _open(turn: Turn, kind: str, text: str, details: dict[str, Any]) -> Request:
    return await requests.open_case(
        turn.work,
        kind=kind,
        resident_id=_who(turn),
        conversation_id=turn.conversation.id,
        text=text,
        details=details,
    )


def _finished(turn: Turn, frame: Frame, flow: Flow, made: Request) -> None:
    turn.dialogue.done = Done(
        flow=flow.name,
        subject=f"request:{made.id}",
        title=flow.title(turn, frame),
        at=turn.work.now.isoformat(),
    )


def _spoken(turn: Turn, request: Request) -> dict[str, str]:
    return {"number": turn.wording.number_spoken(request.number)}


def _ymd(day: date) -> dict[str, Any]:
    return {"year": day.year, "month": day.month, "day": day.day}


FLOWS: tuple[Flow, ...] = (Volunteer(), Offer(), Hours())
