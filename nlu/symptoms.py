"""What hurts or threatens, in a word for the officer who reads the card: 胸口疼, 摔倒, 煤气味 (U1).

Names signs only; whether a message is a cry for help is judged by `nlu.emergency`, apart from this.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from nlu.numbers import fold, pattern
from nlu.understanding import EMERGENCY_KINDS, Entity

FILE = Path(__file__).with_name("symptoms.yml")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORD = re.compile(r"\{([a-z]+)\}")
_DENIED = pattern(
    r"(?:不是|没有|没|不会|别|未|无|冇|并不|不再|不怎么|没再|没怎么|不像|(?<!差)不|no|not|n't|without|never|isn't|no sign of)\s?(?:再|怎么|什么|啥|的|any|a|the|was|been)?\s?$"
)
_INSIDE = pattern(r"不(?:太|怎么|咋)?(?:疼|痛|晕|昏|闷|麻|难受|慌)")
_OVER = pattern(r"[了]?(?:好多了|不疼了|好了|没了)")
_NEAR = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """One sign of the table."""

    key: str  # the entity's value
    kind: str  # one of EMERGENCY_KINDS
    name: Mapping[str, str]  # what staff read, by language
    chinese: re.Pattern[str]  # how people say it
    english: re.Pattern[str] | None  # the same in English


class SymptomTableError(ValueError):
    """The table of signs cannot be read: a kind that does not exist, or a block that is not there."""


@cache
def load_symptoms(file: Path = FILE) -> Mapping[str, Symptom]:
    """The table by key, in its order. Raises SymptomTableError."""
    with file.open(encoding="utf-8") as stream:
        table: dict[str, Any] = yaml.load(stream, Loader=_LOADER)  # noqa: S506  a safe loader, see there
    blocks: dict[str, str] = table["words"]
    found = {}
    for key, entry in table["symptoms"].items():
        if entry["kind"] not in EMERGENCY_KINDS:
            raise SymptomTableError(f"{key}: no kind of emergency is called {entry['kind']!r}")
        says = [_expanded(key, source, blocks) for source in entry["says"]]
        latin = [source for source in says if source.isascii()]
        found[key] = Symptom(
            key=key,
            kind=entry["kind"],
            name=entry["name"],
            chinese=pattern("|".join(source for source in says if not source.isascii())),
            english=pattern(rf"(?<![a-z])(?:{'|'.join(latin)})(?![a-z])") if latin else None,
        )
    return found


def _expanded(key: str, source: str, blocks: Mapping[str, str]) -> str:
    def block(match: re.Match[str]) -> str:
        if match[1] not in blocks:
            raise SymptomTableError(f"{key}: there is no block {{{match[1]}}}")
        return _expanded(key, blocks[match[1]], blocks)

    return _WORD.sub(block, source)


def find_symptoms(text: str) -> list[Entity]:
    """The signs named in a message, in its order, none overlapping; value is the key, `extra["kind"]` the kind of
    emergency it belongs to. What is denied is no sign. Never raises."""
    folded = fold(text)
    latin = any("a" <= character <= "z" for character in folded)
    hits: list[tuple[int, int, Symptom]] = []
    for symptom in load_symptoms().values():
        forms = (None if folded.isascii() else symptom.chinese, symptom.english if latin else None)
        for form in forms:
            if form is not None:
                hits += [
                    (match.start(), match.end(), symptom)
                    for match in form.finditer(folded)
                    if match.end() > match.start() and _stands(folded, match.start(), match.end())
                ]
    # the longer one first; of one length, the table's order, which has the graver ones first
    hits.sort(key=lambda hit: -(hit[1] - hit[0]))
    kept: list[tuple[int, int, Symptom]] = []
    for start, end, symptom in hits:
        if all(start >= last or end <= first for first, last, _ in kept):
            kept.append((start, end, symptom))
    kept.sort(key=lambda hit: hit[0])
    return [
        Entity(
            entity="symptom",
            value=symptom.key,
            text=text[start:end],
            start=start,
            end=end,
            extra={"kind": symptom.kind},
        )
        for start, end, symptom in kept
    ]


def _stands(folded: str, start: int, end: int) -> bool:
    if _DENIED.search(folded, max(0, start - _NEAR), start) or _INSIDE.search(folded, start, end):
        return False
    return not _OVER.match(folded, end)
