"""Reminders: set once or repeated, listed, dropped (F5). What happens at their time is `flows.reminder_due`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from data import reminders
from data.models import Reminder
from flows import reminder_due, reminder_times
from flows.declared import Aside, Filled, Flow, Given, Slot, Verdict
from flows.due import Handler
from flows.messages import Button
from flows.reminder_words import answer_what, for_the_person, is_medicine, what_in
from flows.replies import payload
from flows.state import Done, Frame
from flows.turn import Turn
from nlu.timevalues import TimeValueError, parse_value

_LISTED = 5  # reminders named in one message
_ALL = re.compile(r"所有|全部|都[不取删关停别去撤]|一个都?不|\ball\b|every one|everything", re.IGNORECASE)
_ORDINAL = re.compile(
    r"第\s*([一二两三四五六七八九1-9])\s*[个条项]|\b(first|second|third|fourth|fifth)\b|^\s*([1-9])\s*$"
)
_ORDINALS = {
    **{character: number for number, character in enumerate("一二三四五六七八九", 1)},
    **{str(number): number for number in range(1, 10)},
    "两": 2,
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
}
_NEXT_ONLY = re.compile(
    r"提醒|闹钟|闹铃|取消|不要|不用|删|关|掉|的|了|吧|我|别|再|那个|这个|叫|喊|停|去|把|以后|每天"
)


class SetReminder(Flow):
    """ "Remind me every morning at eight to take my pills." """

    name = "set_reminder"
    intents = ("set_reminder",)
    confirms = True

    def __init__(self) -> None:
        self.slots = (
            Slot(name="what", ask="reminder_ask_what", judge=_judge_what, free=True),
            Slot(
                name="time",
                ask="reminder_ask_time",
                entity="time",
                judge=reminder_times.judge_time,
                choices=_clock_choices,
            ),
        )

    async def begin(self, turn: Turn, frame: Frame) -> None:
        if turn.understanding is None:
            return
        times = turn.understanding.all("time")
        what = what_in(turn.text, times)
        if what is not None:
            frame.slots["what"] = what
        if not times:
            reminder_times.base_of_words(turn, frame)

    def ask_key(self, turn: Turn, frame: Frame, slot: Slot) -> str:
        base = frame.memory.get("base") or {}
        if slot.name == "time" and (base.get("rule") or base.get("day")):
            return "reminder_ask_clock"
        return slot.ask

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        slot, said = frame.slots.get("time"), str((frame.memory.get("base") or {}).get("said") or "")
        return {
            "what": for_the_person(str(frame.slots.get("what") or ""), turn.language),
            "when": reminder_times.in_words(turn, slot, said) if isinstance(slot, dict) else "",
            "day": reminder_times.day_in_words(turn, frame),
        }

    async def run(self, turn: Turn, frame: Frame) -> bool:
        slot, what = frame.slots["time"], str(frame.slots["what"])
        until = datetime.fromisoformat(slot["until"]) if slot.get("until") else None
        if any(datetime.fromisoformat(item["at"]) <= turn.now for item in slot["items"]):
            # Somebody took their time to confirm, and it has gone by.
            frame.slots.pop("time")
            frame.memory.pop("confirmed", None)
            frame.memory.pop("base", None)
            frame.asked = "time"
            turn.say("reminder_past")
            return False
        health = turn.resident.health if turn.resident is not None else None
        made = [
            await reminders.create(
                turn.work,
                turn.conversation,
                text=what,
                at=datetime.fromisoformat(item["at"]),
                rrule=item["rrule"],
                until=until,
                medicine=is_medicine(what, health),
            )
            for item in slot["items"]
        ]
        turn.say("reminder_set", **await self.facts(turn, frame))
        turn.dialogue.done = Done(
            flow=self.name,
            subject=f"reminder:{made[0].id}",
            title=self.title(turn, frame),
            at=turn.work.now.isoformat(),
        )
        return True


async def _judge_what(turn: Turn, frame: Frame, given: Given) -> Verdict:
    if not given.asked or not given.text.strip():
        return None
    what = answer_what(given.text)
    return Filled(value=what) if what else None


async def _clock_choices(turn: Turn, frame: Frame) -> Sequence[Button]:
    return reminder_times.clock_buttons(turn, frame)


class ListReminders(Aside):
    """ "Which reminders do I have?" """

    intents = ("list_reminders",)

    async def answer(self, turn: Turn) -> None:
        found = await _mine(turn)
        if not found:
            turn.say("reminder_none")
            return
        lines = [
            turn.world.replies.render(
                "reminder_line", turn.language, number=number, what=_what(turn, one), when=_when(turn, one)
            ).text
            for number, one in enumerate(found[:_LISTED], 1)
        ]
        more = len(found) > _LISTED
        turn.say(
            "reminder_list_more" if more else "reminder_list",
            count=len(found),
            shown=_LISTED,
            list=turn.world.replies.render("reminder_joiner", turn.language).text.join(lines),
        )


class CancelReminder(Flow):
    """ "Do not remind me of the pills any more." """

    name = "cancel_reminder"
    intents = ("cancel_reminder",)
    confirms = True

    def __init__(self) -> None:
        self.slots = (
            Slot(name="which", ask="cancel_reminder_ask", judge=_judge_which, choices=_which_choices),
        )

    async def begin(self, turn: Turn, frame: Frame) -> None:
        found = await _mine(turn)
        if not found:
            frame.slots["which"] = []
            frame.memory["confirmed"] = True
            return
        chosen = _chosen(turn, found)
        if not chosen and len(found) == 1 and _names_nothing_else(turn):
            chosen = list(found)
        if chosen:
            frame.slots["which"] = [one.id for one in chosen]
        await self._describe(turn, frame)

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        return {"which": await _described(turn, frame.slots.get("which") or [])}

    async def _describe(self, turn: Turn, frame: Frame) -> None:
        frame.memory["listed"] = [one.id for one in await _mine(turn)]

    async def run(self, turn: Turn, frame: Frame) -> bool:
        wanted = frame.slots["which"]
        if not wanted:
            turn.say("reminder_none")
            return True
        which = await _described(turn, wanted)
        for reference in wanted:
            one = await reminders.get(turn.work, str(reference), lock=True)
            if one is not None and one.state == "active":
                await reminders.cancel(turn.work, one)
        turn.say("cancel_reminder_done", which=which)
        return True


async def _judge_which(turn: Turn, frame: Frame, given: Given) -> Verdict:
    found = await _mine(turn)
    if given.value is not None:
        wanted = [one.id for one in found if one.id == given.value]
        return Filled(value=wanted) if wanted else None
    chosen = _chosen(turn, found)
    return Filled(value=[one.id for one in chosen]) if chosen else None


async def _which_choices(turn: Turn, frame: Frame) -> Sequence[Button]:
    return [
        Button(title=f"{_what(turn, one)} {_when(turn, one)}"[:60], payload=payload("choose", which=one.id))
        for one in (await _mine(turn))[:3]
    ]


def _chosen(turn: Turn, found: Sequence[Reminder]) -> list[Reminder]:
    """Those that the message means: all, by their place in the list, by their hour, by what they are about."""
    if turn.command is not None:
        return []
    text = turn.text.lower()
    if _ALL.search(text):
        return list(found)
    ordinal = _ORDINAL.search(text)
    if ordinal is not None:
        place = _ORDINALS[next(group for group in ordinal.groups() if group)]
        return [found[place - 1]] if place <= len(found) else []
    scored = [(_likeness(text, one.text), one) for one in found]
    best = max((score for score, _ in scored), default=0.0)
    alike = [one for score, one in scored if score == best and best > 0]
    at_hour = [one for one in alike or found if _at_named_hour(turn, one)]
    if at_hour and len(at_hour) < len(alike or found):
        return at_hour if len(at_hour) == 1 or alike else []
    return alike if len(alike) == 1 or (alike and len({one.text for one in alike}) == 1) else []


def _likeness(text: str, what: str) -> float:
    """Share of what a reminder is about that the message names: pairs of characters, or words of Latin letters."""
    pairs = _pairs(what.lower())
    said = _pairs(text)
    return len(pairs & said) / len(pairs) if pairs else 0.0


def _pairs(text: str) -> set[str]:
    chinese = re.sub(r"[^\u3400-\u9fff]", "", text)
    words = {
        word
        for word in re.findall(r"[a-z]{3,}", text)
        if word not in ("the", "take", "your", "and", "remind")
    }
    return {chinese[index : index + 2] for index in range(len(chinese) - 1)} | words or set(chinese)


def _at_named_hour(turn: Turn, one: Reminder) -> bool:
    """Whether the message names the hour of a reminder, half of the day left open where it was not said."""
    entity = turn.understanding.first("time") if turn.understanding else None
    if entity is None or one.next_at is None:
        return False
    try:
        value = parse_value(str(entity.value))
    except TimeValueError:
        return False
    hour = one.next_at.astimezone(turn.work.zone).hour
    if value.repeat is not None:
        return hour in value.repeat.byhour
    if value.clock is not None:
        half = "half" in entity.extra.get("guessed", ())
        return hour % 12 == value.clock.hour % 12 if half else hour == value.clock.hour
    return _part_of(hour) == value.part if value.part else False


def _part_of(hour: int) -> str:
    bounds = ((6, "night"), (11, "morning"), (14, "noon"), (18, "afternoon"), (24, "evening"))
    return next(part for until, part in bounds if hour < until)


def _names_nothing_else(turn: Turn) -> bool:
    """「别提醒我了」 means the only one there is; 「别提醒我倒垃圾」 does not mean the pills."""
    if turn.command is not None or not turn.text or re.fullmatch(r"[\x00-\x7f]*", turn.text):
        return True
    left = re.sub(r"[\s，,。.!！?？]", "", _NEXT_ONLY.sub("", turn.text))
    return len(left) < 2


async def _mine(turn: Turn) -> Sequence[Reminder]:
    return await reminders.of_person(
        turn.work, resident_id=turn.conversation.resident_id, conversation_id=turn.conversation.id
    )


async def _described(turn: Turn, wanted: Sequence[int]) -> str:
    mine = {one.id: one for one in await _mine(turn)}
    return turn.wording.listed(
        [
            turn.world.replies.render(
                "cancel_reminder_one",
                turn.language,
                what=_what(turn, mine[one]),
                when=_when(turn, mine[one]),
            ).text
            for one in wanted
            if one in mine
        ]
    )


def _what(turn: Turn, one: Reminder) -> str:
    return for_the_person(one.text, turn.language)


def _when(turn: Turn, one: Reminder) -> str:
    at = one.next_at or one.first_at
    return reminder_times.one_in_words(turn, at.isoformat(), one.rrule)


FLOWS: tuple[Flow, ...] = (SetReminder(), CancelReminder(), reminder_due.Medicine())
ASIDES: tuple[Aside, ...] = (ListReminders(),)
TIMERS: Mapping[str, Handler] = reminder_due.TIMERS
"""Timer kind → its handler."""
