"""Asking elders who live alone whether they are well, and hearing the answer (K2, K3, F6).

The clockwork around it (asking again, family, visit, all-clear) is `flows.checkin_ladder`, pauses are
`flows.checkin_pause`.
"""

from __future__ import annotations

from collections.abc import Mapping

from data import checkins
from data.models import Checkin as Row
from flows import checkin_ladder as ladder
from flows import checkin_pause, unwell
from flows.checkin_words import answer
from flows.declared import Aside, Flow
from flows.due import Handler
from flows.state import Frame
from flows.turn import Turn

ANSWER = "answer"
"""`Frame.asked` while the day's question is open."""
_OF_THE_VOICE = ("repeat", "slower", "louder")
_SOCIAL = ("feel_fine", "feel_unwell", "affirm", "deny", "greet", "thank", "emergency")
_LEAVING = ("stop", "skip", "goodbye")


class Checkin(Flow):
    """The day's question, opened by the ladder with slots `checkin` (its id) and `again`."""

    name = ladder.NAME
    parks = False
    own_silence = True

    async def begin(self, turn: Turn, frame: Frame) -> None:
        key = "checkin_again" if frame.slots.get("again") else "checkin_ask"
        unwell.put(turn, frame, ANSWER, key, **ladder.greeting(turn))

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        if turn.incoming is not None and turn.incoming.kind == "silence":
            return True  # the ladder deals with silence, in its own time
        if frame.asked != ANSWER:
            return await unwell.hear_talk(turn, frame)
        checkin = await checkins.get(turn.work, int(frame.slots["checkin"]))
        if checkin is None or checkin.state not in checkins.OPEN:
            turn.dialogue.drop(frame)  # answered elsewhere meanwhile
            return False
        if turn.intent(*_OF_THE_VOICE):
            return False
        said = answer(turn)
        if said == "fine":
            await self._well(turn, frame, checkin)
            return True
        if said == "unwell":
            return await self._unwell(turn, frame, checkin)
        if turn.intent(*_LEAVING):
            await self._alive(turn, checkin)
            turn.say("checkin_alive")
            frame.asked = None
            return True
        if self._other_wish(turn):
            await self._alive(turn, checkin)
            turn.dialogue.drop(frame)
            return False
        return await self._unclear(turn, frame, checkin)

    async def cancelled(self, turn: Turn, frame: Frame) -> None:
        """They would rather not talk about it; what is known stays with the task."""
        turn.say("checkin_alive")

    async def _well(self, turn: Turn, frame: Frame, checkin: Row) -> None:
        alerted = _alerted(checkin)
        await ladder.over(turn.work, turn.world, checkin.id, "fine")
        turn.say("checkin_fine_after" if alerted else "checkin_fine")
        frame.asked = None

    async def _unwell(self, turn: Turn, frame: Frame, checkin: Row) -> bool:
        settled = await ladder.over(turn.work, turn.world, checkin.id, "unwell")
        if settled is None:
            turn.dialogue.drop(frame)
            return False
        await unwell.from_checkin(turn, frame, settled)
        return True

    async def _alive(self, turn: Turn, checkin: Row) -> None:
        await ladder.over(turn.work, turn.world, checkin.id, "sign_of_life")

    async def _unclear(self, turn: Turn, frame: Frame, checkin: Row) -> bool:
        """Once more in plainer words; then somebody of the staff listens, since garbled words may be a sign too."""
        frame.tries += 1
        if frame.tries == 1:
            unwell.put(turn, frame, ANSWER, "checkin_answer_again")
            return True
        await self._alive(turn, checkin)
        turn.dialogue.drop(frame)
        if turn.intent("greet", "thank"):
            return False
        turn.open("person", reason="not_understood")
        return True

    def _other_wish(self, turn: Turn) -> bool:
        if turn.command is not None:
            return True
        top = turn.understanding.intent if turn.understanding else None
        return top is not None and top.name not in _SOCIAL and turn.intent(top.name)


class FeelFine(Aside):
    """ "I am well", said unasked, or as an answer in another place than the question was put."""

    intents = ("feel_fine",)

    async def answer(self, turn: Turn) -> None:
        found = await checkins.answerable(turn.work, turn.resident.id) if turn.resident is not None else None
        alerted = found is not None and _alerted(found)
        settled = await ladder.over(turn.work, turn.world, found.id, "fine") if found is not None else None
        if settled is None:
            turn.say("checkin_glad")
        else:
            turn.say("checkin_fine_after" if alerted else "checkin_fine")


def _alerted(checkin: Row) -> bool:
    """Whether anybody was worried already, and has to be told that all is well."""
    told = {step["what"] for step in checkin.steps}
    return bool(told & {"notified", "visit"}) and "all_clear" not in told


async def mark_help(turn: Turn) -> None:
    """An alarm was raised for this resident: no check-in is open any more. `data.alarms.raise_alarm` sees to the
    check-in itself; this takes the question out of the conversation."""
    if turn.resident is not None:
        await checkins.mark_help(turn.work, turn.resident.id)
    ladder.drop_frames(turn)


FLOWS: tuple[Flow, ...] = (Checkin(), *unwell.FLOWS, *checkin_pause.FLOWS)
ASIDES: tuple[Aside, ...] = (FeelFine(),)
TIMERS: Mapping[str, Handler] = ladder.TIMERS
"""Timer kind → its handler."""
