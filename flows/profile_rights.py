"""A resident's rights in conversation: have everything, take an agreement back, be forgotten (P4, F14)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from data import conversations, ledger, rights
from data.models import Resident
from flows.booking_hours import hours_words
from flows.declared import Filled, Flow, Given, Slot, Verdict
from flows.due import Due, Handler
from flows.messages import Button
from flows.profile import agreement, agreements, tell_profile
from flows.profile_words import called, erases, first_of, keeps, takes_back
from flows.replies import payload
from flows.state import Frame
from flows.turn import Turn

_SERVICE = "service"
_CARRIED = ("rest", "web", "chat", "terminal")
"""Channels whose front ends take a file in `custom`."""


class MyData(Flow):
    """ "Give me a copy of my data.\""""

    name = "my_data"
    intents = ("my_data",)
    parks = False

    def __init__(self) -> None:
        self.called_by = called(self.name)

    async def run(self, turn: Turn, frame: Frame) -> bool:
        if turn.resident is None:
            turn.say("profile_stranger")
            return True
        await tell_profile(turn)
        everything = await rights.gather(turn.work, turn.resident)
        turn.work.audit("resident.export", f"resident:{turn.resident.id}")
        counts: dict[str, Any] = {name: len(everything[name]) for name in ("requests", "alarms", "messages")}
        if turn.incoming is None or turn.incoming.channel not in _CARRIED:
            turn.say("my_data_no_file", **counts)
            return True
        said = turn.say("my_data_file", **counts)
        turn.said[-1] = replace(said, custom={"file": _file(turn, everything)})
        return True


def _file(turn: Turn, everything: Mapping[str, Any]) -> dict[str, str]:
    """A JSON file as front ends take it: its name, its kind, its text."""
    return {
        "name": f"anlin-{turn.now:%Y-%m-%d}.json",
        "type": "application/json",
        "text": json.dumps(everything, ensure_ascii=False, indent=2),
    }


class EraseMe(Flow):
    """ "Delete everything you know about me": asked twice, done at once."""

    name = "erase_me"
    intents = ("erase_me",)
    parks = False

    def __init__(self) -> None:
        self.called_by = called(self.name)
        self.slots = (
            Slot(name="first", ask="erase_ask", judge=_judge_yes),
            Slot(name="second", ask="erase_ask_twice", judge=_judge_yes),
        )

    async def begin(self, turn: Turn, frame: Frame) -> None:
        if turn.resident is None:
            turn.dialogue.drop(frame)
            turn.say("profile_stranger")
            return
        if await rights.alarm_open(turn.work, turn.resident.id):
            turn.dialogue.drop(frame)
            turn.say("erase_alarm_open")
            return
        turn.say("erase_what")
        open_cases = await rights.open_cases(turn.work, turn.resident.id)
        if open_cases:
            turn.say("erase_open", count=open_cases)
        stored = await ledger.balance(turn.work, turn.resident.id)
        if stored:
            turn.say("erase_hours", hours=hours_words(turn, stored))
        turn.say("erase_kept")

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        """Only a yes to each of the two questions counts; whatever has a no in it is one."""
        if frame.asked not in ("first", "second"):
            return False
        if turn.command is None and keeps(turn.text):
            turn.dialogue.drop(frame)
            await self.cancelled(turn, frame)
            return True
        if not (turn.intent("affirm") or (turn.command is None and erases(turn.text))):
            return False
        frame.slots[frame.asked] = True
        frame.asked = None
        return True

    async def run(self, turn: Turn, frame: Frame) -> bool:
        assert turn.resident is not None
        if await rights.alarm_open(turn.work, turn.resident.id):
            turn.say("erase_alarm_open")
            return True
        await rights.erase(turn.work, turn.resident, spare=turn.message)
        turn.conversation = await conversations.lock(turn.work, turn.conversation.id)
        dialogue = turn.dialogue
        dialogue.stack, dialogue.done, dialogue.preferences = [frame], None, {}
        turn.said.clear()
        turn.say("erase_done")
        return True

    async def cancelled(self, turn: Turn, frame: Frame) -> None:
        turn.say("erase_cancelled")


