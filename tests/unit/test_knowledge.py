"""The community's knowledge is found by meaning: sentences written beside the phrasings, never among them (F8)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bot.build import engine_cache
from bot.settings import Settings
from data.content_faq import load_faq
from flows.faq_search import Search
from flows.knowledge import FaqKnowledge
from nlu.encoder import UniversalSentenceEncoder, Vectors

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture(scope="module")
def encoder() -> UniversalSentenceEncoder:
    return UniversalSentenceEncoder()


@pytest.fixture(scope="module")
def knowledge(encoder: UniversalSentenceEncoder) -> FaqKnowledge:
    found = FaqKnowledge(load_faq())
    settings = Settings(_env_file=None, home=Path("/nonexistent"))  # type: ignore[call-arg]
    found.learn(encoder, engine_cache(settings))
    return found


def _lines(name: str) -> list[str]:
    return (DATA / name).read_text(encoding="utf-8").splitlines()


def test_nine_of_ten_questions_nobody_wrote_down_find_their_answer(knowledge: FaqKnowledge) -> None:
    rows = [line.split("\t") for line in _lines("knowledge_own.tsv")]
    known = {question for entry in load_faq().values() for question in entry.questions}
    assert len(rows) == 60
    assert not known & {question for _, question in rows}
    weighed = [(key, knowledge.weigh(question, "zh")) for key, question in rows]
    right = [key for key, one in weighed if one.answer is not None and one.answer.id == key]
    offered = [
        key for key, one in weighed if one.answer is None and key in [choice.id for choice in one.choices]
    ]
    wrong = [key for key, one in weighed if one.answer is not None and one.answer.id != key]
    assert len(right) + len(offered) >= 0.9 * len(rows)
    assert len(right) >= 0.75 * len(rows)
    assert len(wrong) <= 0.04 * len(rows), wrong


def test_what_nobody_here_can_know_is_not_answered(knowledge: FaqKnowledge) -> None:
    weighed = [knowledge.weigh(question, "zh") for question in _lines("knowledge_unknown.tsv")]
    assert len(weighed) == 30
    assert sum(one.answer is None for one in weighed) >= 0.9 * len(weighed)
    assert sum(not one.choices for one in weighed) >= 0.5 * len(weighed)


def test_every_entry_answers_its_own_questions(knowledge: FaqKnowledge) -> None:
    lost = []
    for key, entry in load_faq().items():
        weighed = knowledge.weigh(entry.questions[0], "zh")
        if weighed.answer is None or weighed.answer.id != key:
            lost.append(entry.questions[0])
    assert lost == []


def test_at_most_three_choices_the_nearest_first(knowledge: FaqKnowledge) -> None:
    for question in _lines("knowledge_unknown.tsv"):
        scores = [choice.score for choice in knowledge.weigh(question, "zh").choices]
        assert len(scores) <= 3
        assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("last", "words", "language", "expected"),
    [
        ("canteen_hours", "那要多少钱", "zh", "canteen_prices"),
        ("canteen_hours", "周末呢", "zh", "canteen_hours"),
        ("health_station_hours", "电话多少", "zh", "health_station_hours"),
        ("after_school_how", "寒假呢", "zh", "after_school_how"),
        ("elder_card", "what do i need", "en", "elder_card"),
        ("canteen_hours", "我想约理发", "zh", None),
        ("canteen_hours", "那天我在食堂门口看见一个老朋友，他现在身体怎么样了呢", "zh", None),
    ],
)
def test_half_a_question_goes_on_with_what_was_told(
    knowledge: FaqKnowledge, last: str, words: str, language: str, expected: str | None
) -> None:
    found = knowledge.further(words, last, language)
    assert (found.id if found else None) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("第一个", "canteen_hours"),
        ("第二个吧", "canteen_delivery_who"),
        ("后面那个", "canteen_delivery_who"),
        ("送餐的", "canteen_delivery_who"),
        ("开门时间", "canteen_hours"),
        ("食堂几点开门", "canteen_hours"),
        ("都不是", None),
        ("", None),
        ("下雨了", None),
    ],
)
def test_a_choice_may_be_named_in_any_words(
    knowledge: FaqKnowledge, words: str, expected: str | None
) -> None:
    assert knowledge.among(words, ["canteen_hours", "canteen_delivery_who"]) == expected


def test_the_answer_said_last_is_recognised(knowledge: FaqKnowledge) -> None:
    entry = load_faq()["canteen_hours"]
    assert (
        knowledge.told([f"{entry.answer.zh}（社区食堂，2026-09-01）", "还要约理发吗？"], "zh")
        == "canteen_hours"
    )
    assert knowledge.told(["您好"], "zh") is None


def test_characters_do_until_meanings_are_learned() -> None:
    before = FaqKnowledge(load_faq())
    assert [found.id for found in before.find("食堂几点开门", "zh")][:1] == ["canteen_hours"]
    assert before.find("月亮离我们有多远", "zh") == ()
    assert before.weigh("", "zh").answer is None


class Counted:
    """An encoder that says how often it was asked."""

    identity = "counted 1"
    size = 8

    def __init__(self) -> None:
        self.texts = 0

    def encode(self, texts: list[str]) -> Vectors:
        self.texts += len(texts)
        rows = np.array(
            [[len(text) % (7 + place) + 1 for place in range(8)] for text in texts], dtype=np.float32
        )
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def test_what_was_learned_is_kept_and_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    faq = {key: load_faq()[key] for key in ("canteen_hours", "elder_card", "pets")}
    first = Counted()
    learned = Search(faq)
    learned.learn(first, tmp_path)
    assert first.texts > 40
    again = Counted()
    kept = Search(faq)
    kept.learn(again, tmp_path)
    assert again.texts == 0
    assert np.allclose(kept.scores("狗要办证吗"), learned.scores("狗要办证吗"))
    (file,) = tmp_path.glob("knowledge-*.npz")
    file.write_bytes(b"PK broken")
    Search(faq).learn(again, tmp_path)
    assert again.texts >= first.texts - 1


def test_a_remembered_vector_is_given_without_waiting_for_others(encoder: UniversalSentenceEncoder) -> None:
    vector = encoder.encode(["食堂几点开门"])
    with encoder._lock:  # somebody else is encoding; a second lock here would never come back
        assert encoder.encode(["食堂几点开门"]) is vector
