"""The conversation itself: which question is open, what a message does to it, and what is asked next.

The patterns C1–C16 live here once for all flows; a flow only declares itself. What a message means is in
`flows.meanings`, filling in is in `flows.asking`, what waits is in `flows.parked`, silence is in `flows.silence`,
messages without words are in `flows.wordless`, small conversations about going on are in `flows.patterns`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from data import residents
from flows import parked, silence, wordless
from flows.asking import Asking
from flows.declared import Aside, Flow
from flows.language import follow
from flows.meanings import Wishes, called_off, command_in, hear_plainly, refused
from flows.patterns import AllRight, Clarify, Offer, Resume, adjust_speech, repeat_last
from flows.state import CONFIRM, Frame
from flows.turn import Turn

__all__ = ["ALARM", "DOUBT", "MEETING", "PERSON", "Engine", "command_in"]

_STRONG = 0.7  # from here on another wish wins over an answer found in the same words
_SPEECH = ("slower", "louder")
_ABOUT_THE_PARKED = ("affirm", "deny", "go_on", "change_request")
"""What first words mean nothing without the question that was parked."""
ALARM, DOUBT, PERSON = "emergency", "emergency_doubt", "person"
MEETING, CONSENT = "meeting", "consent_again"
"""Flows that the engine itself calls for."""


class Engine:
    """Takes one message a turn and leaves the dialogue with at most one open question."""

    def __init__(self, flows: Sequence[Flow], asides: Sequence[Aside]) -> None:
        every: list[Flow] = [*flows, Resume(self), Clarify(self), Offer(self), AllRight(self)]
        self.flows: Mapping[str, Flow] = {flow.name: flow for flow in every}
        self._wishes = Wishes(
            flows=self.flows,
            by_intent={intent: flow for flow in every for intent in flow.intents},
            asides={intent: aside for aside in asides for intent in aside.intents},
        )
        self._called = [(flow.called_by, flow) for flow in every if flow.called_by is not None]
        self._claiming = [flow for flow in every if type(flow).claims is not Flow.claims]
        self._asking = Asking()

    # The way of a message

    async def step(self, turn: Turn) -> None:
        """A person's message: emergency first, then the open question, then a new wish."""
        parked.expire(self.flows, turn)
        if turn.incoming is not None and turn.incoming.kind == "silence":
            await silence.event(self, turn)
            return
        turn.dialogue.silences = 0
        follow(turn)
        hear_plainly(turn)
        if turn.dialogue.active is not None and not turn.dialogue.active.parked:
            turn.dialogue.active.touched = turn.work.now.isoformat()
        if (
            self._danger(turn) or turn.conversation.owner == "bot"
        ):  # else a person has it; the bot is silent (C15)
            await self._answer(turn)
        await silence.watch(self, turn)

    async def _answer(self, turn: Turn) -> None:
        if wordless.answered(turn, self.flows, self._asking):
            if not wordless.asks_itself(turn):
                await self.ask_again(turn)
            return
        await self.hear(turn)

    async def hear(self, turn: Turn) -> None:
        """Give the message to the open question, or to whatever it begins, and go on."""
        frame = turn.dialogue.active
        if frame is None:
            await self._nothing_open(turn)
        elif frame.parked:
            await self._came_back(turn, frame)
        else:
            await self._something_open(turn, frame)
        await self.advance(turn)

    async def start(self, turn: Turn, flow: str, **slots: object) -> Frame:
        """Begin a flow on the bot's own account (a check-in, a reminder's question) and ask its first question."""
        frame = turn.open(flow, **slots)
        await self.advance(turn)
        await silence.watch(self, turn)
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
            parked.make_room(self.flows, turn)
            turn.open(flow)
            return
        turn.dialogue.drop(frame)
        turn.dialogue.stack.append(frame)

    async def _something_open(self, turn: Turn, frame: Frame) -> None:
        flow = self.flows[frame.flow]
        if not await self._begun(turn, frame, flow) or turn.dialogue.active is not frame:
            return
        pressed = turn.command.name if turn.command is not None else None
        if pressed is not None and self._wishes.of_its_own(pressed, frame):
            await self._serve(turn, frame, pressed)
            return
        if await flow.hear(turn, frame):
            return
        if turn.dialogue.active is not frame:
            await self._next(turn)
            return
        called = self._calling(turn)
        if called is not None and called is not flow and frame.flow not in (ALARM, DOUBT, PERSON):
            await self._open(turn, called)
            return
        if await self._adjusted(turn, frame):
            return
        if self._leaves(turn, frame, flow):
            await self.leave(turn, frame)
            return
        if self._wants_person(turn):
            turn.open(PERSON, reason="asked")
            return
        await self._heard_by_slots(turn, frame, flow)

    async def _heard_by_slots(self, turn: Turn, frame: Frame, flow: Flow) -> None:
        """An answer to the question first; a sure wish that is no answer before that, an unsure one after it."""
        strong = self._wishes.other(turn, frame, _STRONG)
        if strong and not self._asking.is_mostly_answer(turn, frame, flow):
            await self._serve(turn, frame, strong)
            return
        if await self._asking.take_answer(turn, frame, flow):
            return
        weak = self._wishes.other(turn, frame, turn.world.figures.sure)
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

    def _leaves(self, turn: Turn, frame: Frame, flow: Flow) -> bool:
        no = turn.command is None and frame.asked != CONFIRM and refused(turn, frame, flow, self._asking)
        return turn.intent("stop") or no or called_off(turn, frame, flow)

    async def _next(self, turn: Turn) -> None:
        """The frame on top stepped aside: the message goes to what is below, or is taken as a new wish."""
        frame = turn.dialogue.active
        if frame is None:
            await self._nothing_open(turn)
        elif frame.parked:
            await self._came_back(turn, frame)
        else:
            await self._something_open(turn, frame)

    async def _came_back(self, turn: Turn, frame: Frame) -> None:
        """The first words after a flow was parked (C10): an answer to its question goes on with it, a wish is served
        and it is offered back afterwards, anything else is met with the offer."""
        flow = self.flows[frame.flow]
        answers = turn.command is not None or self._asking.is_mostly_answer(turn, frame, flow)
        if answers or self._leaves(turn, frame, flow):
            if await parked.take_up(self.flows, turn, frame):
                await self._asking.take_all(turn, frame, flow)
                return
            await self._something_open(turn, frame)
            return
        name, _ = self._wishes.new(turn)
        if self._calling(turn) is not None or (name is not None and name not in _ABOUT_THE_PARKED):
            await self._nothing_open(turn)
        if turn.dialogue.active is frame:
            turn.open("resume")

    async def _nothing_open(self, turn: Turn) -> None:
        called = self._calling(turn)
        if called is None and await self._adjusted(turn, None):
            return
        if (called := called or await self._claimed(turn)) is not None:
            turn.dialogue.failures = 0
            await self._open(turn, called)
            return
        name, options = self._wishes.new(turn)
        if name is None and not options:
            if turn.command is not None:
                turn.say("button_over")
            else:
                await self._not_understood(turn)
            return
        turn.dialogue.failures = 0
        if options:
            parked.make_room(self.flows, turn)
            turn.open("clarify").memory["options"] = options
        elif name is not None:
            await self.do(turn, name)

    def _calling(self, turn: Turn) -> Flow | None:
        """The flow that these words as a whole begin, whatever intent they look like."""
        if turn.command is not None or not turn.text:
            return None
        return next((flow for form, flow in self._called if form.fullmatch(turn.text)), None)

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
        flow, aside = self._wishes.by_intent.get(intent), self._wishes.asides.get(intent)
        if flow is not None:
            await self._open(turn, flow)
        elif aside is not None:
            await aside.answer(turn)
        else:
            await self._not_understood(turn)

    async def _open(self, turn: Turn, flow: Flow) -> None:
        parked.make_room(self.flows, turn)
        turn.open(flow.name)
        if flow.open_to_strangers:
            return
        if turn.resident is None:
            turn.open(MEETING).memory["leads_back"] = True
        elif CONSENT in self.flows and not await residents.up_to_date(turn.work, turn.resident.id):
            turn.open(CONSENT).memory["leads_back"] = True

    def waiting(self, turn: Turn) -> list[Frame]:
        """What was begun and is worth going on with, the newest first."""
        return parked.waiting(self.flows, turn)

    async def _serve(self, turn: Turn, frame: Frame, intent: str) -> None:
        """Another wish in the middle: knowledge is answered in place, a flow is put on top (C3, C4)."""
        if intent in self._wishes.by_intent:
            await self._open(turn, self._wishes.by_intent[intent])
            return
        await self._wishes.asides[intent].answer(turn)
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

    def _wants_person(self, turn: Turn) -> bool:
        return turn.intent("ask_human") and PERSON in self.flows

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
        """Take up a parked frame: put its question again, or ask anew what no longer holds."""
        if await parked.take_up(self.flows, turn, frame):
            await self.advance(turn)
            return
        await self._asking.ask_again(turn, frame, self.flows[frame.flow], short=False)

    async def offer_parked(self, turn: Turn) -> None:
        """After a person had the conversation: offer what was interrupted, or put its question again (C15)."""
        parked.expire(self.flows, turn)
        frame = turn.dialogue.active
        if frame is None:
            return
        if self.flows[frame.flow].parks:
            turn.open("resume")
            await self.advance(turn)
        else:
            await self.go_on(turn, frame)
        await silence.watch(self, turn)
