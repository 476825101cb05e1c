"""The protocol an intent engine keeps, and the parser that joins engine, entities and the emergency net."""

from __future__ import annotations

import logging
import re
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
"""What an intent is worth for a message that is only a place, a time or a number, or names a spot when "where?" was
asked: it answers a question, and wants nothing by itself. "1203" looks like 120 to an engine that knows letters only."""

_ANSWERS = frozenset({"place", "time", "phone", "count"})

_SPOT = re.compile(
    r"底下|下面|旁边|边上|后面|后头|后边|前面|前头|对面|门口|里面|里头|外面|外头|附近|那边|这边|那里|那儿|拐角|角落|中间|尽头|路口|楼下|楼上|隔壁"
    r"|^(?:at|in|by|near|behind|beside|under|opposite|outside|inside|next to|in front of) ",
    re.IGNORECASE,
)
"""What makes a few words a spot: 老锅炉房边上."""
_TELLS = re.compile(
    r"[了着没不要想请帮给让坏漏吵堵修打喊叫摔跑死火烟血吗呢怎谁哪什咋快救]|\b(?:is|are|was|has|please|help|can)\b",
    re.IGNORECASE,
)
"""What makes them more than that: something happened, or is wanted."""
_LONGEST_SPOT = 40


def _is_bare(text: str, entities: Sequence[Entity]) -> bool:
    """Whether nothing is said beside places, times and numbers."""
    rest = list(text)
    for entity in entities:
        if entity.entity in _ANSWERS:
            rest[entity.start : entity.end] = " " * (entity.end - entity.start)
    letters = [character for character in rest if character.isalnum() and not character.isdigit()]
    return not letters and any(character.isalnum() for character in text)


def _is_spot(text: str, entities: Sequence[Entity], context: Context) -> bool:
    """Whether words that answer "where?" name a spot in the person's own words and say nothing else."""
    if context.slot != "place" or len(text) > _LONGEST_SPOT or _TELLS.search(text):
        return False
    return _SPOT.search(text) is not None and not any(
        e.entity in ("fault", "service", "symptom") for e in entities
    )


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
        """What engine and second listener say. Raises what the engine raises; ask for the `suspicion` alone then.

        One after the other: side by side in one process they would only wait for each other (twice as long,
        measured), and the second finds the sentence's vector already worked out.
        """
        suspicion = await self.suspicion(text)
        return Reading(ranking=tuple(await self.engine.classify(text)), suspicion=suspicion)

    async def suspicion(self, text: str) -> Suspicion | None:
        """What the second listener says. A fault of it costs its opinion, nothing else."""
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
        if _is_bare(text, entities) or _is_spot(text, entities, context):
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
