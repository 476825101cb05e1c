"""What was closed is taken up again when its resident says within seven days that it is not done after all (H8)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from data import requests
from data.content_reading import plain_yaml
from data.models import Request
from data.states import IllegalMove
from flows.complaint_words import says_what
from flows.declared import Filled, Flow, Given, Slot, Verdict
from flows.messages import Button
from flows.own_cases import SHOWN, chosen, describe, narrowed
from flows.promises import promised
from flows.replies import payload
from flows.state import CONFIRM, Frame
from flows.turn import Turn

FILE = Path(__file__).with_name("reopen.yml")
_KINDS = ("repair", "complaint", "suggestion")
_MARK = re.compile(r"[0-9一二三四五]\s*(?:分|颗|星)|\b[1-5]\b|stars?|points?", re.IGNORECASE)
_LONGEST = 500  # characters of what is still wrong
_SHORT = 5  # characters
_NONE = ""  # the slot `which` when nothing can be taken up again


class Reopen(Flow):
    """ "It still leaks", "I am not satisfied", after it was closed."""

    name = "reopen"
    intents = ("reopen",)
    confirms = True
    parks = False

    def __init__(self) -> None:
        self.slots = (
            Slot(name="which", ask="reopen_ask_which", judge=_judge_which, choices=_shown),
            Slot(
                name="why",
                ask="reopen_ask_why",
                judge=_judge_why,
                free=True,
                optional=True,
                when=_says_nothing,
            ),
        )

    async def claims(self, turn: Turn) -> bool:
        """Words that only make sense of something closed, and something was."""
        return _says_so(turn.text) and bool(await _candidates(turn))

    async def begin(self, turn: Turn, frame: Frame) -> None:
        if turn.command is not None:
            await self._by_button(turn, frame, str(turn.command.values.get("request", "")))
            return
        frame.memory["why"] = turn.text[:_LONGEST]
        found = await _candidates(turn)
        if len(found) == 1:
            frame.slots["which"] = str(found[0].id)
        frame.memory["shown"] = [one.id for one in found[:SHOWN]]

    async def _by_button(self, turn: Turn, frame: Frame, reference: str) -> None:
        """Under the answer that was not enough: that case and no question which."""
        mine = await _ended(turn)
        frame.slots["which"] = next((str(one.id) for one in mine if str(one.id) == reference), _NONE)
        frame.memory["confirmed"] = True

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        """What is still wrong is an answer, whatever it sounds like; beside a yes it is kept."""
        words = turn.command is None and bool(turn.text)
        if frame.asked == CONFIRM and words and _means_yes(turn):
            frame.memory["why"] = f"{frame.memory.get('why', '')} {turn.text}".strip()[:_LONGEST]
            frame.memory["confirmed"], frame.asked = True, None
            return True
        if frame.asked == "why" and words and not turn.intent(*_CONTROL):
            frame.slots["why"] = turn.text[:_LONGEST]
            frame.asked = None
            return True
        return False

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        request = await _chosen(turn, frame)
        shown = [describe(turn, one) for one in await _listed(turn, frame)]
        return {
            "what": describe(turn, request) if request is not None else "",
            "cases": turn.wording.listed(shown),
        }

    async def run(self, turn: Turn, frame: Frame) -> bool:
        request = await _chosen(turn, frame, lock=True)
        if request is None:
            turn.say("reopen_too_late")
            return True
        why = frame.slots.get("why") or frame.memory.get("why") or None
        try:
            await requests.move(turn.work, request, "reopen", note=why)
        except IllegalMove:
            turn.say("reopen_already", what=describe(turn, request), number=request.number)
            return True
        letter = request.kind != "repair"
        turn.say(
            "reopen_done_letter" if letter else "reopen_done_repair",
            what=describe(turn, request),
            number=request.number,
            by=promised(turn, request.urgency, "first_answer" if letter else "accept", kind=request.kind),
            spoken={"number": turn.wording.number_spoken(request.number)},
        )
        return True


_CONTROL = ("stop", "skip", "deny", "affirm", "repeat", "slower", "louder", "ask_human", "help", "thank")


async def _judge_which(turn: Turn, frame: Frame, given: Given) -> Verdict:
    found = chosen(turn, given, await _listed(turn, frame))
    if found is None:
        return None
    frame.memory["confirmed"] = True  # they named it themself
    return Filled(value=str(found.id))


async def _judge_why(turn: Turn, frame: Frame, given: Given) -> Verdict:
    return Filled(value=given.text[:_LONGEST]) if given.asked and given.text else None


async def _shown(turn: Turn, frame: Frame) -> Sequence[Button]:
    return [
        Button(title=describe(turn, one), payload=payload("choose", which=str(one.id)))
        for one in await _listed(turn, frame)
    ]


def _says_nothing(turn: Turn, frame: Frame) -> bool:
    """A button says not what is wrong."""
    return frame.slots.get("which") != _NONE and not frame.memory.get("why")


async def _listed(turn: Turn, frame: Frame) -> list[Request]:
    found = [await requests.get(turn.work, str(one)) for one in frame.memory.get("shown", [])]
    return [one for one in found if one is not None]


async def _chosen(turn: Turn, frame: Frame, *, lock: bool = False) -> Request | None:
    which = frame.slots.get("which")
    return await requests.get(turn.work, which, lock=lock) if which else None


async def _candidates(turn: Turn) -> list[Request]:
    """What may be meant, the last closed first: what the words name, or all that was closed within the days."""
    ended = await _ended(turn)
    found = narrowed(turn, ended)
    if not found and len(turn.text) <= _SHORT:
        return [
            one for one in ended if one.kind == "repair"
        ]  # 又堵了 names no fault, though it sounds like one
    return found


async def _ended(turn: Turn) -> list[Request]:
    found = await requests.ended_of_person(
        turn.work,
        resident_id=turn.resident.id if turn.resident else None,
        conversation_id=turn.conversation.id,
    )
    return [one for one in found if one.kind in _KINDS]


def only_displeased(text: str) -> bool:
    """Whether it says that somebody is not content, and not with what."""
    found = _forms()["displeased"].search(text)
    return found is not None and not says_what(text.replace(found[0], ""))


def _means_yes(turn: Turn) -> bool:
    """A yes with more beside it, or once more that it is not done."""
    begins = turn.text.lower().rstrip("。.！!")
    yes = any(
        begins == word or begins.startswith((f"{word}，", f"{word},", f"{word} ", f"{word}。"))
        for word in turn.wording.yes_words
    )
    return yes or turn.intent("affirm") or _says_so(turn.text)


def _says_so(text: str) -> bool:
    forms = _forms()
    if forms["still"].search(text):
        return True
    return forms["displeased"].search(text) is not None and not _MARK.search(text)


@cache
def _forms() -> dict[str, re.Pattern[str]]:
    content = plain_yaml(FILE)
    return {name: re.compile("|".join(content[name]), re.IGNORECASE) for name in ("still", "displeased")}


FLOWS: tuple[Flow, ...] = (Reopen(),)
