"""Filling in: which question comes next, and what a message gives for the slots of a flow (C1, C2, C6, C9, C11)."""

from __future__ import annotations

from collections.abc import Iterable

from flows.declared import Ask, Filled, Flow, Given, Slot
from flows.messages import Button, Said
from flows.state import CONFIRM, Frame
from flows.turn import Turn

_RIVAL_WORDS = 4  # characters beside the entity from which a message is more than an answer
_PERSON = "person"


class Asking:
    """The part of the engine that asks and takes answers. Holds nothing; everything is in the frame."""

    # Asking

    async def ask_next(self, turn: Turn, frame: Frame, flow: Flow) -> bool:
        """Open the next question, or the read-back; False when everything is known."""
        for slot in flow.slots:
            if slot.name not in frame.slots and slot.when(turn, frame):
                await self._ask(turn, frame, flow, slot)
                return True
        if flow.confirms and not frame.memory.get("confirmed"):
            await self._read_back(turn, frame, flow)
            return True
        return False

    async def ask_again(self, turn: Turn, frame: Frame, flow: Flow, *, short: bool) -> None:
        """Put the open question again, in shorter words after a digression (C4)."""
        if frame.asked == CONFIRM:
            await self._read_back(turn, frame, flow)
            return
        slot = self.open_slot(flow, frame)
        if slot is None:
            turn.said.extend(_remembered(turn, frame))
            return
        await self._ask(turn, frame, flow, slot, ending="_short" if short else "")

    async def _ask(self, turn: Turn, frame: Frame, flow: Flow, slot: Slot, ending: str = "") -> None:
        key = flow.ask_key(turn, frame, slot)
        if ending and turn.world.replies.has(key + ending, turn.language):
            key += ending
        buttons = list(await slot.choices(turn, frame)) if slot.choices else []
        if slot.optional and buttons:
            buttons = [*buttons[:2], turn.button("button_skip", "skip")]
        self._new_question(frame, slot.name)
        facts = await flow.facts(turn, frame)
        turn.say(key, buttons=buttons, spoken=await flow.spoken_facts(turn, frame), **facts)

    async def _read_back(self, turn: Turn, frame: Frame, flow: Flow) -> None:
        self._new_question(frame, CONFIRM)
        facts = await flow.facts(turn, frame)
        turn.say(f"{flow.name}_confirm", spoken=await flow.spoken_facts(turn, frame), **facts)

    def _new_question(self, frame: Frame, name: str) -> None:
        if frame.asked != name:
            frame.tries = 0
        frame.asked = name

    def open_slot(self, flow: Flow, frame: Frame) -> Slot | None:
        """The slot whose question is open."""
        return next((slot for slot in flow.slots if slot.name == frame.asked), None)

    # Taking

    async def take_all(self, turn: Turn, frame: Frame, flow: Flow) -> bool:
        """Everything the message gives for any slot, in any order (C1)."""
        taken = False
        for slot in flow.slots:
            if slot.name not in frame.slots:
                taken |= await self._take(turn, frame, flow, slot)
                if frame.memory.pop("refused", False):
                    return taken
        return taken

    async def take_answer(self, turn: Turn, frame: Frame, flow: Flow) -> bool:
        """An answer to the open question first, then corrections and further slots. True: something was taken."""
        if turn.intent("skip") or (turn.command and turn.command.name == "skip"):
            return self._skip(turn, frame, flow)
        if frame.asked == CONFIRM:
            return await self._answer_read_back(turn, frame, flow)
        slot = self.open_slot(flow, frame)
        if slot is None:
            return False
        answered = False
        if not slot.free or turn.command is not None:
            answered = await self._take(turn, frame, flow, slot, asked=True)
            if frame.memory.pop("refused", False):
                return True
        corrected = await self._correct(turn, frame, flow, besides=slot.name)
        if frame.asked != slot.name:
            return True  # a correction that could not be taken asks its own closer question
        if answered:
            frame.asked = None
            await self.take_all(turn, frame, flow)
        elif corrected:
            await self.take_all(turn, frame, flow)
            if slot.name in frame.slots or frame.asked is None:
                frame.asked = None
            else:
                turn.say("changed")
                await self.ask_again(turn, frame, flow, short=True)
        return answered or corrected

    async def take_anything(self, turn: Turn, frame: Frame, flow: Flow) -> bool:
        """Free words for a slot that takes any; a plain no to an optional one skips it."""
        slot = self.open_slot(flow, frame)
        if slot is None:
            return False
        if slot.optional and turn.intent("deny"):
            return self._skip(turn, frame, flow)
        if not slot.free or not turn.text:
            return False
        if await self._take(turn, frame, flow, slot, asked=True):
            frame.asked = None
            return True
        return bool(frame.memory.pop("refused", False))

    def is_mostly_answer(self, turn: Turn, frame: Frame, flow: Flow) -> bool:
        """Whether the message is hardly more than an entity that the open question wants."""
        slot = self.open_slot(flow, frame)
        if slot is None or turn.understanding is None or slot.entity is None:
            return False
        covered = sum(entity.end - entity.start for entity in turn.understanding.all(slot.entity))
        return covered > 0 and len(turn.text) - covered < _RIVAL_WORDS

    async def _answer_read_back(self, turn: Turn, frame: Frame, flow: Flow) -> bool:
        if await self._correct(turn, frame, flow, besides=None):
            if frame.asked == CONFIRM:
                frame.asked = None  # read back anew, with the change
            return True
        if turn.intent("affirm"):
            frame.memory["confirmed"] = True
            frame.asked = None
            return True
        named = self._named_slot(turn, frame, flow)
        if named is not None:
            self._forget(frame, named)
            frame.asked = None
            return True
        if turn.intent("deny", "change_request"):
            turn.say("what_is_wrong", buttons=self._changes(turn, frame, flow))
            frame.tries = 0
            return True
        return False

    def _named_slot(self, turn: Turn, frame: Frame, flow: Flow) -> Slot | None:
        """ "Change the time": by button."""
        if turn.command is None or turn.command.name != "change":
            return None
        return next((slot for slot in flow.slots if slot.name == turn.command.values.get("slot")), None)

    def _changes(self, turn: Turn, frame: Frame, flow: Flow) -> list[Button]:
        names = [
            slot.name
            for slot in flow.slots
            if frame.slots.get(slot.name) is not None
            and turn.world.replies.has(f"change_{slot.name}", turn.language)
        ]
        return [
            *(turn.button(f"change_{name}", "change", slot=name) for name in names[:2]),
            turn.button("button_leave", "stop"),
        ]

    async def _correct(self, turn: Turn, frame: Frame, flow: Flow, besides: str | None) -> bool:
        """A new value for a slot that has one: it changes, what depended on it is asked again (C2)."""
        changed = False
        for slot in flow.slots:
            if slot.name == besides or frame.slots.get(slot.name) is None or slot.free:
                continue
            before = frame.slots[slot.name]
            if await self._take(turn, frame, flow, slot) and frame.slots.get(slot.name) != before:
                for name in slot.resets:
                    frame.slots.pop(name, None)
                frame.memory.pop("confirmed", None)
                changed = True
            elif frame.memory.pop("refused", False):
                return True
        return changed

    async def _take(self, turn: Turn, frame: Frame, flow: Flow, slot: Slot, asked: bool = False) -> bool:
        given = self._given(turn, slot, asked)
        if given is None:
            return False
        verdict = await slot.judge(turn, frame, given)
        if isinstance(verdict, Filled):
            frame.slots[slot.name] = verdict.value
            return True
        if isinstance(verdict, Ask):
            # The slot's own closer question: the value that was there, if any, no longer holds.
            self._forget(frame, slot)
            self._new_question(frame, slot.name)
            frame.memory["refused"] = True
            turn.say(verdict.reply, buttons=verdict.buttons, spoken=verdict.spoken, **verdict.facts)
        return False

    def _given(self, turn: Turn, slot: Slot, asked: bool) -> Given | None:
        if turn.command is not None:
            if slot.name in turn.command.values:
                return Given(value=turn.command.values[slot.name], text=turn.text, asked=asked)
            return Given(text="", value=turn.command.name, asked=True) if asked and slot.choices else None
        picture = turn.incoming is not None and turn.incoming.kind == "image"
        if picture and slot.entity == "picture" and turn.incoming is not None:
            return Given(value=dict(turn.incoming.data), asked=asked)
        if turn.understanding is None:
            return None
        entity = turn.understanding.first(slot.entity) if slot.entity else None
        if entity is None and not asked:
            return None
        return Given(entity=entity, text=turn.text, asked=asked)

    def _skip(self, turn: Turn, frame: Frame, flow: Flow) -> bool:
        """Leave one optional question out (C6)."""
        slot = self.open_slot(flow, frame)
        if slot is None or not slot.optional:
            turn.say("cannot_skip")
            return True
        frame.slots[slot.name] = None
        frame.asked = None
        return True

    def _forget(self, frame: Frame, slot: Slot) -> None:
        for name in (slot.name, *slot.resets):
            frame.slots.pop(name, None)
        frame.memory.pop("confirmed", None)

    # Not understood (C9)

    async def not_understood(self, turn: Turn, frame: Frame, flow: Flow) -> None:
        """Rephrased with an example, then a short list, then a person; never the same words twice."""
        frame.tries += 1
        if frame.tries >= 3:
            turn.open(_PERSON, reason="not_understood")
            return
        slot = self.open_slot(flow, frame)
        if frame.asked == CONFIRM or slot is None:
            turn.say("yes_or_no" if frame.tries == 1 else "yes_or_no_buttons")
            return
        key = flow.ask_key(turn, frame, slot)
        again = f"{key}_again"
        choices = list(await slot.choices(turn, frame)) if slot.choices else []
        facts = await flow.facts(turn, frame)
        if frame.tries == 1 and turn.world.replies.has(again, turn.language):
            turn.say(again, buttons=choices, **facts)
        elif choices:
            turn.say("choose_one", buttons=choices)
        else:
            turn.say(
                "still_unclear",
                buttons=[turn.button("button_person", "ask_human"), turn.button("button_leave", "stop")],
            )


def _remembered(turn: Turn, frame: Frame) -> Iterable[Said]:
    """The question of a flow that asks in its own words: what it said last, from its memory."""
    question = frame.memory.get("question")
    if not question:
        return ()
    return (
        Said(
            text=question["text"],
            speech=question.get("speech"),
            buttons=tuple(Button(**button) for button in question.get("buttons", ())),
        ),
    )
