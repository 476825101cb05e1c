"""How a flow is declared: its slots, what it reads back, what it does. The patterns C1–C16 are the engine's."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flows.messages import Button
from flows.state import Frame
from flows.turn import Turn
from nlu.understanding import Entity


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a message offers for a slot."""

    entity: Entity | None = None  # the entity that the slot takes, if there was one
    text: str = ""  # the whole message
    value: Any = None  # what a pressed button carries
    asked: bool = False  # this slot's question is the open one


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The slot has its value (JSON)."""

    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Not yet: say this instead, and keep the slot's question open (a refusal with its reason, or a closer question)."""

    reply: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    spoken: Mapping[str, Any] | None = None
    buttons: tuple[Button, ...] = ()
    offers: str | None = None  # the wish that a yes to it means, e.g. ask_human


Verdict = Filled | Ask | None
"""None: nothing here for this slot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One fact that a flow needs."""

    name: str
    ask: str  # reply key of its question; `<ask>_again` rephrases it with an example, `<ask>_short` puts it shortly
    judge: Callable[[Turn, Frame, Given], Awaitable[Verdict]]  # what a message gives for it
    entity: str | None = None  # which entity may fill it without being asked for
    free: bool = False  # any words will do: asked last whether a message was something else
    optional: bool = False
    keeps: bool = False  # what is said for it before it can be judged is remembered (C1)
    when: Callable[[Turn, Frame], bool] = lambda turn, frame: True  # asked only if so
    choices: Callable[[Turn, Frame], Awaitable[Sequence[Button]]] | None = None  # at most three
    resets: tuple[str, ...] = ()  # what has to be asked again when this changes (C2)


class Flow:
    """One thing the bot can do. Subclasses declare; the engine converses."""

    name: str
    intents: tuple[str, ...] = ()  # which begin it
    slots: tuple[Slot, ...] = ()
    confirms: bool = False  # read back and confirmed before it exists (C11): reply `<name>_confirm`
    open_to_strangers: bool = True  # False: the first meeting (F13) comes before
    parks: bool = True  # worth offering back after an interruption (C3)
    light: bool = False  # only a question about going on: it makes way for whatever comes next
    own_silence: bool = False  # it has a clockwork of its own for questions that nobody answers (C10)
    pictures: bool = False  # a picture or a place on the map belongs to it, whatever is being asked (C16)
    called_by: re.Pattern[str] | None = (
        None  # whole messages that begin it whatever intent they look like and whatever is open
    )

    async def claims(self, turn: Turn) -> bool:
        """Whether words said with nothing open are this flow's whatever their intent, since of what came before them:
        "it still leaks" a day after a repair. Asked of every message, so look at the words before the database."""
        return False

    async def begin(self, turn: Turn, frame: Frame) -> None:
        """Called once when the flow starts, before its first question; may fill slots or say something."""

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        """A chance to take a message before the patterns do. True: dealt with, the engine goes on with `advance`."""
        return False

    def ask_key(self, turn: Turn, frame: Frame, slot: Slot) -> str:
        """The reply that asks for a slot; a flow whose questions depend on content overrides it."""
        return slot.ask

    async def confirm_key(self, turn: Turn, frame: Frame) -> str:
        """The reply that reads back; a flow that reads back differently at times overrides it."""
        return f"{self.name}_confirm"

    def echo(self, turn: Turn, frame: Frame, slot: str) -> str:
        """What a slot was just filled with, in words, where the next question does not name it; "" for nothing."""
        return ""

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        """What the read-back `<name>_confirm` and the questions may name."""
        return {}

    async def spoken_facts(self, turn: Turn, frame: Frame) -> dict[str, Any] | None:
        """The facts that are spoken otherwise than written."""
        return None

    def title(self, turn: Turn, frame: Frame) -> str:
        """What it is, in two or three words, for "shall we go on with …" """
        return turn.world.replies.render(f"{self.name}_title", turn.language).text

    async def run(self, turn: Turn, frame: Frame) -> bool:
        """Everything is known (and confirmed): do it and say so (C13). True: finished. False: it turned out
        impossible; the flow has emptied the slot in question (`frame.slots.pop`) and said why, or asks again."""
        return True

    async def stale(self, turn: Turn, frame: Frame) -> Sequence[str]:
        """The slots that no longer hold when it is taken up again: times that were said on another day (C10)."""
        if not frame.touched:
            return ()
        said = datetime.fromisoformat(frame.touched).astimezone(turn.work.zone).date()
        if said == turn.now.date():
            return ()
        times = [slot.name for slot in self.slots if slot.entity == "time"]
        for name in times:
            frame.memory.get("kept", {}).pop(name, None)
        return times

    async def cancelled(self, turn: Turn, frame: Frame) -> None:
        """The person left (C5): say what was not done."""
        turn.say(f"{self.name}_cancelled")


class Aside:
    """Something answered in place, whatever is open: knowledge, small talk, thanks (C4)."""

    intents: tuple[str, ...] = ()

    async def answer(self, turn: Turn) -> None:
        """Say the answer. Never opens a question of its own."""
        raise NotImplementedError
