"""What every flow may use beside the conversation itself: replies, catalogue, places, knowledge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from data.content import Clocks, Fault, Service, SharedPlace
from flows.replies import Replies
from flows.wording import Wording
from nlu.encoder import Encoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One piece of knowledge that answers a question (F8)."""

    id: str  # name of the entry
    score: float  # 0 to about 1, how well it fits
    title: str  # what it answers, in plain words and in the language asked for
    answer: str  # in the language asked for
    source: str  # who says so
    date: str  # ISO date of the last check


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What the knowledge makes of a question: an answer, or up to three that may be meant, or neither (F8, U6)."""

    answer: Found | None = None
    choices: tuple[Found, ...] = ()  # best first


class Knowledge(Protocol):
    """Answers questions from the community's own knowledge."""

    def find(self, question: str, language: str, limit: int = 3) -> Sequence[Found]:
        """The entries that fit, best first; empty when none is near enough to be an answer."""
        ...

    def weigh(self, question: str, language: str) -> Weighed:
        """Whether to answer, to ask what is meant, or to say that it is not known."""
        ...

    def further(self, question: str, last: str, language: str) -> Found | None:
        """What a question that says only half ("and how much is it?") asks, after the entry `last` was told."""
        ...

    def among(self, words: str, ids: Sequence[str]) -> str | None:
        """Which of a few entries these words choose; None when they choose none of them plainly."""
        ...

    def entry(self, key: str, language: str) -> Found | None:
        """An entry by its name."""
        ...

    def told(self, texts: Sequence[str], language: str) -> str | None:
        """The entry whose answer is among the texts that were said."""
        ...

    def learn(self, encoder: Encoder, cache: Path) -> None:
        """Find by meaning from now on. Blocks, for seconds the first time; call it in a thread."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Numbers a community may want otherwise."""

    sure: float = 0.55  # from this confidence an intent is acted on
    close: float = 0.12  # two intents nearer than this are asked about (U6)
    parked: timedelta = timedelta(days=1)  # how long an interrupted flow waits
    undo: timedelta = timedelta(minutes=10)  # how long "not that after all" works (C12)
    silence: timedelta = timedelta(minutes=30)  # a question is repeated once in a chat (C10)
    voice_silence: timedelta = timedelta(seconds=20)  # and to a voice, from when it has been spoken (C10)
    acknowledge: timedelta = timedelta(seconds=60)  # alarm ladder, second rung (E5)
    breach: timedelta = timedelta(seconds=180)  # alarm ladder, last rung
    alarm_silence: timedelta = timedelta(seconds=45)  # no answer to an alarm's question: the level rises (E3)
    ask_again: tuple[timedelta, ...] = (timedelta(minutes=10), timedelta(minutes=20))  # check-in (K4)
    tell_family: timedelta = timedelta(minutes=30)
    visit: timedelta = timedelta(minutes=40)
    visit_within: timedelta = timedelta(minutes=60)  # deadline of the visit, from its creation
    medicine_again: timedelta = timedelta(minutes=15)  # "taken?" is asked again, and after as long told (F5)
    reminder_late: timedelta = timedelta(minutes=30)  # older ones are reported as missed (K7)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Content and figures; the same for every conversation, never changed while running."""

    replies: Replies
    services: Mapping[str, Service]
    faults: Mapping[str, Fault]
    places: Mapping[str, SharedPlace]
    clocks: Clocks
    knowledge: Knowledge
    figures: Figures = Figures()
    staff_urls: tuple[str, ...] = ()  # Apprise addresses told of every alarm
    sms_url: str | None = None  # Apprise address with {phone}
    wordings: Mapping[str, Wording] = field(default_factory=dict)  # by language

    def wording(self, language: str) -> Wording:
        """Dates, places and lists in the words of a language."""
        return self.wordings[language]
