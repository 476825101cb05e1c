"""Which questions follow an alarm of each kind, and which words count as an answer; read from `flows/emergency.yml`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from data.content_reading import plain_yaml
from data.errors import AnlinError
from nlu.understanding import EMERGENCY_KINDS

FILE = Path(__file__).parent / "emergency.yml"

Answer = Literal["yes", "no", "unknown"]
Who = Literal["self", "other"]
_LOOKED_FOR: tuple[Answer, ...] = ("no", "yes")  # the worse answer of most questions first


class EmergencyPlanInvalid(AnlinError):
    """flows/emergency.yml cannot be used: a kind without questions, or a pattern that is none."""

    code = "emergency_plan_invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The questions of every kind and the words that answer them."""

    asked: Mapping[str, Mapping[Who, Sequence[str]]]  # kind → who is in need → questions in order
    by_context: frozenset[str]  # rules of the net that only listen because a question of an alarm is open
    kinds: Mapping[str, re.Pattern[str]]  # what an answer to "what has happened?" is about
    signals: Mapping[str, str]  # signal type → the question asked first
    free: frozenset[str]  # questions that any words answer
    volunteered: frozenset[str]  # questions whose answer is taken unasked, when the message holds it
    worse: Mapping[str, Mapping[str, int]]  # question → answer → level from then on
    unless: Mapping[str, Mapping[str, str]]  # question → {other question: answer that makes it needless}
    answers: Mapping[str, Mapping[Answer, re.Pattern[str]]]  # question → what says yes, what says no
    bare: Mapping[Answer, re.Pattern[str]]  # a bare yes, no, or "I do not know"
    clear_no: re.Pattern[str]  # a clear no to "do you need help now?"
    clear_back: re.Pattern[str]  # the person's own words that an alarm was nothing (E8)
    whose: Mapping[Who, re.Pattern[str]]  # words that tell who is in need

    def depends_on_who(self, kind: str) -> bool:
        """Whether it has to be known who is in need."""
        return self.asked[kind]["self"] != self.asked[kind]["other"]

    def questions(self, kind: str, who: str | None) -> Sequence[str]:
        """The questions of a kind in order; as for the speaker while it is not known who is in need."""
        return self.asked[kind]["other" if who == "other" else "self"]

    def needless(self, question: str, facts: Mapping[str, Any]) -> bool:
        """Whether another answer already says it."""
        return any(facts.get(other) == answer for other, answer in self.unless.get(question, {}).items())

    def answer(self, question: str, text: str) -> Answer | None:
        """What words answer to a yes/no question, None when they do not."""
        words = text.lower().strip()
        if self.bare["unknown"].search(words):
            return "unknown"
        for answer in _LOOKED_FOR:
            own = self.answers.get(question, {}).get(answer)
            if self.bare[answer].search(words) or (own is not None and own.search(words)):
                return answer
        return None

    def kind(self, text: str) -> str | None:
        """The kind that an answer to "what has happened?" names, None when it names none."""
        words = text.lower()
        return next((kind for kind, pattern in self.kinds.items() if pattern.search(words)), None)

    def volunteered_answer(self, question: str, text: str) -> Answer | None:
        """What a message says to a question that was not put: only by the question's own words."""
        own, words = self.answers.get(question, {}), text.lower()
        return next((answer for answer in _LOOKED_FOR if answer in own and own[answer].search(words)), None)

    def who(self, text: str) -> Who | None:
        """Who is in need, as far as the words tell; None when they do not."""
        words = text.lower()
        if self.whose["other"].search(words):
            return "other"
        return "self" if self.whose["self"].search(words) else None


@lru_cache(maxsize=1)
def plan() -> Plan:
    """The plan of the product, read once. Raises EmergencyPlanInvalid."""
    return read(FILE)


def read(path: Path) -> Plan:
    """Read a plan. Raises EmergencyPlanInvalid naming what is wrong."""
    content = plain_yaml(path)
    try:
        asked = {kind: _by_person(content["questions"][kind]) for kind in EMERGENCY_KINDS}
        return Plan(
            asked=asked,
            by_context=frozenset(content["by_context"]),
            kinds={kind: _pattern(words) for kind, words in content["kinds"].items()},
            signals=content["signals"],
            free=frozenset(content["free"]),
            volunteered=frozenset(content["volunteered"]),
            worse=content["worse"],
            unless=content["unless"],
            answers={name: _patterns(words) for name, words in content["answers"].items()},
            bare=_patterns(content["bare"]),
            clear_no=_pattern(content["clear_no"]),
            clear_back=_pattern(content["clear_back"]),
            whose=_patterns(content["who"]),
        )
    except (KeyError, TypeError, re.error) as error:
        raise EmergencyPlanInvalid(f"{path.name}: {error!r}") from error


def _by_person(questions: Any) -> Mapping[Who, Sequence[str]]:
    if isinstance(questions, list):
        return {"self": questions, "other": questions}
    return {"self": questions["self"], "other": questions["other"]}


def _patterns(words: Mapping[Any, Sequence[str]]) -> Mapping[Any, re.Pattern[str]]:
    return {name: _pattern(patterns) for name, patterns in words.items()}


def _pattern(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
