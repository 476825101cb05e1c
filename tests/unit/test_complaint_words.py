"""What complaints are about, how angry they are, and whether they say anything yet (F9, H8)."""

from __future__ import annotations

import pytest

from flows.complaint_words import (
    adds,
    is_angry,
    is_violent,
    says_unheard,
    says_what,
    subject_of,
    topic_of,
)
from flows.reopen import only_displeased


@pytest.mark.parametrize(
    "text",
    [
        "我要投诉",
        "我要反映一个问题",
        "提个建议",
        "我有意见",
        "我想跟你们反映个情况",
        "I want to complain",
        "I have a suggestion",
    ],
)
def test_an_announcement_says_nothing_yet(text: str) -> None:
    assert not says_what(text)


@pytest.mark.parametrize(
    "text",
    [
        "我要投诉楼上太吵了",
        "垃圾没人收",
        "建议门口装个扶手",
        "I want to complain about the noise upstairs",
        "the lift music is too loud",
    ],
)
def test_what_it_is_about_is_seen(text: str) -> None:
    assert says_what(text)


@pytest.mark.parametrize(
    ("text", "topic", "where"),
    [
        ("楼上天天半夜吵", "upstairs", "home"),
        ("垃圾三天没人收", "rubbish", "ask"),
        ("广场舞音响太大", "noise", "ask"),
        ("送来的饭是凉的", "service", "none"),
        ("前台爱答不理", "conduct", "none"),
        ("their dog barks all night", "noise", "ask"),
    ],
)
def test_the_topic_tells_whether_a_place_matters(text: str, topic: str, where: str) -> None:
    found = topic_of(text)
    assert found is not None
    assert (found.key, found.where) == (topic, where)


def test_a_topic_nobody_thought_of_has_no_place() -> None:
    assert topic_of("公示名单上没有我的名字") is None


@pytest.mark.parametrize("text", ["气死我了", "太不像话了", "I am sick of this", "到底管不管"])
def test_anger(text: str) -> None:
    assert is_angry(text)


@pytest.mark.parametrize(
    ("text", "violent"),
    [
        ("护工打了我妈", True),
        ("他动手推人", True),
        ("he hit my mother", True),
        ("打了好几个电话没人接", False),
        ("打扫得不干净", False),
        ("隔壁打麻将", False),
    ],
)
def test_violence(text: str, violent: bool) -> None:
    assert is_violent(text) == violent


def test_nobody_came_is_about_what_was_asked_for_before() -> None:
    assert says_unheard("根本没人来处理")
    assert says_unheard("nobody came")
    assert not says_unheard("垃圾没人收")


def test_more_of_it() -> None:
    assert adds("还有，他们家狗也叫")
    assert not adds("还有")
    assert not adds("食堂几点开门")


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("我要投诉楼上太吵", "楼上太吵"),
        ("楼上太吵", "楼上太吵"),
        ("我要投诉", "我要投诉"),
        ("I want to complain about the noise", "the noise"),
    ],
)
def test_the_subject_is_named_without_its_announcement(text: str, subject: str) -> None:
    assert subject_of(text) == subject


@pytest.mark.parametrize(
    ("text", "bare"),
    [("我不满意", True), ("I'm not satisfied", True), ("不满意，饭是凉的没法吃", False), ("挺好", False)],
)
def test_only_displeased(text: str, bare: bool) -> None:
    assert only_displeased(text) == bare
