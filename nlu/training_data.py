"""The sentences both engines learn from: read from `nlu/training`, checked, and measured for variety.

The files are Rasa 3.1 `nlu:` YAML, one intent a file, so that a Rasa server trains from the very same sentences.
A block's `metadata.style` says how its sentences are spoken (plain, dialect, story …); engines ignore it, reports
use it. Run `python -m nlu.training_data` for the report.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from nlu.understanding import INTENTS

TRAINING_DIR = Path(__file__).parent / "training"

STYLES = ("plain", "short", "dialect", "story", "asr", "typo", "polite", "english")
"""How a sentence is spoken: everyday, three characters, dialect as people type it, elders' long stories,
recogniser homophones, typing slips, letters, English."""

ENTITIES = (
    "time",
    "place",
    "service",
    "fault",
    "person",
    "phone",
    "count",
    "score",
    "symptom",
    "request_no",
)
"""The entities that may be marked, those of `intents.md`."""

_MARK = re.compile(r"\[(?P<text>[^\[\]]+)\]\((?P<entity>[^()]*)\)")


class TrainingDataError(ValueError):
    """A training file cannot be used; the message names the file and the sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A stretch of a sentence marked as an entity."""

    entity: str  # one of ENTITIES
    start: int  # offset of the first character in the sentence without marks
    end: int  # offset after the last character


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One sentence and what it means."""

    text: str  # without marks
    intent: str  # one of INTENTS
    style: str  # one of STYLES
    marks: tuple[Mark, ...] = ()  # in the order of the text


@dataclass(frozen=True, slots=True, kw_only=True)
class Diversity:
    """How different the sentences of one intent are from each other."""

    intent: str  # one of INTENTS
    sentences: int  # how many
    fresh_grams: float  # distinct character 4-grams a sentence: low when a frame is repeated
    nearest: (
        float  # 0–1, mean Jaccard similarity of 2-grams with the nearest other sentence: high means copies
    )
    styles: Mapping[str, int]  # sentences a style


def strip_marks(line: str) -> tuple[str, tuple[Mark, ...]]:
    """`[明天](time)理发` → the sentence as it is said, and where its entities stand."""
    text, marks, position = "", [], 0
    for match in _MARK.finditer(line):
        text += line[position : match.start()]
        start = len(text)
        text += match["text"]
        marks.append(Mark(entity=match["entity"], start=start, end=len(text)))
        position = match.end()
    return text + line[position:], tuple(marks)


def load(directory: Path = TRAINING_DIR) -> tuple[Example, ...]:
    """Every sentence under `directory`, in the order of file names and lines.

    Raises TrainingDataError when a file is not what Rasa would accept, or `problems` finds something.
    """
    files = sorted(directory.glob("*.yml"))
    if not files:
        raise TrainingDataError(f"no training files (*.yml) in {directory}")
    examples = tuple(example for file in files for example in _read(file))
    if found := problems(examples):
        raise TrainingDataError(f"{directory}: " + "; ".join(found[:10]))
    return examples


def problems(examples: Sequence[Example]) -> list[str]:
    """What is wrong with the sentences as a whole; an empty list when nothing is."""
    found = [f"no sentence for {intent}" for intent in INTENTS if all(e.intent != intent for e in examples)]
    seen: dict[str, str] = {}
    for example in examples:
        if example.intent not in INTENTS:
            found.append(f"unknown intent {example.intent!r}")
        if example.style not in STYLES:
            found.append(f"unknown style {example.style!r} in {example.intent}")
        found.extend(
            f"unknown entity {mark.entity!r} in {example.text!r}"
            for mark in example.marks
            if mark.entity not in ENTITIES
        )
        if not example.text or "](" in example.text:
            found.append(f"empty sentence or broken mark in {example.intent}: {example.text!r}")
        if example.text in seen:
            found.append(f"{example.text!r} is in {seen[example.text]} and in {example.intent}")
        seen[example.text] = example.intent
    return found


def fingerprint(directory: Path = TRAINING_DIR) -> str:
    """A hash of the names and contents of the training files, in hexadecimal."""
    digest = hashlib.sha256()
    for file in sorted(directory.glob("*.yml")):
        content = file.read_bytes()
        digest.update(f"{file.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def diversity(examples: Sequence[Example]) -> tuple[Diversity, ...]:
    """The variety of each intent, in the order of INTENTS."""
    report = []
    for intent in INTENTS:
        own = [example for example in examples if example.intent == intent]
        if not own:
            continue
        fours = {gram for example in own for gram in _grams(example.text, 4)}
        report.append(
            Diversity(
                intent=intent,
                sentences=len(own),
                fresh_grams=len(fours) / len(own),
                nearest=_mean_nearest([_grams(example.text, 2) for example in own]),
                styles=dict(Counter(example.style for example in own)),
            )
        )
    return tuple(report)


def render(report: Iterable[Diversity]) -> str:
    """The report as a table for people."""
    lines = [f"{'intent':<18}{'n':>5}{'4-grams':>9}{'nearest':>9}  " + " ".join(f"{s:>7}" for s in STYLES)]
    total: Counter[str] = Counter()
    for row in report:
        total.update(row.styles)
        shares = " ".join(f"{row.styles.get(style, 0):>7}" for style in STYLES)
        lines.append(
            f"{row.intent:<18}{row.sentences:>5}{row.fresh_grams:>9.1f}{row.nearest:>9.2f}  {shares}"
        )
    shares = " ".join(f"{total[style] / max(total.total(), 1):>7.1%}" for style in STYLES)
    lines.append(f"{'all':<18}{total.total():>5}{'':>18}  {shares}")
    return "\n".join(lines)


def _read(file: Path) -> list[Example]:
    try:
        document: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TrainingDataError(f"{file.name}: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("nlu"), list):
        raise TrainingDataError(f"{file.name}: no `nlu:` list")
    examples = []
    for block in document["nlu"]:
        if not isinstance(block, dict) or "intent" not in block:
            continue  # synonyms, look-ups: Rasa's business
        style = (block.get("metadata") or {}).get("style", "plain")
        lines = block.get("examples")
        if not isinstance(lines, str):
            raise TrainingDataError(f"{file.name}: `examples` of {block['intent']} is not a text block")
        for line in lines.splitlines():
            if not line.startswith("- "):
                raise TrainingDataError(f"{file.name}: a line must begin with '- ': {line!r}")
            text, marks = strip_marks(line[2:].strip())
            examples.append(Example(text=text, intent=str(block["intent"]), style=str(style), marks=marks))
    return examples


def _grams(text: str, size: int) -> frozenset[str]:
    return frozenset(text[i : i + size] for i in range(max(1, len(text) - size + 1)))


def _mean_nearest(grams: Sequence[frozenset[str]]) -> float:
    if len(grams) < 2:
        return 0.0
    best = [0.0] * len(grams)
    for i, left in enumerate(grams):
        for j in range(i + 1, len(grams)):
            similarity = len(left & grams[j]) / len(left | grams[j])
            best[i] = max(best[i], similarity)
            best[j] = max(best[j], similarity)
    return sum(best) / len(best)


if __name__ == "__main__":
    sys.stdout.write(render(diversity(load())) + "\n")
