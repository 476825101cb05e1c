"""What a sentence was taken to mean: the one shape that every engine gives and every flow reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

EMERGENCY_KINDS = (
    "medical",
    "fall",
    "fire",
    "gas",
    "crime",
    "trapped",
    "missing",
    "water",
    "violence",
    "self_harm",
    "unknown",
)
"""The kinds of `intents.md`, in the order in which a tie is settled."""

INTENTS = (
    "emergency",
    "emergency_cancel",
    "report_repair",
    "book_service",
    "check_status",
    "change_request",
    "cancel_request",
    "set_reminder",
    "list_reminders",
    "cancel_reminder",
    "feel_fine",
    "feel_unwell",
    "pause_checkin",
    "call_contact",
    "ask_human",
    "complain",
    "suggest",
    "ask_info",
    "rate_service",
    "volunteer",
    "greet",
    "goodbye",
    "thank",
    "affirm",
    "deny",
    "stop",
    "skip",
    "repeat",
    "slower",
    "louder",
    "help",
    "chitchat",
    "out_of_scope",
)
"""The label set, shared by training data, engines, flows and evaluation."""

Language = Literal["zh", "en"]

Expecting = Literal["emergency", "checkin", "confirm", "slot"]
"""What the bot just asked, as far as it changes what an utterance means: `emergency` after an alarm's question
(「不行」 is then a cry), `checkin` after "are you well?", `confirm` after a yes/no, `slot` after another question."""


def _refuse_naive(name: str, moment: datetime) -> None:
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError(f"{name} must carry a time zone, got {moment!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What an engine may know beside the words."""

    now: datetime  # aware, in the community's zone: relative times are counted from here
    expecting: Expecting | None = None  # the kind of question that is open
    slot: str | None = None  # with expecting == "slot": the entity the question wants ("time", "place", …)

    def __post_init__(self) -> None:
        _refuse_naive("now", self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One label and how sure the engine is of it."""

    name: str  # one of INTENTS
    confidence: float  # 0–1, calibrated: of the answers given with 0.8, eight in ten are right


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A stretch of the message that means a time, a place, a service …

    `text == message[start:end]` always holds, in the message as it was sent.
    """

    entity: str  # time, place, service, fault, person, phone, count, score, symptom, request_no
    value: Any  # JSON: the normalised value, in the forms of docs/interfaces ("Times and places")
    text: str  # the words it came from
    start: int  # offset of the first character in the message
    end: int  # offset after the last character
    extra: Mapping[str, Any] = field(
        default_factory=dict
    )  # e.g. a fault's part of the flat, a person's relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """The safety net's judgement. Absent when nothing in the message sounds like danger."""

    kind: str  # one of EMERGENCY_KINDS
    level: int  # 1–3: an alarm is raised at once; 4: ask "do you need help now?"
    confidence: float  # 0–1
    evidence: tuple[str, ...] = ()  # what spoke for it, in the message's own words or a rule's name
    suppressors: tuple[str, ...] = ()  # what spoke against it: negation, past, television, figure of speech …


@dataclass(frozen=True, slots=True, kw_only=True)
class Understanding:
    """Everything that was understood of one message."""

    text: str  # the message as it was sent
    intent: Intent  # the first of the ranking
    ranking: tuple[Intent, ...]  # best first; at least one
    entities: tuple[Entity, ...] = ()  # in the order of their place in the text
    emergency: Emergency | None = None
    language: Language = "zh"
    engine: str = "builtin"  # which engine chose the intent

    def first(self, name: str) -> Entity | None:
        """The first entity of that name, or None."""
        return next((entity for entity in self.entities if entity.entity == name), None)

    def all(self, name: str) -> tuple[Entity, ...]:
        """Every entity of that name, in the order of the text."""
        return tuple(entity for entity in self.entities if entity.entity == name)

    def confidence_in(self, name: str) -> float:
        """How sure the engine is that this message means that intent; 0 when it does not rank it."""
        return next((intent.confidence for intent in self.ranking if intent.name == name), 0.0)
