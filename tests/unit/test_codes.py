"""Telephone numbers and case numbers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlu.codes import find_phones, find_request_numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("13812345678", "+8613812345678"),
        ("138-1234-5678", "+8613812345678"),
        ("+86 138 1234 5678", "+8613812345678"),
        ("打幺三八一二三四五六七八", "+8613812345678"),
        ("一三八 一二三四 五六七八", "+8613812345678"),
        ("电话是65551234", "+861065551234"),
        ("六五五五一二三四", "+861065551234"),
        ("010-65551234", "+861065551234"),
        ("(0571)87654321", "+8657187654321"),
        ("+44 20 7946 0958", "+442079460958"),
    ],
)
def test_a_phone_becomes_e164(text: str, value: str) -> None:
    [phone] = find_phones(text)
    assert phone.value == value


def test_the_area_code_is_the_communitys() -> None:
    [phone] = find_phones("87654321", area_code="0571")
    assert phone.value == "+8657187654321"


@pytest.mark.parametrize(
    "text", ["R20261122-0007", "20261122", "120", "12345", "138123456789012345", "三号楼二单元"]
)
def test_what_is_no_phone(text: str) -> None:
    assert find_phones(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("R20261122-0007怎么样了", "R20261122-0007"),
        ("r20261122 0007", "R20261122-0007"),
        ("Ｂ20261122－0012", "B20261122-0012"),
        ("尾号0007", "0007"),
        ("尾号是零零零七的单子", "0007"),
    ],
)
def test_a_case_number_is_found(text: str, value: str) -> None:
    [number] = find_request_numbers(text)
    assert number.value == value


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="一三八幺零〇0123456789-+R尾号是单后四位 .,呃doubleonetwo", max_size=40))
def test_nothing_raises_and_spans_cut_the_text(text: str) -> None:
    finders = (find_phones, find_request_numbers)
    for entity in (entity for finder in finders for entity in finder(text)):
        assert entity.text == text[entity.start : entity.end]
        assert entity.text
