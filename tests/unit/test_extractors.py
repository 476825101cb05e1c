"""All extractors together: order, overlaps, what was asked, and messages without end."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlu.amounts import find_counts, find_scores
from nlu.codes import find_phones, find_request_numbers
from nlu.extractors import Extractors
from nlu.numbers import words
from nlu.people import find_persons
from nlu.symptoms import find_symptoms
from nlu.understanding import Context

NOW = datetime.fromisoformat("2026-11-22T10:00+08:00")
EXTRACTORS = Extractors(
    services={"haircut": ["理发"], "lunch": ["午餐", "午饭"]},
    faults=[("pipe_leak", ["水管漏水", "漏水"])],
    places=["东门", "活动中心"],
)


def found(text: str, slot: str | None = None) -> list[tuple[str, object]]:
    context = Context(now=NOW, expecting="slot" if slot else None, slot=slot)
    return [(entity.entity, entity.value) for entity in EXTRACTORS.extract(text, context)]


def test_everything_in_one_sentence_in_its_order() -> None:
    assert found("订两份午饭明天中午送到3号楼2单元501给我女儿电话13812345678") == [
        ("count", 2),
        ("service", "lunch"),
        ("time", "2026-11-23Tnoon"),
        ("place", {"building": "3", "unit": "2", "room": "501"}),
        ("person", "女儿"),
        ("phone", "+8613812345678"),
    ]


def test_a_number_is_one_thing_only() -> None:
    assert found("R20261122-0007") == [("request_no", "R20261122-0007")]
    assert found("3-2-501") == [("place", {"building": "3", "unit": "2", "room": "501"})]
    assert found("八点五分") == [("time", "2026-11-22T20:05")]


def test_the_question_decides_what_a_bare_number_is() -> None:
    assert found("501") == []
    assert found("501", "place") == [("place", {"room": "501"})]
    assert found("五", "score") == [("score", 5)]
    assert found("三个", "count") == [("count", 3)]


def test_a_message_of_ten_thousand_characters_is_read() -> None:
    text = "明天下午三点到3号楼2单元501修水管漏水," * 500
    entities = EXTRACTORS.extract(text, Context(now=NOW))
    assert len([entity for entity in entities if entity.entity == "fault"]) > 300


@pytest.mark.parametrize(
    "unit", ["一", "不对", "每周一", "半个", "3-", "八点到", "every ", "明天", "我家", "小王", "("]
)
def test_no_repetition_makes_it_slow(unit: str) -> None:
    # quadratic work over 10,000 characters would take minutes; the run's own time limit would stop it
    EXTRACTORS.extract((unit * 10_000)[:10_000], Context(now=NOW))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    EXTRACTORS.extract(text, Context(now=NOW))


WORDS = st.sampled_from(
    words(
        "明天 后天 下周三 每天 每周 一三五 早上 下午 三点 半 差一刻 到 不对 是 不是 3号楼 二单元 501 我家 女儿 小王 两份 五分 满意 "
        "13812345678 R20261122-0007 理发 漏水 农历 初一 腊月 三十 月底 前 后 两个小时 tomorrow at 3 pm every , 。 东门 二 十 年 号"
    )
)


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS, max_size=14).map("".join))
def test_whatever_is_said_spans_cut_the_text_and_do_not_overlap(text: str) -> None:
    end = 0
    for entity in EXTRACTORS.extract(text, Context(now=NOW)):
        assert entity.text == text[entity.start : entity.end]
        if entity.entity != "symptom":  # a sign of danger may stand on the words of a fault
            assert entity.start >= end
            end = entity.end


FINDERS = {
    "phone": find_phones,
    "request_no": find_request_numbers,
    "count": find_counts,
    "score": find_scores,
    "person": find_persons,
    "symptom": find_symptoms,
}
CASES = [
    tuple(line.split("\t"))
    for line in (Path(__file__).parents[1] / "data" / "entities_own.tsv")
    .read_text(encoding="utf-8")
    .splitlines()[1:]
]


@pytest.mark.parametrize(("entity", "text", "expected"), CASES)
def test_words_of_all_kinds_mean_what_they_say(entity: str, text: str, expected: str) -> None:
    assert ("|".join(str(found.value) for found in FINDERS[entity](text)) or "-") == expected


def test_of_overlapping_entities_the_one_asked_for_wins_then_codes_then_the_longer() -> None:
    def kinds(text: str, **asked: Any) -> list[tuple[str, str]]:
        found = EXTRACTORS.extract(text, Context(now=NOW, **asked))
        return [(one.entity, one.text) for one in found]

    assert kinds("尾号0007") == [("request_no", "尾号0007")]
    assert kinds("三号楼,三号下午三点") == [("place", "三号楼"), ("time", "三号下午三点")]
    assert kinds("五号") == [("time", "五号")]
    assert kinds("五号", expecting="slot", slot="place") == [("place", "五号")]
    assert kinds("五分", expecting="slot", slot="score") == [("score", "五分")]
    assert kinds("13812345678") == [("phone", "13812345678")]


def test_a_sign_of_danger_stands_beside_the_fault_of_the_same_words() -> None:
    extractors = Extractors(faults={"gas_smell": ["煤气味"]})
    found = extractors.extract("厨房有煤气味", Context(now=NOW))
    assert {(one.entity, one.value) for one in found} >= {("fault", "gas_smell"), ("symptom", "gas_smell")}
