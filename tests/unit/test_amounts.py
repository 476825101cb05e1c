"""How many, and marks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlu.amounts import find_counts, find_scores


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("两份", 2),
        ("三个人", 3),
        ("我们俩去", 2),
        ("来一份午饭", 1),
        ("十二位老人", 12),
        ("2盒", 2),
        ("for 3 people", 3),
        ("two portions", 2),
    ],
)
def test_a_count_is_an_integer(text: str, value: int) -> None:
    assert [entity.value for entity in find_counts(text)] == [value]


@pytest.mark.parametrize(
    "text", ["两个小时", "三个月", "一个灯坏了", "第三个人", "三号楼", "那个人", "三条建议", "几个人"]
)
def test_what_is_no_count(text: str) -> None:
    assert find_counts(text) == []


def test_a_bare_number_counts_only_when_asked() -> None:
    assert find_counts("三") == []
    assert [entity.value for entity in find_counts("就三个吧", asked=True)] == [3]


@pytest.mark.parametrize(
    ("text", "value"),
    [("五星好评", 5), ("打三分", 3), ("给五分", 5), ("五分满意", 5), ("4分", 4), ("很满意", 5), ("满意", 4), ("不太满意", 2),
     ("非常不满意", 1), ("4 out of 5", 4), ("five stars", 5), ("满分", 5)],
)  # fmt: skip
def test_a_mark_is_between_one_and_five(text: str, value: int) -> None:
    assert [entity.value for entity in find_scores(text)] == [value]


@pytest.mark.parametrize(
    "text", ["十分感谢", "五分钟后", "八点五分", "三分之一", "星期五", "差五分八点", "一般", "五"]
)
def test_what_is_no_mark(text: str) -> None:
    assert find_scores(text) == []


def test_a_verdict_is_a_mark_when_asked() -> None:
    assert [entity.value for entity in find_scores("还行吧", asked=True)] == [3]
    assert [entity.value for entity in find_scores("五", asked=True)] == [5]


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="一两三俩五六十个半打份人分星满意不给到、0123456789 .drtwofor", max_size=40))
def test_nothing_raises_and_spans_cut_the_text(text: str) -> None:
    finders = (find_counts, find_scores)
    for entity in (entity for finder in finders for entity in finder(text)):
        assert entity.text == text[entity.start : entity.end]
        assert entity.text
