"""A mark of 1–5 and words for what was done: asked for once after closing, taken unasked, put right, followed up (F10, C15)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from data import handoffs, requests
from data.models import Handoff, Request
from flows.complaint_words import says_what
from flows.declared import Filled, Flow, Given, Slot, Verdict
from flows.engine import command_in
from flows.lead import lead_for, tell_lead
from flows.messages import Button
from flows.own_cases import SHOWN, describe, narrowed, picked
from flows.promises import promised
from flows.reopen import only_displeased
from flows.replies import payload
from flows.state import Frame
from flows.turn import Turn

_DESK = "zh"  # the language staff read in
_LOOK_BACK = timedelta(days=14)  # how long after its end something is marked unasked
_CHANGE_WITHIN = requests.REOPEN_WITHIN
_KINDS = ("repair", "booking", "complaint", "suggestion")
_LOW = 2  # marks up to here are followed up
_HIGH = 4  # marks from here on are satisfied, as in the reports
_LONGEST = 500  # characters of their words that are kept
_FEW = 3  # characters beside the mark from which there are words
_BARE = re.compile(
    r"\s*([1-5一二两三四五]|one|two|three|four|five)\s*(?:分|颗?星|stars?|points?)?\s*[吧。.!！]?\s*",
    re.IGNORECASE,
)
_DIGITS = {
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
}
_OTHERWISE = re.compile(r"改|change|make (?:it|that)", re.IGNORECASE)
_CONTROL = ("stop", "skip", "deny", "repeat", "slower", "louder", "ask_human", "help")
_YES, _NO = "yes", "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """Something finished that has, or may get, a mark."""

    reference: str  # request:12, handoff:5
    row: Request | Handoff
    ended_at: datetime

    @property
    def mark(self) -> int | None:
        return self.row.rating

    @property
    def name(self) -> str:
        """As a follow-up names it."""
        return self.row.number if isinstance(self.row, Request) else self.reference


class Rating(Flow):
    """ "He did it well", "five stars", or a pressed mark."""

    name = "rating"
    intents = ("rate_service", "rate")
    parks = False

    def __init__(self) -> None:
        self.slots = (
            Slot(name="which", ask="rating_ask_which", judge=_judge_which, choices=_shown),
            Slot(name="score", ask="rating_ask_score", entity="score", judge=_judge_score, choices=_marks),
            Slot(
                name="change", ask="rating_ask_change", judge=_judge_change, choices=_yes_no, when=_was_marked
            ),
            Slot(
                name="words",
                ask="rating_ask_words",
                judge=_judge_words,
                free=True,
                optional=True,
                when=_wants_words,
            ),
        )

    async def claims(self, turn: Turn) -> bool:
        """A bare number under the question for a mark; another mark for what has one."""
        if _bare(turn.text) is not None and _asked_last(turn) is not None:
            return True
        score = turn.understanding.first("score") if turn.understanding else None
        if score is None or not _OTHERWISE.search(turn.text):
            return False
        return any(one.mark is not None for one in await _finished(turn, _CHANGE_WITHIN))

    async def begin(self, turn: Turn, frame: Frame) -> None:
        bare = _bare(turn.text) if turn.command is None else None
        if bare is not None:
            frame.slots["score"] = bare
        elif turn.command is None and not _OTHERWISE.search(turn.text):
            frame.memory["words"] = _words(turn)
        rated = turn.command is not None and turn.command.name == "rate"
        pressed = turn.command.values if turn.command is not None and rated else _asked_last(turn)
        if pressed is not None:
            await self._pressed(turn, frame, pressed)
            return
        found = await _meant(turn)
        if len(found) == 1:
            await _choose(turn, frame, found[0])
        elif not found:
            frame.slots["which"] = ""
            frame.slots.setdefault("score", 0)
        frame.memory["shown"] = [one.reference for one in found[:SHOWN]]

    async def _pressed(self, turn: Turn, frame: Frame, values: Mapping[str, Any]) -> None:
        """The question names what it is for; its button the mark as well."""
        kind = "handoff" if "handoff" in values else "request"
        found = await _mine(turn, f"{kind}:{values.get(kind)}")
        score = values.get("score")
        if found is None or (turn.command is not None and score not in (1, 2, 3, 4, 5)):
            turn.dialogue.drop(frame)
            turn.say("rating_unknown")
            return
        await _choose(turn, frame, found)
        if turn.command is not None and score is not None:
            frame.slots["score"] = int(score)

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        """What was not good is an answer, whatever it sounds like; another pressed mark begins anew."""
        if turn.command is not None and turn.command.name == "rate":
            turn.dialogue.drop(frame)
            turn.open(self.name)
            return True
        if frame.asked == "words" and turn.command is None and turn.text and not turn.intent(*_CONTROL):
            frame.slots["words"] = turn.text[:_LONGEST]
            frame.asked = None
            return True
        return False

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        shown = [_describe(turn, one) for one in await _listed(turn, frame)]
        found = await _mine(turn, frame.slots.get("which") or "")
        return {
            "cases": turn.wording.listed(shown),
            "what": _describe(turn, found) if found is not None else "",
            "score": frame.slots.get("score") or "",
            "before": frame.memory.get("before") or "",
        }

    async def run(self, turn: Turn, frame: Frame) -> bool:
        if not frame.slots["which"]:
            self._pass_on(turn, frame)
            return True
        found = await _mine(turn, frame.slots["which"], lock=True)
        assert found is not None  # it was theirs when the question was put
        if frame.memory.get("stored"):
            await _add_words(turn, frame, found)
            return True
        if frame.slots.get("change") == _NO:
            turn.say("rating_kept", before=frame.memory["before"])
            return True
        return await self._store(turn, frame, found)

    async def _store(self, turn: Turn, frame: Frame, found: Marked) -> bool:
        """The mark counts from now on, whatever is asked afterwards. False: words are asked for."""
        score, words = int(frame.slots["score"]), frame.memory.get("words") or None
        change = frame.slots.get("change") == _YES
        before = found.mark
        if isinstance(found.row, Request):
            await requests.rate(turn.work, found.row, score, words=words, change=change)
        else:
            await handoffs.rate(turn.work, found.row, score, words=words, change=change)
        if score > _LOW:
            turn.say("rating_thanks" if score >= _HIGH else "rating_noted", score=score)
            return True
        if before is not None and before <= _LOW:
            turn.say("rating_noted", score=score)  # it is followed up already
            return True
        made = await _follow_up(turn, found, score, words)
        turn.say(
            "rating_sorry",
            number=made.number,
            by=promised(turn, None, "first_answer", kind="complaint"),
            spoken={"number": turn.wording.number_spoken(made.number)},
        )
        frame.memory.update(stored=True, follow_up=made.id)
        return bool(words)

    def _pass_on(self, turn: Turn, frame: Frame) -> None:
        """Nothing of theirs was finished lately: their words are for staff all the same."""
        words = str(frame.memory.get("words") or "")
        low = 0 < int(frame.slots.get("score") or 0) <= _LOW or only_displeased(words)
        if turn.resident is None or not (low or says_what(words)):
            turn.say("rating_none")
        elif only_displeased(words):
            turn.open("complaint")  # with what, is its first question
        else:
            turn.say("rating_pass_on")
            turn.open("complaint" if low else "suggestion", what=words)

    async def cancelled(self, turn: Turn, frame: Frame) -> None:
        turn.say("rating_without_words" if frame.memory.get("stored") else "rating_cancelled")


# What is marked


async def _finished(turn: Turn, within: timedelta) -> list[Marked]:
    """The person's cases and talks with staff that ended within that time, the last first."""
    cases = await requests.ended_of_person(
        turn.work,
        resident_id=turn.resident.id if turn.resident else None,
        conversation_id=turn.conversation.id,
        within=within,
    )
    talks = await handoffs.closed_of(turn.work, turn.conversation.id, within=within)
    found = [_of_case(one) for one in cases if one.kind in _KINDS and not one.details.get("follow_up")]
    found += [_of_talk(one) for one in talks]
    return sorted(found, key=lambda one: one.ended_at, reverse=True)


