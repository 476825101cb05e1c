"""The built-in engine: what it answers, that nothing makes it fail, and its cache."""

from __future__ import annotations

import asyncio
import csv
import logging
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu import training_data
from nlu.builtin import KEPT, REMEMBERED, BuiltinEngine, key_of, trained
from nlu.encoder import UniversalSentenceEncoder, Vectors
from nlu.evaluate import calibration_error
from nlu.features import LONGEST, clean, sound_grams
from nlu.understanding import INTENTS, Intent

ROOT = Path(__file__).parents[2]
OWN_TEST = ROOT / "tests" / "data" / "intents_own.tsv"
CACHE = ROOT / "var" / "nlu"
"""Where `make setup` leaves the trained model: the tests do not train it again."""


class LetterEncoder:
    """A small real encoder for tests of the cache: counts of characters, hashed into 64 columns."""

    identity = "letters 1"
    size = 64

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self.size), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for character in text or " ":
                row[ord(character) % self.size] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def engine() -> Iterator[BuiltinEngine]:
    loaded = BuiltinEngine.load(CACHE)
    yield loaded
    loaded.close()


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A training directory with eight sentences an intent."""
    directory = tmp_path / "training"
    directory.mkdir()
    for file in training_data.TRAINING_DIR.glob("*.yml"):
        lines = file.read_text(encoding="utf-8").splitlines()
        (directory / file.name).write_text("\n".join(lines[:15]) + "\n", encoding="utf-8")
    return directory


@pytest.fixture
async def small(tmp_path: Path, few: Path) -> AsyncIterator[BuiltinEngine]:
    made = BuiltinEngine.load(tmp_path / "cache", few, LetterEncoder())
    yield made
    made.close()


def own_rows() -> list[dict[str, str]]:
    with OWN_TEST.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def test_sentences_it_has_not_seen(engine: BuiltinEngine) -> None:
    rows = own_rows()
    answers = [(engine.rank(row["text"])[0], row) for row in rows]
    right = [answer.name == row["intent"] for answer, row in answers]
    plain = [hit for hit, (_, row) in zip(right, answers, strict=True) if row["style"] == "plain"]
    assert sum(right) / len(right) >= 0.95
    assert sum(plain) / len(plain) >= 0.97
    pairs = [(answer.confidence, hit) for (answer, _), hit in zip(answers, right, strict=True)]
    assert calibration_error(pairs) < 0.08


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        *((text, "affirm") for text in ("对", "好", "行", "嗯", "是", "可以", "yes", "好的。")),
        *((text, "deny") for text in ("不", "不是", "不要", "不用", "no", "不用!")),
        ("救命", "emergency"),
        ("停", "stop"),
        ("啥", "repeat"),
        ("喂", "greet"),
    ],
)
def test_very_short_answers(engine: BuiltinEngine, text: str, intent: str) -> None:
    assert engine.rank(text)[0].name == intent


@pytest.mark.parametrize(
    ("heard", "intent"),
    [
        ("我要抱修", "report_repair"),
        ("就命啊", "emergency"),
        ("约个理法", "book_service"),
        ("请人打嫂卫生", "book_service"),
        ("帮我转认工", "ask_human"),
        ("我要投树", "complain"),
        ("把题醒删掉", "cancel_reminder"),
    ],
)
def test_what_the_recogniser_makes_of_it(engine: BuiltinEngine, heard: str, intent: str) -> None:
    assert engine.rank(heard)[0].name == intent


@pytest.mark.parametrize("text", ["", " ", "。。。", "?!", "😀😀", "\n\t", "\ud800", "…—"])
async def test_nothing_to_read(engine: BuiltinEngine, text: str) -> None:
    assert await engine.classify(text) == (Intent(name="out_of_scope", confidence=0.0),)


async def test_a_ranking_is_whole_sorted_and_sums_to_one(engine: BuiltinEngine) -> None:
    ranking = await engine.classify("水管漏水麻烦派人来修")
    assert {intent.name for intent in ranking} == set(INTENTS)
    assert [i.confidence for i in ranking] == sorted((i.confidence for i in ranking), reverse=True)
    assert sum(intent.confidence for intent in ranking) == pytest.approx(1, abs=1e-4)


async def test_gibberish_is_doubted(engine: BuiltinEngine) -> None:
    assert (await engine.classify("qzxv wkjh"))[0].confidence < 0.5


async def test_many_at_once_and_again_give_the_same(engine: BuiltinEngine) -> None:
    texts = [row["text"] for row in own_rows()[:40]]
    first = await asyncio.gather(*(engine.classify(text) for text in texts))
    assert await asyncio.gather(*(engine.classify(text) for text in texts)) == first
    assert [engine.rank(text) for text in texts] == first


async def test_ten_thousand_characters_are_read_at_both_ends(engine: BuiltinEngine) -> None:
    story = "从前" * 5000 + "马桶堵了,脏水漫出来了,麻烦派师傅来修"
    assert len(clean(story)) <= LONGEST
    assert clean(story).endswith("派师傅来修")
    assert len(await engine.classify(story)) == len(INTENTS)


@given(st.text(alphabet=st.characters(), max_size=600))
def test_no_text_makes_it_fail(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned) <= LONGEST
    cleaned.encode()
    assert all(isinstance(gram, str) for gram in sound_grams(cleaned))


@given(text=st.text(alphabet=st.characters(codec=None), max_size=60))
def test_every_text_gets_an_answer(engine: BuiltinEngine, text: str) -> None:
    ranking = engine.rank(text)
    assert ranking
    assert all(intent.name in INTENTS and 0 <= intent.confidence <= 1 for intent in ranking)


def test_homophones_sound_the_same() -> None:
    assert sound_grams("我要报修") == sound_grams("我要抱修")
    assert sound_grams("wifi断了") != sound_grams("wife断了")


async def test_the_cache_is_used_and_gives_the_same(small: BuiltinEngine, tmp_path: Path, few: Path) -> None:
    cached = list((tmp_path / "cache").iterdir())
    assert [file.suffix for file in cached] == [".npz"]
    before = cached[0].stat().st_mtime_ns
    again = BuiltinEngine.load(tmp_path / "cache", few, LetterEncoder())
    assert again.rank("马桶堵了") == small.rank("马桶堵了")
    assert cached[0].stat().st_mtime_ns == before
    again.close()


async def test_a_changed_sentence_trains_anew(small: BuiltinEngine, tmp_path: Path, few: Path) -> None:
    before = key_of(LetterEncoder(), [], few)
    with (few / "greet.yml").open("a", encoding="utf-8") as stream:
        stream.write("    - 老哥吉祥\n")
    assert key_of(LetterEncoder(), [], few) != before
    changed = BuiltinEngine.load(tmp_path / "cache", few, LetterEncoder())
    assert changed.rank("老哥吉祥")[0].name == "greet"
    assert len(list((tmp_path / "cache").iterdir())) == 2
    changed.close()


def test_old_models_are_cleared_away(tmp_path: Path, few: Path) -> None:
    for number in range(KEPT + 2):
        with (few / "greet.yml").open("a", encoding="utf-8") as stream:
            stream.write(f"    - 吉祥{number}\n")
        trained(tmp_path / "cache", few, LetterEncoder())
    left = {file.name for file in (tmp_path / "cache").iterdir()}
    assert len(left) == KEPT
    assert f"intents-{key_of(LetterEncoder(), [], few)}.npz" in left


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 nonsense", b"x" * 1000])
async def test_a_damaged_cache_is_made_anew(
    small: BuiltinEngine, tmp_path: Path, few: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(damage)
    with caplog.at_level(logging.WARNING):
        model = trained(tmp_path / "cache", few, LetterEncoder())
    assert "cannot be read" in caplog.text
    assert len(model.labels) == len(INTENTS)
    assert file.stat().st_size > 10_000


async def test_training_twice_gives_the_same_answers(small: BuiltinEngine, tmp_path: Path, few: Path) -> None:
    shutil.rmtree(tmp_path / "cache")
    again = BuiltinEngine.load(tmp_path / "cache", few, LetterEncoder())
    assert again.rank("马桶堵了") == small.rank("马桶堵了")
    again.close()


async def test_what_is_remembered_is_bounded(small: BuiltinEngine) -> None:
    for number in range(REMEMBERED + 50):
        small.rank(f"马{number}")
    assert len(small._answers) == REMEMBERED


def test_the_engine_needs_nothing_else_of_the_project() -> None:
    code = "import sys, nlu.builtin; print(sorted({m.split('.')[0] for m in sys.modules} & {'bot','flows','data','voice'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_the_encoder_gives_unit_vectors_and_the_same_alone_and_in_company() -> None:
    encoder = UniversalSentenceEncoder()
    together = encoder.encode(["你好", "水管漏了", ""])
    assert together.shape == (3, encoder.size)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-3)
    assert encoder.encode(["水管漏了"])[0] == pytest.approx(together[1], abs=1e-5)
