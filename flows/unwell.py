"""Somebody feels poorly: one or two gentle questions, a task for staff, and never a diagnosis (K3)."""

from __future__ import annotations

from typing import Any

from data import checkins, conversations, requests, residents
from data.models import Checkin, Request
from flows import checkin_ladder as ladder
from flows.checkin_words import describes, wanted
from flows.declared import Flow
from flows.messages import Said
from flows.state import Frame
from flows.turn import Turn

WHAT, WHO = "what", "who"
"""The two questions: what is the matter, and shall somebody come."""
_QUOTED = 200  # characters of what the person says that a task carries
_SERVED = 0.7  # from this confidence another wish is served first, as in the engine
_WISHES = frozenset(
    {
        "book_service",
        "report_repair",
        "call_contact",
        "ask_human",
        "set_reminder",
        "pause_checkin",
        "complain",
    }
)
_OF_THE_VOICE = ("repeat", "slower", "louder")


def put(turn: Turn, frame: Frame, asked: str, key: str, **facts: Any) -> None:
    """Open a question of a flow that asks in its own words; the engine can put it again."""
    said = turn.say(key, **facts)
    frame.asked = asked
    frame.memory["question"] = remembered(said)


def remembered(said: Said) -> dict[str, object]:
    """A question as a frame keeps it."""
    buttons = [{"title": button.title, "payload": button.payload} for button in said.buttons]
    return {"text": said.text, "speech": said.speech, "buttons": buttons}


async def from_checkin(turn: Turn, frame: Frame, checkin: Checkin) -> None:
    """A check-in was answered with "not well": the task exists before anything is asked, the family is told."""
    work, world = turn.work, turn.world
    words = _words(turn)
    number = ladder.visit_number(checkin)
    request = await requests.get(work, number, lock=True) if number is not None else None
    if request is None or request.state in requests.ENDED:
        text = world.replies.render("unwell_task", "zh", words=words).text
        request = await ladder.open_visit(work, world, checkin, text=text, urgency="ordinary")
    elif words:
        await requests.told_more(work, request, text=words)
    frame.memory["request"] = request.number
    frame.memory["told"] = await ladder.tell_family(work, world, checkin, "unwell_family")
    _first_question(turn, frame)


def _first_question(turn: Turn, frame: Frame) -> None:
    if describes(_words(turn)):
        put(turn, frame, WHO, "unwell_ask_who")
    else:
        put(turn, frame, WHAT, "unwell_ask_what")


async def hear_talk(turn: Turn, frame: Frame) -> bool:
    """Take the answer to one of the two questions. False: it is something else."""
    if turn.intent(*_OF_THE_VOICE) or _other_wish(turn):
        return False
    if frame.asked == WHAT:
        await _hear_what(turn, frame)
        return True
    want = wanted(turn)
    if want is None and frame.tries == 0:
        frame.tries = 1
        await _note(turn, frame, _words(turn))
        put(turn, frame, WHO, "unwell_ask_who_again")
        return True
    await _finish(turn, frame, want)
    return True


async def _hear_what(turn: Turn, frame: Frame) -> None:
    frame.tries = 0
    await _note(turn, frame, _words(turn))
    if wanted(turn) in ("visit", "doctor"):
        await _finish(turn, frame, wanted(turn))
        return
    put(turn, frame, WHO, "unwell_ask_who")


async def _note(turn: Turn, frame: Frame, words: str) -> None:
    """Their words reach the task, or wait for it."""
    if not words:
        return
    frame.memory["words"] = [*frame.memory.get("words", []), words]
    request = await _task(turn, frame)
    if request is not None:
        await requests.told_more(turn.work, request, text=words)


async def _task(turn: Turn, frame: Frame) -> Request | None:
    number = frame.memory.get("request")
    return await requests.get(turn.work, number, lock=True) if number else None


async def _finish(turn: Turn, frame: Frame, want: str | None) -> None:
    """What happens next, with number and time (C13)."""
    frame.asked = None
    request = await _task(turn, frame)
    if request is None:
        if want in (None, "none"):
            turn.say("unwell_rest")
            return
        request = await _open_task(turn, frame)
        if request is None:
            frame.memory["person"] = True  # we do not know where they live: a person has to talk with them
            return
    await requests.told_more(turn.work, request, wanted=want or "unclear")
    key = {"visit": "unwell_visit", "doctor": "unwell_doctor"}.get(want or "", "unwell_noted")
    turn.say(
        key,
        number=request.number,
        within=turn.wording.duration(turn.world.figures.visit_within),
        spoken={"number": turn.wording.number_spoken(request.number)},
    )
    told = frame.memory.get("told") or []
    if told:
        turn.say("unwell_family_told", who=turn.wording.listed(told))


async def _open_task(turn: Turn, frame: Frame) -> Request | None:
    """The task of somebody who was not asked but said so: only after they agreed to it (C11)."""
    resident = turn.resident
    if resident is None:
        return None
    _, home = await conversations.with_home(turn.work, resident.id)
    if home is None:
        return None
    words = "；".join(frame.memory.get("words", []))[:_QUOTED]
    return await requests.open_case(
        turn.work,
        kind="visit",
        resident_id=resident.id,
        conversation_id=turn.conversation.id,
        place=residents.place_of(home),
        urgency="ordinary",
        text=turn.world.replies.render("unwell_task", "zh", words=words).text,
        details={"deadline": (turn.now + turn.world.figures.visit_within).isoformat()},
    )


def _words(turn: Turn) -> str:
    return turn.text[:_QUOTED] if turn.command is None else ""


def _other_wish(turn: Turn) -> bool:
    if turn.command is not None:
        return turn.command.name in _WISHES
    if turn.understanding is None or turn.understanding.intent.name not in _WISHES:
        return False
    # 「请个人来看看」 is an answer here, not a wish for a chat with staff.
    return turn.understanding.intent.confidence >= _SERVED and wanted(turn) is None


class Unwell(Flow):
    """ "I feel a bit dizzy", said unasked: the same questions; a task for staff if they want one."""

    name = "unwell"
    intents = ("feel_unwell",)
    parks = False

    async def begin(self, turn: Turn, frame: Frame) -> None:
        checkin = await self._checkin(turn)
        if checkin is not None:
            await from_checkin(turn, frame, checkin)
            return
        words = _words(turn)
        frame.memory["words"] = [words] if words else []
        _first_question(turn, frame)

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        return await hear_talk(turn, frame)

    async def run(self, turn: Turn, frame: Frame) -> bool:
        if frame.memory.get("person"):
            turn.dialogue.drop(frame)
            turn.open("person", reason="unwell")
            return False
        return True

    async def cancelled(self, turn: Turn, frame: Frame) -> None:
        turn.say("unwell_rest")

    async def _checkin(self, turn: Turn) -> Checkin | None:
        """Today's check-in, if this is the answer to it, given in another place or a little later."""
        if turn.resident is None:
            return None
        found = await checkins.answerable(turn.work, turn.resident.id)
        return await ladder.over(turn.work, turn.world, found.id, "unwell") if found is not None else None


FLOWS: tuple[Flow, ...] = (Unwell(),)
