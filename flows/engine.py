"""The conversation itself: which question is open, what a message does to it, and what is asked next.

The patterns C1–C16 live here and in `flows.patterns`, once for all flows; a flow only declares itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from flows.asking import Asking
from flows.declared import Aside, Flow
from flows.language import follow
from flows.messages import Button
from flows.patterns import Clarify, Offer, Resume, adjust_speech, repeat_last
from flows.state import CONFIRM, Frame
from flows.turn import Command, Turn
from nlu.understanding import INTENTS, Intent

_EDGES = " \t,.!?;:，。！？；：、~～"
_COMMAND = re.compile(r"/([a-z][a-z0-9_]*)\s*(\{.*\})?", re.DOTALL)
_STRONG = 0.7  # from here on another wish wins over an answer found in the same words
_SPEECH = ("slower", "louder")
_MOST_PARKED = 4  # wishes that wait at once; more than that nobody keeps in mind
ALARM, DOUBT, PERSON, MEETING = "emergency", "emergency_doubt", "person", "meeting"
"""Flows that the engine itself calls for."""


def command_in(text: str) -> Command | None:
    """A button's payload, or None when the words are words."""
    match = _COMMAND.fullmatch(text.strip())
    if match is None:
        return None
    try:
        values = json.loads(match[2]) if match[2] else {}
    except ValueError:
        return None
    return Command(name=match[1], values=values) if isinstance(values, dict) else None


