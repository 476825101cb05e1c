"""Patterns that are small conversations of their own: going on with what was interrupted, asking which was meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.declared import Flow
from flows.messages import Button, Said
from flows.replies import payload
from flows.state import Frame
from flows.turn import Turn, question_of

if TYPE_CHECKING:
    from flows.engine import Engine

_RATE = {"default": 3.25, "step": 0.5, "least": 2.0}  # characters a second, catalogue.md: 3–3.5 to start with
_LOUDNESS = {"default": 1.0, "step": 0.25, "most": 2.0}  # times the ordinary volume
_TYPE = {"default": 24, "step": 3, "most": 36}  # pixels, catalogue.md: 24 by default, up to at least 30


class Light(Flow):
    """A question about going on, not a wish of its own: it makes way for whatever the person says instead."""

    parks = False
    light = True

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def _open_question(self, turn: Turn, frame: Frame, said: Said) -> None:
        frame.asked = "which"
        frame.memory["question"] = question_of(said)

    def _stays(self, turn: Turn) -> bool:
        """ "Say that again", "slower": the question remains open; a yes after it must mean this question."""
        return turn.intent("repeat", "slower", "louder")


class Resume(Light):
    """ "Shall we go on with the haircut?" (C3)"""

    name = "resume"

    async def begin(self, turn: Turn, frame: Frame) -> None:
        waiting = self._engine.waiting(turn)
        if not waiting:
            turn.dialogue.drop(frame)
            return
        if len(waiting) == 1:
            self._open_question(turn, frame, turn.say("resume_offer", what=self._title(turn, waiting[0])))
            return
        shown = waiting[:3]
        titles = [self._title(turn, other) for other in shown]
        said = turn.say(
            "resume_which",
            what=turn.wording.listed(titles),
            buttons=[
                Button(title=title, payload=payload("go_on", flow=other.flow, since=other.since))
                for title, other in zip(titles, shown, strict=True)
            ],
        )
        self._open_question(turn, frame, said)

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        if self._stays(turn):
            return False
        waiting = self._engine.waiting(turn)
        turn.dialogue.drop(frame)
        chosen = self._chosen(turn, waiting)
        if chosen is None and waiting and turn.intent("affirm", "go_on"):
            chosen = waiting[0]
        if chosen is not None:
            await self._engine.go_on(turn, chosen)
            return True
        if waiting and turn.intent("deny", "stop", "goodbye"):
            for other in waiting:
                turn.dialogue.drop(other)
                await self._engine.flows[other.flow].cancelled(turn, other)
            return True
        return False

    def _title(self, turn: Turn, frame: Frame) -> str:
        return self._engine.flows[frame.flow].title(turn, frame)

    def _chosen(self, turn: Turn, waiting: list[Frame]) -> Frame | None:
        if turn.command is not None:
            values = turn.command.values
            named = [frame for frame in waiting if frame.flow == values.get("flow")]
            return next((frame for frame in named if frame.since == values.get("since")), None)
        return next((frame for frame in waiting if turn.text and turn.text in self._title(turn, frame)), None)


class Clarify(Light):
    """ "Do you want to book, or to report something broken?" (C8)"""

    name = "clarify"

    async def begin(self, turn: Turn, frame: Frame) -> None:
        options: list[str] = frame.memory["options"]
        frame.memory["words"] = turn.keep_words()
        titles = [self._title(turn, option) for option in options]
        said = turn.say(
            "clarify",
            first=titles[0],
            second=titles[1],
            buttons=[
                Button(title=title, payload=payload(option))
                for title, option in zip(titles, options, strict=True)
            ],
        )
        self._open_question(turn, frame, said)

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        if self._stays(turn):
            return False
        turn.dialogue.drop(frame)
        if turn.intent("deny", "stop"):
            turn.say("clarify_neither")
            return True
        for option in frame.memory["options"]:
            title = self._title(turn, option)
            if turn.intent(option) or (turn.text and (turn.text in title or title in turn.text)):
                if turn.command is not None or turn.text in title:
                    # Only the choice: what was said first holds the rest, and need not be said again (C1).
                    turn.take_up(frame.memory["words"], option)
                await self._engine.do(turn, option)
                return True
        return False

    def _title(self, turn: Turn, option: str) -> str:
        return turn.world.replies.render(f"wish_{option}", turn.language).text


class Offer(Light):
    """ "Shall I ask a person?": a yes is that wish, a no leaves everything as it is. See `Turn.offer`."""

    name = "offer"

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        if self._stays(turn):
            return False
        turn.dialogue.drop(frame)
        if turn.intent("affirm"):
            await self._engine.do(turn, frame.memory["wish"])
            return True
        if turn.intent("deny"):
            turn.say("offer_declined")
            await self._engine.ask_again(turn)
            return True
        return False


class AllRight(Light):
    """ "Are you still there, is everything all right?", after a voice did not answer twice (C10)."""

    name = "all_right"

    async def begin(self, turn: Turn, frame: Frame) -> None:
        self._open_question(turn, frame, turn.say("all_right_ask"))

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        if self._stays(turn):
            return False
        turn.dialogue.drop(frame)
        if turn.intent("deny", "feel_unwell"):
            turn.open("emergency_doubt")
            return True
        if turn.intent("affirm", "feel_fine", "greet", "thank"):
            turn.say("all_right_good")
            await self._engine.ask_again(turn)
            return True
        return False


def repeat_last(turn: Turn) -> None:
    """Say again what was said last, word for word (C7)."""
    if not turn.dialogue.last:
        turn.say("nothing_to_repeat")
        return
    for said in turn.dialogue.last:
        stored = said.get("payload") or {}
        turn.said.append(
            Said(
                text=said["text"],
                speech=stored.get("speech"),
                buttons=tuple(Button(**button) for button in stored.get("buttons", ())),
                image=stored.get("image"),
                custom=stored.get("custom"),
                emergency=stored.get("kind") == "emergency",
            )
        )


def adjust_speech(turn: Turn, how: str) -> None:
    """Slower, or louder and larger; kept for this person from now on (C7)."""
    kept = dict(turn.resident.preferences if turn.resident else turn.dialogue.preferences)
    if how == "slower":
        kept["speech_rate"] = max(_RATE["least"], kept.get("speech_rate", _RATE["default"]) - _RATE["step"])
    else:
        kept["loudness"] = min(
            _LOUDNESS["most"], kept.get("loudness", _LOUDNESS["default"]) + _LOUDNESS["step"]
        )
        kept["type_size"] = min(_TYPE["most"], kept.get("type_size", _TYPE["default"]) + _TYPE["step"])
    if turn.resident is not None:
        turn.resident.preferences = kept
    else:
        turn.dialogue.preferences = kept
    turn.say(how)
