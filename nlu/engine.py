"""The protocol an intent engine keeps, and the parser that joins engine, entities and the emergency net."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from nlu.emergency import Suspicion
from nlu.understanding import Context, Emergency, Entity, Intent, Language, Understanding

logger = logging.getLogger(__name__)


class IntentEngine(Protocol):
    """Says which intent a sentence has. Two keep it: `nlu.builtin` and `nlu.rasa`."""

    @property
    def name(self) -> str:
        """Which engine it is."""
        ...

    async def classify(self, text: str) -> Sequence[Intent]:
        """The intents, best first, at least one. Never raises for any text; never blocks the event loop."""
        ...


class Net(Protocol):
    """Judges whether a message is, or may be, a cry for help."""

    def judge(self, text: str, context: Context, suspicion: Suspicion | None = None) -> Emergency | None:
        """The judgement, or None. Quick (under a millisecond or two), pure, never raises.

        `suspicion` is what a second listener made of the words, where there is one and it has been asked.
        """
        ...


class SecondListener(Protocol):
    """Hears cries that no rule describes. `nlu.listener` keeps it."""

    async def hear(self, text: str) -> Suspicion | None:
        """What it makes of a message, from its words alone; None when it cannot say. Never blocks the event loop."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was learned from sentences says about a message: needs no context, so it is asked for before any lock."""

    ranking: tuple[Intent, ...]  # intents, best first, at least one
    suspicion: Suspicion | None = None  # of the second listener


class Extractor(Protocol):
    """Finds times, places, people … in a message."""

    def extract(self, text: str, context: Context) -> Sequence[Entity]:
        """The entities in the order of the text, spans cut from `text`. Never raises."""
        ...


def language_of(text: str) -> Language:
    """`en` when the message has Latin letters and no Chinese character, else `zh`."""
    if any("\u3400" <= character <= "\u9fff" for character in text):
        return "zh"
    return "en" if sum(character.isascii() and character.isalpha() for character in text) >= 2 else "zh"


_BARE = 0.3
"""What an intent is worth for a message that is only a place, a time or a number: it answers a question, and wants
nothing by itself. "1203" looks like 120 to an engine that knows letters only."""

_ANSWERS = frozenset({"place", "time", "phone", "count"})


def _is_bare(text: str, entities: Sequence[Entity]) -> bool:
    """Whether nothing is said beside places, times and numbers."""
    rest = list(text)
    for entity in entities:
        if entity.entity in _ANSWERS:
            rest[entity.start : entity.end] = " " * (entity.end - entity.start)
    letters = [character for character in rest if character.isalnum() and not character.isdigit()]
    return not letters and any(character.isalnum() for character in text)


class Parser:
    """Joins the net, the extractors and an engine; the net is asked first and apart from the engine (E1)."""

    def __init__(
        self, engine: IntentEngine, net: Net, extractor: Extractor, listener: SecondListener | None = None
    ) -> None:
        self.engine = engine
        self.net = net
        self.extractor = extractor
        self.listener = listener

    def judge(self, text: str, context: Context) -> Emergency | None:
        """Only the rules of the emergency net: what is asked before anything else."""
        return self.net.judge(text, context)

    async def read(self, text: str) -> Reading:
        """What engine and second listener say, side by side. Raises what the engine raises."""
        ranking, suspicion = await asyncio.gather(self.engine.classify(text), self._suspicion(text))
        return Reading(ranking=tuple(ranking), suspicion=suspicion)

    async def _suspicion(self, text: str) -> Suspicion | None:
        """A fault of the second listener costs its opinion, nothing else."""
        if self.listener is None:
            return None
        try:
            return await self.listener.hear(text)
        except Exception:
            logger.exception("the second listener failed")
            return None

    def understand(self, text: str, context: Context, reading: Reading) -> Understanding:
        """Put together what was learned with what the words say in this context."""
        ranking: Sequence[Intent] = reading.ranking
        entities = tuple(self.extractor.extract(text, context))
        if _is_bare(text, entities):
            ranking = [replace(intent, confidence=intent.confidence * _BARE) for intent in ranking]
        return Understanding(
            text=text,
            intent=ranking[0],
            ranking=tuple(ranking),
            entities=entities,
            emergency=self.net.judge(text, context, reading.suspicion),
            language=language_of(text),
            engine=self.engine.name,
        )

    async def parse(self, text: str, context: Context) -> Understanding:
        """Everything at once."""
        return self.understand(text, context, await self.read(text))
