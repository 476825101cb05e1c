"""The protocol an intent engine keeps, and the parser that joins engine, entities and the emergency net."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from nlu.understanding import Context, Emergency, Entity, Intent, Language, Understanding


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

    def judge(self, text: str, context: Context) -> Emergency | None:
        """The judgement, or None. Quick (under a millisecond or two), pure, never raises."""
        ...


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

    def __init__(self, engine: IntentEngine, net: Net, extractor: Extractor) -> None:
        self.engine = engine
        self.net = net
        self.extractor = extractor

    def judge(self, text: str, context: Context) -> Emergency | None:
        """Only the emergency net: what is asked before anything else."""
        return self.net.judge(text, context)

    async def classify(self, text: str) -> tuple[Intent, ...]:
        """Only the intents: they need no context, so a turn asks for them before it takes any lock."""
        return tuple(await self.engine.classify(text))

    def understand(self, text: str, context: Context, ranking: Sequence[Intent]) -> Understanding:
        """Put together what the engine said with what the words say in this context."""
        entities = tuple(self.extractor.extract(text, context))
        if _is_bare(text, entities):
            ranking = [replace(intent, confidence=intent.confidence * _BARE) for intent in ranking]
        return Understanding(
            text=text,
            intent=ranking[0],
            ranking=tuple(ranking),
            entities=entities,
            emergency=self.net.judge(text, context),
            language=language_of(text),
            engine=self.engine.name,
        )

    async def parse(self, text: str, context: Context) -> Understanding:
        """Everything at once."""
        return self.understand(text, context, await self.classify(text))
