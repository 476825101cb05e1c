"""Filling in: which question comes next, and what a message gives for the slots of a flow (C1, C2, C6, C9, C11)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from itertools import pairwise

from flows.declared import Ask, Filled, Flow, Given, Slot, Verdict
from flows.messages import Button, Said
from flows.state import CONFIRM, Frame
from flows.turn import Turn
from nlu.understanding import Entity, Understanding

_RIVAL_WORDS = 4  # characters beside the entity from which a message is more than an answer
_PERSON = "person"
_SHORT = 12  # characters of "the time is wrong"
_WRONG = re.compile(r"不对|错|有误|改|换|\b(?:wrong|change|incorrect)\b", re.IGNORECASE)


class Asking:
    """The part of the engine that asks and takes answers. Holds nothing; everything is in the frame."""

    # Asking

    async def ask_next(self, turn: Turn, frame: Frame, flow: Flow) -> bool:
        """Open the next question, or the read-back; False when everything is known."""
        for slot in flow.slots:
            if slot.name not in frame.slots and slot.when(turn, frame):
                if not await self._take_kept(turn, frame, flow, slot):
                    await self._ask(turn, frame, flow, slot)
                if frame.asked is not None:
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
            frame.parked = ""
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
        self._echo(turn, frame, flow)

    async def _read_back(self, turn: Turn, frame: Frame, flow: Flow) -> None:
        frame.memory.pop("taken", None)
        self._new_question(frame, CONFIRM)
        facts = await flow.facts(turn, frame)
        key = await flow.confirm_key(turn, frame)
        turn.say(key, spoken=await flow.spoken_facts(turn, frame), **facts)

    def _echo(self, turn: Turn, frame: Frame, flow: Flow) -> None:
        """Before the next question, what the last answer was taken for, unless the question names it anyway: whoever
        was misheard notices it at once."""
        taken: list[str] = frame.memory.pop("taken", [])
        named = [flow.echo(turn, frame, name) for name in dict.fromkeys(taken)]
        new = [one for one in named if one and not any(one in said.text for said in turn.said)]
        if new:
            question = turn.said.pop()
            turn.say("heard", what=turn.wording.listed(new))
            turn.said.append(question)

    def _new_question(self, frame: Frame, name: str) -> None:
        if frame.asked != name:
            frame.tries = 0
        frame.asked, frame.parked = name, ""

    def open_slot(self, flow: Flow, frame: Frame) -> Slot | None:
        """The slot whose question is open."""
        return next((slot for slot in flow.slots if slot.name == frame.asked), None)

    # Taking

    async def take_all(
        self, turn: Turn, frame: Frame, flow: Flow, *, besides: str | None = None, quiet: bool = False
    ) -> bool:
        """Everything the message gives for any slot, in any order (C1); one closer question at the most.

        What a slot `keeps` and cannot be judged yet, since it depends on another, is kept until that is filled.
        """
        taken = False
        for slot in flow.slots:
            if slot.name == besides or slot.name in frame.slots:
                continue
            taken |= await self._take(turn, frame, flow, slot, quiet=quiet)
            quiet = frame.memory.pop("refused", False) or quiet
            entity = turn.understanding.first(slot.entity) if turn.understanding and slot.entity else None
            waits = slot.keeps and slot.name not in frame.slots and frame.asked != slot.name
            if waits and entity is not None:
                frame.memory.setdefault("kept", {})[slot.name] = asdict(entity)
        return taken

    async def _take_kept(self, turn: Turn, frame: Frame, flow: Flow, slot: Slot) -> bool:
        """What was said for a slot before it could be judged. True: it is filled, or has asked its closer question."""
        kept = frame.memory.get("kept", {}).pop(slot.name, None)
        if kept is None:
            return False
        given = Given(entity=Entity(**kept), text=kept["text"])
        taken = self._judged(turn, frame, slot, await slot.judge(turn, frame, given))
        return frame.memory.pop("refused", False) or taken

    async def take_answer(self, turn: Turn, frame: Frame, flow: Flow) -> bool:
        """An answer to the open question first, then corrections and further slots. True: something was taken."""
        if turn.intent("skip") or (turn.command and turn.command.name == "skip"):
            return self._skip(turn, frame, flow)
        if frame.asked == CONFIRM:
            return await self._answer_read_back(turn, frame, flow)
        slot = self.open_slot(flow, frame)
        if slot is None:
            return False
        if slot.free and turn.command is None:
            return _is_correction(turn) and await self._take_more(turn, frame, flow, slot)
        if not await self._take(turn, frame, flow, slot, asked=True):
            if frame.memory.pop("refused", False):
                await self.take_all(turn, frame, flow, besides=slot.name, quiet=True)
                return True
            return await self._take_more(turn, frame, flow, slot)
        frame.asked = None
        await self._correct(turn, frame, flow, besides=slot.name)
        await self.take_all(turn, frame, flow, quiet=frame.asked is not None)
        return True

    async def _take_more(self, turn: Turn, frame: Frame, flow: Flow, slot: Slot) -> bool:
        """The open question was not answered, but something else was corrected or given: taken, and asked again."""
        corrected = await self._correct(turn, frame, flow, besides=slot.name)
        if frame.asked != slot.name:
            await self.take_all(turn, frame, flow, quiet=True)
            return True  # a correction that could not be taken asks its own closer question
        more = await self.take_all(turn, frame, flow, besides=None if corrected else slot.name)
        if frame.asked != slot.name:
            return True
        if slot.name in frame.slots:
            frame.asked = None
        elif corrected or more:
            if not any(flow.echo(turn, frame, name) for name in frame.memory.get("taken", [])):
                turn.say("changed" if corrected else "noted")  # else the question itself will tell what
            await self.ask_again(turn, frame, flow, short=True)
        return corrected or more

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
            await self.take_all(turn, frame, flow, quiet=frame.asked is not None)
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
        """ "Change the time", "the time is wrong": by button, or by a word that only that button's title has."""
        if turn.command is not None:
            wanted = turn.command.values.get("slot") if turn.command.name == "change" else None
            return next((slot for slot in flow.slots if slot.name == wanted), None)
        wrong = len(turn.text) <= _SHORT and _WRONG.search(turn.text) is not None
        if not wrong and not turn.intent("deny", "change_request"):
            return None
        held = [slot for slot in self._changeable(turn, frame, flow) if self._names_held(turn, frame, slot)]
        if len(held) == 1 and turn.intent("deny"):
            return held[0]  # "not at my home": just that is wrong
        words = {
            slot.name: _words(turn.world.replies.render(f"change_{slot.name}", turn.language).text)
            for slot in self._changeable(turn, frame, flow)
        }
        said = _words(turn.text)
        named = [name for name, own in words.items() if _only(own, name, words) & said]
        return next((slot for slot in flow.slots if [slot.name] == named), None)

    def _names_held(self, turn: Turn, frame: Frame, slot: Slot) -> bool:
        """Whether the message names the very value that a slot has."""
        entity = turn.understanding.first(slot.entity) if turn.understanding and slot.entity else None
        if entity is None:
            return False
        if isinstance(entity.value, dict) and entity.value.get("place") == "home":
            home, value = turn.home or {}, frame.slots.get(slot.name) or {}
            return all(value.get(part) == home.get(part) for part in ("building", "unit", "room"))
        return bool(entity.value == frame.slots.get(slot.name))

    def _changeable(self, turn: Turn, frame: Frame, flow: Flow) -> list[Slot]:
        return [
            slot
            for slot in flow.slots
            if frame.slots.get(slot.name) is not None
            and slot.when(turn, frame)
            and turn.world.replies.has(f"change_{slot.name}", turn.language)
        ]

    def _changes(self, turn: Turn, frame: Frame, flow: Flow) -> list[Button]:
        names = [slot.name for slot in self._changeable(turn, frame, flow)]
        return [
            # Three choices at most: what it is about is the last thing that people want otherwise.
            *(turn.button(f"change_{name}", "change", slot=name) for name in names[max(0, len(names) - 2) :]),
            turn.button("button_leave", "stop"),
        ]

    async def _correct(self, turn: Turn, frame: Frame, flow: Flow, besides: str | None) -> bool:
        """A new value for a slot that has one: it changes, what depended on it is asked again (C2)."""
        changed = False
        for slot in flow.slots:
            if slot.name == besides or frame.slots.get(slot.name) is None or slot.free:
                continue
            before = frame.slots[slot.name]
            taken = await self._take(turn, frame, flow, slot, instead_of=before)
            if taken and frame.slots.get(slot.name) != before:
                for name in slot.resets:
                    frame.slots.pop(name, None)
                frame.memory.pop("confirmed", None)
                changed = True
            elif frame.memory.pop("refused", False):
                return True
        return changed

    async def _take(
        self,
        turn: Turn,
        frame: Frame,
        flow: Flow,
        slot: Slot,
        *,
        asked: bool = False,
        instead_of: object = None,
        quiet: bool = False,
    ) -> bool:
        given = self._given(turn, slot, asked, instead_of)
        if given is None:
            return False
        verdict = await slot.judge(turn, frame, given)
        if quiet and isinstance(verdict, Ask):
            return False
        return self._judged(turn, frame, slot, verdict)

    def _judged(self, turn: Turn, frame: Frame, slot: Slot, verdict: Verdict) -> bool:
        if isinstance(verdict, Filled):
            if frame.slots.get(slot.name) != verdict.value:
                frame.memory["taken"] = [*frame.memory.get("taken", []), slot.name]
            frame.slots[slot.name] = verdict.value
            frame.memory.get("kept", {}).pop(slot.name, None)
            return True
        if isinstance(verdict, Ask):
            # The slot's own closer question: the value that was there, if any, no longer holds.
            self._forget(frame, slot)
            self._new_question(frame, slot.name)
            frame.memory["refused"] = True
            turn.say(verdict.reply, buttons=verdict.buttons, spoken=verdict.spoken, **verdict.facts)
            if verdict.offers is not None:
                turn.offer(verdict.offers)
        return False

    def _given(self, turn: Turn, slot: Slot, asked: bool, instead_of: object = None) -> Given | None:
        if turn.command is not None:
            if slot.name in turn.command.values:
                value = turn.command.values[slot.name]
                return Given(value=value, text=value if isinstance(value, str) else "", asked=asked)
            return Given(text="", value=turn.command.name, asked=True) if asked and slot.choices else None
        picture = turn.incoming is not None and turn.incoming.kind == "image"
        if picture and slot.entity == "picture" and turn.incoming is not None:
            return Given(value=dict(turn.incoming.data), asked=asked)
        if turn.understanding is None:
            return None
        entity = _entity(turn.understanding, slot, instead_of)
        if entity is None and not asked:
            return None
        return Given(entity=entity, text=turn.text, asked=asked)

    def _skip(self, turn: Turn, frame: Frame, flow: Flow) -> bool:
        """Leave one optional question out (C6)."""
        slot = self.open_slot(flow, frame)
        if slot is None:
            return False
        if not slot.optional:
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
        elif frame.tries == 1:
            turn.say("not_caught")
            await self.ask_again(turn, frame, flow, short=True)
        else:
            turn.say(
                "still_unclear",
                buttons=[turn.button("button_person", "ask_human"), turn.button("button_leave", "stop")],
            )
            turn.offer("ask_human")


def _entity(understanding: Understanding, slot: Slot, instead_of: object) -> Entity | None:
    """The entity that a slot takes; of several the last that says something new, where a value is corrected (C2)."""
    if slot.entity is None:
        return None
    if instead_of is None:
        return understanding.first(slot.entity)
    named = understanding.all(slot.entity)
    return next((entity for entity in reversed(named) if entity.value != instead_of), next(iter(named), None))


def _words(text: str) -> set[str]:
    """The words of a text: Latin words, and pairs of Chinese characters."""
    latin = re.findall(r"[a-z]{3,}", text.lower())
    return {*latin, *(pair for pair in map("".join, pairwise(text)) if not pair.isascii())}


def _only(own: set[str], name: str, words: Mapping[str, set[str]]) -> set[str]:
    """Of a slot's words those that no other slot has."""
    return own.difference(*(others for other, others in words.items() if other != name))


def _is_correction(turn: Turn) -> bool:
    """Whether free words put something right; else a time or a place in them is part of what is being told."""
    entities = turn.understanding.entities if turn.understanding else ()
    return turn.intent("change_request") or any(entity.extra.get("instead_of") for entity in entities)


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
