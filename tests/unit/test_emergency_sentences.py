"""The sentences the second emergency listener learns from: their kinds, and that none is said twice or measured with."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from nlu import training_data
from nlu.understanding import EMERGENCY_KINDS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "nlu" / "training_emergency"
MEASURING = ROOT / "tests" / "data"
HARMLESS = "none"
CRIES_AT_LEAST = {
    "medical": 260,
    "fall": 160,
    "fire": 110,
    "gas": 70,
    "crime": 90,
    "trapped": 90,
    "missing": 70,
    "water": 60,
    "violence": 70,
    "self_harm": 80,
    "unknown": 60,
}
"""How many cries of a kind the listener needs to have met."""


def bare(sentence: str) -> str:
    """The sentence without marks, spaces and capitals: what makes two sentences the same."""
    return re.sub(r"[\W_]+", "", sentence).lower()


@pytest.fixture(scope="module")
def sentences() -> dict[str, tuple[str, list[str]]]:
    """File name → its kind and its sentences."""
    found = {}
    for file in sorted(FOLDER.glob("*.yml")):
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert set(document) == {"kind", "sentences"}, file.name
        found[file.stem] = (document["kind"], document["sentences"].split("\n"))
    return found


def test_kinds_are_known_and_a_file_is_named_for_its_kind(
    sentences: dict[str, tuple[str, list[str]]],
) -> None:
    for name, (kind, _) in sentences.items():
        assert kind == (HARMLESS if name.startswith("harmless_") else name)
    assert {kind for kind, _ in sentences.values()} == {*EMERGENCY_KINDS, HARMLESS}


def test_there_are_enough_of_each(sentences: dict[str, tuple[str, list[str]]]) -> None:
    counts: Counter[str] = Counter()
    for kind, lines in sentences.values():
        counts[kind] += len(lines)
    assert {k: counts[k] for k, least in CRIES_AT_LEAST.items() if counts[k] < least} == {}
    assert counts[HARMLESS] >= 1300
    assert len(sentences["harmless_talk"][1]) >= 450


def test_no_line_is_empty_or_padded(sentences: dict[str, tuple[str, list[str]]]) -> None:
    lines = [line for _, lines in sentences.values() for line in lines]
    assert [line for line in lines if not bare(line) or line != line.strip()] == []


def test_no_sentence_stands_twice(sentences: dict[str, tuple[str, list[str]]]) -> None:
    counts = Counter(bare(line) for _, lines in sentences.values() for line in lines)
    assert [line for line, n in counts.items() if n > 1] == []


def test_none_repeats_what_the_intents_learn_from(sentences: dict[str, tuple[str, list[str]]]) -> None:
    known = {bare(example.text) for example in training_data.load() if example.intent == "emergency"}
    assert [line for _, lines in sentences.values() for line in lines if bare(line) in known] == []


def test_none_is_measured_with(sentences: dict[str, tuple[str, list[str]]]) -> None:
    measured: set[str] = set()
    for file in MEASURING.glob("*.tsv"):
        with file.open(encoding="utf-8", newline="") as rows:
            measured |= {
                bare(row["text"])
                for row in csv.DictReader(rows, delimiter="\t", quoting=csv.QUOTE_NONE)
                if "text" in row
            }
    learned = [bare(line) for _, lines in sentences.values() for line in lines]
    assert sum(line in measured for line in learned) == 0  # a count: the measured words are not to be shown
