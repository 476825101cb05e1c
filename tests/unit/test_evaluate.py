"""The figures of `anlin nlu eval`, on outcomes small enough to reckon by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from nlu.emergency import Suspicion
from nlu.engine import Parser
from nlu.evaluate import EvaluationError, Report, auroc, calibration_error, evaluate, read_rows
from nlu.understanding import Context, Emergency, Entity, Intent

ANSWERS = {
    "救命": ("emergency", 0.9),
    "喘不上气": ("feel_unwell", 0.6),
    "你好": ("greet", 1.0),
    "买火车票": ("out_of_scope", 0.8),
    "讲笑话": ("out_of_scope", 0.5),
}
LEVELS = {"救命": 1, "喘不上气": 4, "讲笑话": 4}


class Engine:
    name = "table"

    async def classify(self, text: str) -> Sequence[Intent]:
        name, confidence = ANSWERS[text]
        return (Intent(name=name, confidence=confidence),)


class Net:
    def judge(self, text: str, context: Context, suspicion: Suspicion | None = None) -> Emergency | None:
        level = LEVELS.get(text)
        return None if level is None else Emergency(kind="unknown", level=level, confidence=0.9)


class Extractor:
    def extract(self, text: str, context: Context) -> Sequence[Entity]:
        return ()


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def figures(tmp_path: Path) -> Report:
    rows = (
        "text\tintent\tstyle\n救命\temergency\tplain\n喘不上气\temergency\tplain\n你好\tgreet\tshort\n"
        "买火车票\tout_of_scope\tplain\n讲笑话\tchitchat\tshort\n"
    )
    return evaluate(Parser(Engine(), Net(), Extractor()), write(tmp_path / "rows.tsv", rows))


def test_accuracy_and_f1(figures: Report) -> None:
    assert (figures.accuracy.hits, figures.accuracy.of) == (3, 5)
    assert figures.per_intent["emergency"] == pytest.approx((1.0, 0.5, 2 / 3, 2))
    assert figures.per_intent["out_of_scope"] == pytest.approx((0.5, 1.0, 2 / 3, 1))
    assert figures.per_intent["chitchat"] == (0.0, 0.0, 0.0, 1)
    assert figures.macro_f1 == pytest.approx((2 / 3 + 1 + 2 / 3 + 0) / 4)


def test_confusions_and_styles(figures: Report) -> None:
    assert figures.confusions == (("chitchat", "out_of_scope", 1), ("emergency", "feel_unwell", 1))
    assert {style: share.rate for style, share in figures.per_style.items()} == pytest.approx(
        {"plain": 2 / 3, "short": 0.5}
    )


def test_out_of_scope_and_emergencies(figures: Report) -> None:
    assert (figures.scope_found.rate, figures.scope_wrongly.rate) == (1.0, 0.25)
    assert figures.scope_auroc == 1.0
    assert (figures.emergencies_raised.rate, figures.emergencies_heard.rate) == (0.5, 1.0)
    assert (figures.others_raised.hits, figures.others_heard.hits) == (0, 1)


def test_calibration(figures: Report) -> None:
    assert figures.calibration_error == pytest.approx((0.1 + 0.6 + 0.0 + 0.2 + 0.5) / 5)
    assert calibration_error([]) == 0.0
    assert calibration_error([(0.75, True), (0.75, True), (0.75, True), (0.75, False)]) == 0.0


def test_auroc() -> None:
    assert auroc([0.9, 0.5], [0.5, 0.1]) == pytest.approx(3.5 / 4)
    assert auroc([], [0.1]) is None


def test_the_report_is_for_people(figures: Report) -> None:
    text = figures.render()
    assert "table" in text
    assert "accuracy           60.0% (3/5)" in text
    assert "1  emergency → feel_unwell" in text
    assert "讲笑话" in text


def test_a_file_without_styles(tmp_path: Path) -> None:
    rows = write(tmp_path / "rows.tsv", "\ufefftext\tintent\n你好\tgreet\n")
    result = evaluate(Parser(Engine(), Net(), Extractor()), rows)
    assert result.per_style == {}
    assert result.scope_auroc is None
    assert "style" not in result.render()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("sentence\tintent\n你好\tgreet\n", "no column text"),
        ("text\tintent\n你好\thello\n", "line 2: unknown intent 'hello'"),
        ("text\tintent\n", "no sentence"),
        ("", "no column intent, text"),
    ],
)
def test_a_bad_file_says_why(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(EvaluationError, match=complaint):
        read_rows(write(tmp_path / "rows.tsv", text))


def test_quotes_are_part_of_the_sentence(tmp_path: Path) -> None:
    rows = read_rows(write(tmp_path / "rows.tsv", 'text\tintent\n"你好\tgreet\n'))
    assert rows[0].text == '"你好'
