"""The training sentences: what both engines learn from, and the checks that keep them usable."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from nlu import training_data
from nlu.training_data import Example, Mark, TrainingDataError
from nlu.understanding import INTENTS

OWN_TEST = Path(__file__).parents[1] / "data" / "intents_own.tsv"

SMALL = {
    *("greet", "goodbye", "thank", "affirm", "deny", "stop", "skip", "repeat", "slower", "louder", "help"),
    *("list_reminders", "cancel_reminder", "pause_checkin", "emergency_cancel"),
}


@pytest.fixture(scope="module")
def examples() -> tuple[Example, ...]:
    return training_data.load()


def write(directory: Path, text: str) -> Path:
    (directory / "one.yml").write_text(text, encoding="utf-8")
    return directory


def test_every_intent_has_sentences_enough(examples: tuple[Example, ...]) -> None:
    counts = {row.intent: row.sentences for row in training_data.diversity(examples)}
    assert set(counts) == set(INTENTS)
    assert {i: n for i, n in counts.items() if n < (60 if i in SMALL else 120)} == {}


def test_a_file_holds_the_intent_it_is_named_for(examples: tuple[Example, ...]) -> None:
    assert {file.stem for file in training_data.TRAINING_DIR.glob("*.yml")} == set(INTENTS)
    for file in training_data.TRAINING_DIR.glob("*.yml"):
        assert set(re.findall(r"- intent: (\w+)", file.read_text(encoding="utf-8"))) == {file.stem}


def test_sentences_are_really_different(examples: tuple[Example, ...]) -> None:
    for row in training_data.diversity(examples):
        assert row.nearest < 0.35, f"{row.intent} repeats itself"


def test_every_intent_is_spoken_in_dialect_and_english_and_badly_recognised(
    examples: tuple[Example, ...],
) -> None:
    for row in training_data.diversity(examples):
        assert {"plain", "short", "dialect", "english"} <= set(row.styles), row.intent


def test_marks_cut_the_sentence(examples: tuple[Example, ...]) -> None:
    marked = [example for example in examples if example.marks]
    assert len(marked) > 300
    assert all(0 <= m.start < m.end <= len(e.text) for e in marked for m in e.marks)
    assert not any("](" in example.text for example in examples)


def test_own_test_sentences_are_not_trained_on(examples: tuple[Example, ...]) -> None:
    trained = {re.sub(r"[\W_]+", "", example.text).lower() for example in examples}
    with OWN_TEST.open(encoding="utf-8", newline="") as stream:
        tested = [row["text"] for row in csv.DictReader(stream, delimiter="\t")]
    seen = {text for text in tested if re.sub(r"[\W_]+", "", text).lower() in trained}
    assert seen <= {"对", "不要"}, "only words nobody says otherwise may be in both"


def test_strip_marks() -> None:
    text, marks = training_data.strip_marks("[明天](time)约个[理发](service)吧")
    assert text == "明天约个理发吧"
    assert marks == (Mark(entity="time", start=0, end=2), Mark(entity="service", start=4, end=6))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("nlu: [", "one.yml"),
        ("version: '3.1'", "no `nlu:` list"),
        ("nlu:\n- intent: greet\n  examples: |\n    你好\n", "must begin with"),
        ("nlu:\n- intent: greet\n  examples: 3\n", "not a text block"),
        ("nlu:\n- intent: hello\n  examples: |\n    - 你好\n", "unknown intent 'hello'"),
        ("nlu:\n- intent: greet\n  metadata: {style: x}\n  examples: |\n    - 你好\n", "unknown style 'x'"),
        ("nlu:\n- intent: greet\n  examples: |\n    - '[你好](hi)'\n", "unknown entity 'hi'"),
    ],
)
def test_a_bad_file_is_refused_with_its_reason(
    tmp_path: Path, text: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_data, "INTENTS", ("greet",))
    with pytest.raises(TrainingDataError, match=re.escape(complaint)):
        training_data.load(write(tmp_path, text))


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match="no training files"):
        training_data.load(tmp_path)


def test_the_same_sentence_twice_is_a_problem() -> None:
    twice = [
        Example(text="好", intent="affirm", style="plain"),
        Example(text="好", intent="feel_fine", style="plain"),
    ]
    assert "'好' is in affirm and in feel_fine" in training_data.problems(twice)


def test_synonyms_and_lookups_are_left_to_rasa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_data, "INTENTS", ("greet",))
    text = (
        "nlu:\n- synonym: 理发\n  examples: |\n    - 剃头\n"
        "- intent: greet\n  metadata: {style: short}\n  examples: |\n    - 你好\n"
    )
    loaded = training_data.load(write(tmp_path, text))
    assert loaded == (Example(text="你好", intent="greet", style="short"),)


def test_fingerprint_follows_the_content(tmp_path: Path) -> None:
    first = training_data.fingerprint(write(tmp_path, "nlu: []"))
    assert training_data.fingerprint(tmp_path) == first
    assert training_data.fingerprint(write(tmp_path, "nlu: [ ]")) != first


def test_report_is_readable(examples: tuple[Example, ...]) -> None:
    table = training_data.render(training_data.diversity(examples))
    assert table.splitlines()[0].split()[:4] == ["intent", "n", "4-grams", "nearest"]
    assert f"all{len(examples):>20}" in table or f"{len(examples)}" in table.splitlines()[-1]