class Engine:
    """Takes one message a turn and leaves the dialogue with at most one open question."""

    def __init__(self, flows: Sequence[Flow], asides: Sequence[Aside]) -> None:
        every: list[Flow] = [*flows, Resume(self), Clarify(self), Offer(self)]
        self.flows: Mapping[str, Flow] = {flow.name: flow for flow in every}
        self._by_intent: Mapping[str, Flow] = {intent: flow for flow in every for intent in flow.intents}
        self._asides: Mapping[str, Aside] = {intent: aside for aside in asides for intent in aside.intents}
        self._claiming = [flow for flow in every if type(flow).claims is not Flow.claims]
        self._asking = Asking()

    # The way of a message

    async def step(self, turn: Turn) -> None:
        """A person's message: emergency first, then the open question, then a new wish."""
        self._expire(turn)
        follow(turn)
        _press_by_words(turn)
        _yes_with_thanks(turn)
        stamp = turn.work.now.isoformat()
        if turn.dialogue.active is not None:
            turn.dialogue.active.touched = stamp
        if not self._danger(turn) and turn.conversation.owner != "bot":
            return  # a person has the conversation; the bot is silent (C15)
        if self._without_words(turn):
            return
        frame = turn.dialogue.active
        if frame is None:
            await self._nothing_open(turn)
        else:
            await self._something_open(turn, frame)
        await self.advance(turn)

    async def start(self, turn: Turn, flow: str, **slots: object) -> Frame:
        """Begin a flow on the bot's own account (a check-in, a reminder's question) and ask its first question."""
        frame = turn.open(flow, **slots)
        await self.advance(turn)
        return frame

    async def advance(self, turn: Turn) -> None:
        """Go on until a question is open or nothing is left to do."""
        finished = False
        for _ in range(12):  # more steps in one turn would be a flow that never settles
            frame = turn.dialogue.active
            if frame is None:
                return
            flow = self.flows[frame.flow]
            if frame.asked is not None:
                if finished:
                    await self._offer_back(turn, frame, flow)
                return
            if not await self._begun(turn, frame, flow):
                continue
            if frame.asked is not None or frame is not turn.dialogue.active:
                continue
            if await self._asking.ask_next(turn, frame, flow):
                return
            if not await flow.run(turn, frame):
                continue
            turn.dialogue.drop(frame)
            finished = not frame.memory.get("leads_back")
        raise RuntimeError(f"flow {frame.flow if frame else '?'} does not settle")

    # What a message does

    def _danger(self, turn: Turn) -> bool:
        """Bring the emergency to the top when there may be one (E1); True when it has the word."""
        judged = turn.understanding.emergency if turn.understanding else None
        sos = turn.incoming is not None and (
            turn.incoming.kind == "sos" or (turn.command is not None and turn.command.name == "sos")
        )
        running = turn.dialogue.find(ALARM)
        if sos or (judged is not None and judged.level <= 3):
            self._raise_to_top(turn, ALARM)
            return True
        if judged is not None and running is None:
            self._raise_to_top(turn, DOUBT)
            return True
        active = turn.dialogue.active
        return active is not None and active.flow in (ALARM, DOUBT)

    def _raise_to_top(self, turn: Turn, flow: str) -> None:
        frame = turn.dialogue.find(flow)
        if frame is None:
            self._make_room(turn)
            turn.open(flow)
            return
        turn.dialogue.drop(frame)
        turn.dialogue.stack.append(frame)

    async def _something_open(self, turn: Turn, frame: Frame) -> None:
        flow = self.flows[frame.flow]
        if not await self._begun(turn, frame, flow) or turn.dialogue.active is not frame:
            return
        pressed = turn.command.name if turn.command is not None else None
        if pressed is not None and self._of_its_own(pressed, frame):
            await self._serve(turn, frame, pressed)
            return
        if await flow.hear(turn, frame):
            return
        if turn.dialogue.active is not frame:
            await self._next(turn)
            return
        if await self._adjusted(turn, frame):
            return
        refused = turn.command is None and frame.asked != CONFIRM and self._refused(turn, frame)
        if turn.intent("stop") or refused or self._called_off(turn, frame):
            await self.leave(turn, frame)
            return
        if self._wants_person(turn):
            turn.open(PERSON, reason="asked")
            return
        strong = self._other_wish(turn, frame, _STRONG)
        if strong and not self._asking.is_mostly_answer(turn, frame, flow):
            await self._serve(turn, frame, strong)
            return
        if await self._asking.take_answer(turn, frame, flow):
            return
        weak = self._other_wish(turn, frame, turn.world.figures.sure)
        if weak:
            await self._serve(turn, frame, weak)
            return
        if await self._asking.take_anything(turn, frame, flow):
            return
        if turn.command is not None:
            turn.say("button_over")
            await self._asking.ask_again(turn, frame, flow, short=True)
            return
        await self._asking.not_understood(turn, frame, flow)

    async def _next(self, turn: Turn) -> None:
        """The frame on top stepped aside: the message goes to what is below, or is taken as a new wish."""
        frame = turn.dialogue.active
        if frame is None:
            await self._nothing_open(turn)
        else:
            await self._something_open(turn, frame)

    def _of_its_own(self, pressed: str, frame: Frame) -> bool:
        """Whether a button belongs to no open question, e.g. a mark for what was closed (C15). An alarm is not left for it."""
        if pressed in INTENTS:
            return False
        flow = self._by_intent.get(pressed)
        opens = flow is not None and flow.name != frame.flow and frame.flow not in (ALARM, DOUBT)
        return pressed in self._asides or opens

    async def _nothing_open(self, turn: Turn) -> None:
        if await self._adjusted(turn, None):
            return
        if (claiming := await self._claimed(turn)) is not None:
            turn.dialogue.failures = 0
            self._open(turn, claiming)
            return
        name = self._wish(turn)
        if name is None and turn.command is not None:
            turn.say("button_over")
        elif name is None:
            await self._not_understood(turn)
        elif name == "clarify":
            turn.dialogue.failures = 0  # the question is open already
        else:
            turn.dialogue.failures = 0
            await self.do(turn, name)

    async def _claimed(self, turn: Turn) -> Flow | None:
        """The flow that knows from what came before that these words are its own."""
        if turn.command is not None or turn.understanding is None:
            return None
        for flow in self._claiming:
            if await flow.claims(turn):
                return flow
        return None

    async def do(self, turn: Turn, intent: str) -> None:
        """Begin what a wish asks for, or answer it."""
        flow, aside = self._by_intent.get(intent), self._asides.get(intent)
        if flow is not None:
            self._open(turn, flow)
        elif aside is not None:
            await aside.answer(turn)
        else:
            await self._not_understood(turn)

    def _open(self, turn: Turn, flow: Flow) -> None:
        self._make_room(turn)
        turn.open(flow.name)
        if turn.resident is None and not flow.open_to_strangers:
            turn.open(MEETING).memory["leads_back"] = True

    def _make_room(self, turn: Turn) -> None:
        """A new wish: a question about going on is over, and of many that wait the oldest is given up, aloud (C3)."""
        top = turn.dialogue.active
        if top is not None and self.flows[top.flow].light:
            turn.dialogue.drop(top)
        waiting = self.waiting(turn)
        for oldest in waiting[_MOST_PARKED - 1 :]:
            turn.dialogue.drop(oldest)
            turn.say("parked_given_up", what=self.flows[oldest.flow].title(turn, oldest))

    def waiting(self, turn: Turn) -> list[Frame]:
        """What was begun and is worth going on with, the newest first."""
        return [frame for frame in reversed(turn.dialogue.stack) if self.flows[frame.flow].parks]

    async def _serve(self, turn: Turn, frame: Frame, intent: str) -> None:
        """Another wish in the middle: knowledge is answered in place, a flow is put on top (C3, C4)."""
        if intent in self._by_intent:
            self._open(turn, self._by_intent[intent])
            return
        await self._asides[intent].answer(turn)
        if turn.dialogue.active is frame:
            await self.ask_again(turn)

    async def ask_again(self, turn: Turn) -> None:
        """Put the question that is open once more, shortly."""
        frame = turn.dialogue.active
        if frame is not None and frame.asked is not None:
            await self._asking.ask_again(turn, frame, self.flows[frame.flow], short=True)

    async def leave(self, turn: Turn, frame: Frame) -> None:
        """Leave a flow and say what was not done (C5)."""
        turn.dialogue.drop(frame)
        await self.flows[frame.flow].cancelled(turn, frame)
        below = turn.dialogue.active
        if below is not None and below.asked is not None:
            await self._offer_back(turn, below, self.flows[below.flow])

    def _without_words(self, turn: Turn) -> bool:
        """Empty, a picture, a place, a recording: each has an answer (C16), unless the open question wants it."""
        incoming = turn.incoming
        if incoming is None or incoming.kind == "sos" or turn.command is not None:
            return False
        if incoming.data.get("cut_from") and turn.understanding and not turn.understanding.emergency:
            turn.say("too_long")
            return False
        frame = turn.dialogue.active
        if frame is not None and frame.flow in (ALARM, DOUBT):
            return False  # after an alarm a silence, a place on the map and a picture are answers, too (E3)
        slot = self._asking.open_slot(self.flows[frame.flow], frame) if frame is not None else None
        wanted = slot is not None and slot.entity in ("picture", "place") and bool(incoming.data)
        if frame is not None and incoming.kind in ("image", "location"):
            wanted = wanted or self.flows[frame.flow].pictures
        if turn.text or wanted:
            return False
        known = incoming.kind if incoming.kind in ("image", "location", "voice") else "other"
        turn.say("empty" if incoming.kind in ("text", "button", "edited") else f"got_{known}")
        return True

    # What was meant

    def _wish(self, turn: Turn) -> str | None:
        """The intent to act on with nothing open; `clarify` when two are close (U6), None when none is sure."""
        if turn.command is not None:
            known = turn.command.name in self._by_intent or turn.command.name in self._asides
            return turn.command.name if known else None
        if turn.understanding is None:
            return None
        first, *others = turn.understanding.ranking
        figures = turn.world.figures
        rival = next((other for other in others if self._differs(first, other)), None)
        near = rival is not None and first.confidence - rival.confidence < figures.close
        if first.confidence >= figures.sure and not near:
            return "cancel_request" if first.name == "stop" and self._just_done(turn) else first.name
        if (
            rival is not None
            and first.confidence + rival.confidence >= figures.sure
            and first.confidence >= 0.25
        ):
            options = [intent.name for intent in (first, rival) if self._can_offer(intent.name, turn)]
            if len(options) == 2:
                self._make_room(turn)
                turn.open("clarify").memory["options"] = options
                return "clarify"
        return first.name if first.confidence >= figures.sure else None

    def _just_done(self, turn: Turn) -> bool:
        """Whether something was finished a moment ago: "leave it" with nothing open then means that (C12)."""
        done = turn.dialogue.done
        return done is not None and turn.work.now - datetime.fromisoformat(done.at) <= turn.world.figures.undo

    def _differs(self, one: Intent, other: Intent) -> bool:
        mine = self._by_intent.get(one.name) or self._asides.get(one.name)
        return mine is not (self._by_intent.get(other.name) or self._asides.get(other.name))

    def _can_offer(self, intent: str, turn: Turn) -> bool:
        return turn.world.replies.has(f"wish_{intent}", turn.language)

    def _other_wish(self, turn: Turn, frame: Frame, sure: float) -> str | None:
        """A wish of another kind than the open flow's, at least that sure."""
        if turn.command is not None:
            name = turn.command.name
        elif turn.understanding is not None and turn.understanding.intent.confidence >= sure:
            name = turn.understanding.intent.name
        else:
            return None
        mine = self.flows[frame.flow]
        if name in mine.intents or name in ("change_request", "affirm", "deny", "skip", "rate_service"):
            return (
                None  # "change it to four" in the middle of a form is a correction (C2), a number no verdict
            )
        if turn.command is not None and name not in INTENTS:
            return None
        return name if name in self._by_intent or name in self._asides else None

    def _wants_person(self, turn: Turn) -> bool:
        return turn.intent("ask_human") and PERSON in self.flows

    def _refused(self, turn: Turn, frame: Frame) -> bool:
        """A plain no to a question that is not a yes/no question is a wish to leave."""
        slot = self._asking.open_slot(self.flows[frame.flow], frame)
        if slot is None or slot.optional or slot.choices is not None or frame.memory.get("offer"):
            return False
        return turn.intent("deny") and not (turn.understanding and turn.understanding.entities)

    def _called_off(self, turn: Turn, frame: Frame) -> bool:
        """ "Then I won't book": of what is being filled in, unless it names something else that was asked for before."""
        flow = self.flows[frame.flow]
        if not flow.parks or turn.command is not None or turn.understanding is None:
            return False
        if "cancel_request" in flow.intents or not turn.intent("cancel_request"):
            return False
        mine = {slot.entity: frame.slots.get(slot.name) for slot in flow.slots}
        return all(mine.get(entity.entity) == entity.value for entity in turn.understanding.entities)

    # Patterns that belong to no flow

    async def _adjusted(self, turn: Turn, frame: Frame | None) -> bool:
        """Say it again, slower, louder (C7)."""
        if turn.intent("repeat"):
            repeat_last(turn)
            return True
        for how in _SPEECH:
            if turn.intent(how):
                adjust_speech(turn, how)
                if frame is not None:
                    await self._asking.ask_again(turn, frame, self.flows[frame.flow], short=True)
                return True
        return False

    async def _not_understood(self, turn: Turn) -> None:
        """With nothing open: an example, then buttons, then a person (C9)."""
        turn.dialogue.failures += 1
        if turn.dialogue.failures >= 3:
            turn.dialogue.failures = 0
            turn.open(PERSON, reason="not_understood")
            return
        turn.say("not_understood" if turn.dialogue.failures == 1 else "not_understood_menu")

    async def _begun(self, turn: Turn, frame: Frame, flow: Flow) -> bool:
        """Start a frame that is new: its own beginning, then whatever the first message gives for it (C1)."""
        if frame.memory.get("begun"):
            return True
        frame.memory["begun"] = True
        await flow.begin(turn, frame)
        if turn.dialogue.active is not frame:
            return False
        if frame.asked is None:
            await self._asking.take_all(turn, frame, flow)
        return True

    async def _offer_back(self, turn: Turn, frame: Frame, flow: Flow) -> None:
        """Something was interrupted and waits: offer it (C3), or put its question again."""
        if flow.parks:
            resume = turn.open("resume")
            resume.memory["begun"] = True
            await self.flows["resume"].begin(turn, resume)
            return
        await self._asking.ask_again(turn, frame, flow, short=True)

    async def go_on(self, turn: Turn, frame: Frame) -> None:
        """Take up a parked frame: put its question again."""
        turn.dialogue.drop(frame)
        turn.dialogue.stack.append(frame)
        frame.tries, frame.touched = 0, turn.work.now.isoformat()
        await self._asking.ask_again(turn, frame, self.flows[frame.flow], short=False)

    async def offer_parked(self, turn: Turn) -> None:
        """After a person had the conversation: offer what was interrupted, or put its question again (C15)."""
        self._expire(turn)
        frame = turn.dialogue.active
        if frame is None:
            return
        if self.flows[frame.flow].parks:
            turn.open("resume")
            await self.advance(turn)
        else:
            await self.go_on(turn, frame)

    def _expire(self, turn: Turn) -> None:
        """Frames that waited longer than a day are dropped: old answers are never used again. So are those of flows
        that this version of the product does not have."""
        oldest = turn.work.now - turn.world.figures.parked
        turn.dialogue.stack = [
            frame
            for frame in turn.dialogue.stack
            if frame.flow in self.flows
            and (frame.flow == ALARM or not frame.touched or datetime.fromisoformat(frame.touched) >= oldest)
        ]


def _press_by_words(turn: Turn) -> None:
    """Saying or writing what a button says is pressing it, as long as it is on the screen."""
    if turn.command is not None or turn.incoming is None:
        return
    words = turn.text.strip(_EDGES).casefold()
    shown = [
        button for said in turn.dialogue.last for button in (said.get("payload") or {}).get("buttons", ())
    ]
    pressed = next((button for button in shown if words and button["title"].casefold() == words), None)
    if pressed is not None:
        turn.command = command_in(pressed["payload"])


def _yes_with_thanks(turn: Turn) -> None:
    """ "Good, thank you" is a yes while a question is open, and thanks when none is."""
    frame, understood = turn.dialogue.active, turn.understanding
    if frame is None or frame.asked is None or understood is None or understood.intent.name != "thank":
        return
    if understood.text.strip().lower().startswith(turn.wording.yes_words):
        turn.understanding = replace(understood, intent=replace(understood.intent, name="affirm"))


def choices_of(turn: Turn, intents: Sequence[str]) -> list[Button]:
    """Buttons that say wishes in words."""
    return [turn.button(f"wish_{intent}", intent) for intent in intents]