async def _meant(turn: Turn) -> list[Marked]:
    """What words of praise or blame may be about: what they name; what has no mark yet before what has one."""
    found = await _finished(turn, _LOOK_BACK)
    cases = [one.row for one in found if isinstance(one.row, Request)]
    kept = {one.id for one in narrowed(turn, cases)}
    chosen = len(kept) < len(cases)
    found = [one for one in found if (one.row.id in kept if isinstance(one.row, Request) else not chosen)]
    fresh = [one for one in found if one.mark is None]
    changed = turn.command is None and _OTHERWISE.search(turn.text) is not None
    if fresh and not changed:
        return fresh
    late = turn.work.now - _CHANGE_WITHIN
    return [one for one in found if one.mark is not None and one.ended_at >= late][:1] or fresh


async def _mine(turn: Turn, reference: str, *, lock: bool = False) -> Marked | None:
    """One finished thing of this person's by its reference; None when it is not theirs, or not finished."""
    kind, _, number = reference.partition(":")
    if kind == "handoff":
        talk = await handoffs.get(turn.work, number, lock=lock)
        mine = talk is not None and talk.conversation_id == turn.conversation.id and talk.state == "closed"
        return _of_talk(talk) if talk is not None and mine else None
    case = await requests.get(turn.work, number, lock=lock) if kind == "request" else None
    if case is None or case.state not in requests.ENDED - {"cancelled"}:
        return None
    resident = turn.resident.id if turn.resident else None
    mine = case.conversation_id == turn.conversation.id or (
        resident is not None and case.resident_id == resident
    )
    return _of_case(case) if mine else None


def _of_case(case: Request) -> Marked:
    return Marked(reference=f"request:{case.id}", row=case, ended_at=case.closed_at or case.created_at)


def _of_talk(talk: Handoff) -> Marked:
    return Marked(reference=f"handoff:{talk.id}", row=talk, ended_at=talk.closed_at or talk.queued_at)


async def _choose(turn: Turn, frame: Frame, found: Marked) -> None:
    frame.slots["which"] = found.reference
    frame.memory["before"] = found.mark