class Consents(Flow):
    """ "What did I agree to?", "I do not want my daughter to be told any more.\""""

    name = "consents"
    intents = ("consents",)
    confirms = True
    parks = False

    def __init__(self) -> None:
        self.called_by = called(self.name)
        self.slots = (Slot(name="purpose", ask="consents_ask", judge=_judge_purpose, choices=_given),)

    async def begin(self, turn: Turn, frame: Frame) -> None:
        given = await agreements(turn, turn.resident.id) if turn.resident else ()
        if not given:
            turn.dialogue.drop(frame)
            turn.say("profile_stranger" if turn.resident is None else "consents_none")
            return
        pressed = turn.command.values.get("purpose") if turn.command is not None else None
        asked = str(pressed) if pressed else first_of("purposes", turn.text) if turn.command is None else None
        if asked in [one.purpose for one in given] and (pressed or takes_back(turn.text)):
            await self._choose(turn, frame, str(asked))
            return
        told = turn.wording.listed([agreement(turn, one) for one in given])
        turn.say("profile_consents", consents=told)

    async def _choose(self, turn: Turn, frame: Frame, purpose: str) -> None:
        frame.slots["purpose"] = purpose
        if purpose == _SERVICE:
            turn.dialogue.drop(frame)
            turn.say("consents_service")
            turn.open("erase_me")

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        """Nothing is to be taken back: the question was only an offer."""
        if frame.asked == "purpose" and turn.intent("deny", "stop"):
            turn.dialogue.drop(frame)
            turn.say("consents_kept")
            return True
        if frame.asked != "purpose":
            return False
        chosen = first_of("purposes", turn.text)
        if turn.command is not None:
            chosen = turn.command.values.get("purpose")
        if chosen == _SERVICE:
            await self._choose(turn, frame, _SERVICE)
            return True
        return False

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        purpose = frame.slots.get("purpose")
        render = turn.world.replies.render
        return {
            "purpose": render(f"purpose_{purpose}", turn.language).text if purpose else "",
            "what": render(f"consents_means_{purpose}", turn.language).text if purpose else "",
        }

    async def run(self, turn: Turn, frame: Frame) -> bool:
        assert turn.resident is not None
        facts = await self.facts(turn, frame)
        await rights.withdraw(turn.work, turn.resident, purpose=str(frame.slots["purpose"]))
        turn.say("consents_withdrawn", purpose=facts["purpose"])
        return True

    async def cancelled(self, turn: Turn, frame: Frame) -> None:
        turn.say("consents_kept")


# Slots


async def _judge_yes(turn: Turn, frame: Frame, given: Given) -> Verdict:
    return None  # `hear` takes it


async def _judge_purpose(turn: Turn, frame: Frame, given: Given) -> Verdict:
    if not given.asked or turn.resident is None:
        return None
    purpose = given.value if given.value is not None else first_of("purposes", given.text)
    held = [one.purpose for one in await agreements(turn, turn.resident.id)]
    return Filled(value=purpose) if purpose in held and purpose != _SERVICE else None


async def _given(turn: Turn, frame: Frame) -> Sequence[Button]:
    given = await agreements(turn, turn.resident.id) if turn.resident else ()
    return [
        Button(
            title=turn.world.replies.render(f"consents_button_{one.purpose}", turn.language).text,
            payload=payload("choose", purpose=one.purpose),
        )
        for one in given
    ][-3:]


async def on_scrub(due: Due) -> None:
    """What was open when somebody was erased: what is over by now loses its words; the rest is looked at tomorrow."""
    resident = await due.work.session.get(Resident, int(due.timer.subject.removeprefix("resident:")))
    if resident is None or resident.erased_at is None:
        return
    if not await rights.scrub(due.work, resident.id):
        await rights.watch(due.work, resident.id)


FLOWS: tuple[Flow, ...] = (MyData(), EraseMe(), Consents())
TIMERS: Mapping[str, Handler] = {rights.SCRUB: on_scrub}
