"""Who is named among the contacts, and what is to be passed on (F7)."""

from __future__ import annotations

import pytest

from data.models import Contact
from flows.contact_words import (
    is_dropped,
    is_help,
    is_office,
    meant,
    message_in,
    mode_of,
    put_right,
    relation_of,
)


def contact(name: str, relation: str) -> Contact:
    return Contact(id=1, resident_id=1, name=name, relation=relation, position=0)


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        ("女儿", "daughter"),
        ("大女儿", "daughter"),
        ("孙女儿", "granddaughter"),
        ("儿媳妇", "daughter_in_law"),
        ("对门邻居", "neighbour"),
        ("grandson", "grandson"),
        ("daughter-in-law", "daughter_in_law"),
        ("居委会的人", None),
    ],
)
def test_relations(text: str, relation: str | None) -> None:
    assert relation_of(text) == relation


@pytest.mark.parametrize(
    "text", ["打给李晓燕", "打给晓燕", "叫小燕来", "tell Mary I am here", "call Mary Smith"]
)
def test_names_in_all_their_forms(text: str) -> None:
    people = [contact("李晓燕", "女儿"), contact("Mary Smith", "niece")]
    assert len(meant(people, text, None)) == 1


def test_a_name_is_stronger_than_a_relation() -> None:
    people = [contact("王强", "儿子"), contact("王明", "儿子")]
    assert [one.name for one in meant(people, "给我儿子王明打电话", None)] == ["王明"]


def test_nobody_is_guessed() -> None:
    assert meant([contact("王强", "儿子")], "给我女儿打电话", None) == []


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("说晚上不用来了", "晚上不用来了"),
        ("说一声我到家了", "我到家了"),
        ("带句话，药吃完了", "药吃完了"),
        ("，我在活动室等她", "我在活动室等她"),
        ("打个电话", ""),
        ("的电话帮我拨一下", "帮我拨一下"),
        ("说话", ""),
        ("", ""),
    ],
)
def test_the_message_in_the_words(rest: str, message: str) -> None:
    assert message_in(rest, 0) == message


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("not to come tonight", "not to come tonight"),
        ("that I am fine", "I am fine"),
        ("please", ""),
        ("", ""),
    ],
)
def test_the_message_in_english_words(rest: str, message: str) -> None:
    assert message_in(f"tell my son {rest}", len("tell my son")) == message


def test_to_speak_or_to_pass_on() -> None:
    assert mode_of("给我女儿打个电话", "") == "call"
    assert mode_of("给我女儿带句话", "") == "message"
    assert mode_of("打给我女儿，别等我", "别等我") == "message"


def test_put_right_and_dropped() -> None:
    assert put_right("改成明天再来") == "明天再来"
    assert put_right("好") is None
    assert is_dropped("不发了")
    assert not is_dropped("不用来了")


def test_offices_and_cries_for_help() -> None:
    assert is_office("给物业打个电话")
    assert is_help("帮我打120")
    assert not is_help("13812012000")