def _asked_last(turn: Turn) -> Mapping[str, Any] | None:
    """What the last words asked a mark for; None when they asked for none."""
    for said in turn.dialogue.last:
        for button in (said.get("payload") or {}).get("buttons", ()):
            command = command_in(button["payload"])
            if command is not None and command.name == "rate":
                return {name: value for name, value in command.values.items() if name != "score"}
    return None


async def _follow_up(turn: Turn, found: Marked, score: int, words: str | None) -> Request:
    """Somebody was let down: the lead asks why, by the promise of a complaint."""
    lead = await lead_for(turn.work)
    text = turn.world.replies.render("rating_follow_up", _DESK, number=found.name, score=score).text
    case = found.row if isinstance(found.row, Request) else None
    made = await requests.open_case(
        turn.work,
        kind="complaint",
        resident_id=turn.resident.id if turn.resident else None,
        conversation_id=turn.conversation.id,
        place=case.place if case is not None else None,
        text=f"{text}\n{words}" if words else text,
        details={"topic": "mark", "follow_up": found.name, "score": score},
        staff_id=lead.id if lead is not None else None,
    )
    if lead is not None:
        tell_lead(turn.work, turn.world, lead, made, "lead_mark")
    return made


async def _add_words(turn: Turn, frame: Frame, found: Marked) -> None:
    """Said after the mark: beside it, and in what follows it up."""
    words = frame.slots.get("words")
    if not words:
        turn.say("rating_without_words")
        return
    score = found.mark or int(frame.slots["score"])
    if isinstance(found.row, Request):
        await requests.rate(turn.work, found.row, score, words=words, change=True)
    else:
        await handoffs.rate(turn.work, found.row, score, words=words, change=True)
    follow_up = await requests.get(turn.work, str(frame.memory["follow_up"]), lock=True)
    if follow_up is not None:
        await requests.told_more(turn.work, follow_up, text=words)
    turn.say("rating_words_kept")


# Slots


async def _judge_which(turn: Turn, frame: Frame, given: Given) -> Verdict:
    if not given.asked:
        return None
    shown = await _listed(turn, frame)
    found = next((one for one in shown if one.reference == given.value), None)
    if given.value is None:
        case = picked(turn, [one.row for one in shown if isinstance(one.row, Request)])
        found = next((one for one in shown if case is not None and one.row is case), None)
    if found is None:
        return None
    await _choose(turn, frame, found)
    return Filled(value=found.reference)


async def _judge_score(turn: Turn, frame: Frame, given: Given) -> Verdict:
    value = given.value if given.value is not None else given.entity.value if given.entity else None
    if value is None and given.asked:
        value = _bare(given.text)
    return Filled(value=int(value)) if value in (1, 2, 3, 4, 5) else None


async def _judge_change(turn: Turn, frame: Frame, given: Given) -> Verdict:
    if not given.asked:
        return None
    if turn.intent("affirm"):
        return Filled(value=_YES)
    return Filled(value=_NO) if turn.intent("deny", "stop") else None


async def _judge_words(turn: Turn, frame: Frame, given: Given) -> Verdict:
    return Filled(value=given.text[:_LONGEST]) if given.asked and given.text else None


def _was_marked(turn: Turn, frame: Frame) -> bool:
    before = frame.memory.get("before")
    return before is not None and before != frame.slots.get("score")


def _wants_words(turn: Turn, frame: Frame) -> bool:
    return bool(frame.memory.get("stored"))


async def _shown(turn: Turn, frame: Frame) -> Sequence[Button]:
    return [
        Button(title=_describe(turn, one), payload=payload("choose", which=one.reference))
        for one in await _listed(turn, frame)
    ]


async def _marks(turn: Turn, frame: Frame) -> Sequence[Button]:
    render = turn.world.replies.render
    return [
        Button(
            title=render("rating_button", turn.language, score=score).text,
            payload=payload("choose", score=score),
        )
        for score in (5, 4, 3, 2, 1)
    ]


async def _yes_no(turn: Turn, frame: Frame) -> Sequence[Button]:
    return [turn.button("rating_button_change", "affirm"), turn.button("rating_button_keep", "deny")]


async def _listed(turn: Turn, frame: Frame) -> list[Marked]:
    found = [await _mine(turn, str(one)) for one in frame.memory.get("shown", [])]
    return [one for one in found if one is not None]


def _describe(turn: Turn, one: Marked) -> str:
    if isinstance(one.row, Request):
        return describe(turn, one.row)
    return turn.world.replies.render("rating_talk", turn.language).text


def _bare(text: str) -> int | None:
    """The mark of a message that is nothing else: 5, 四分, five stars."""
    match = _BARE.fullmatch(text)
    return None if match is None else _DIGITS.get(match[1].lower()) or int(match[1])


def _words(turn: Turn) -> str:
    """The message where it says more than the mark."""
    scores = turn.understanding.all("score") if turn.understanding else ()
    covered = sum(one.end - one.start for one in scores)
    return turn.text[:_LONGEST] if len(turn.text) - covered >= _FEW else ""


FLOWS: tuple[Flow, ...] = (Rating(),)
