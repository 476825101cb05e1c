"""Numerals, digit by digit and with units, and the folding that keeps offsets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu.numbers import fold, parse_number, to_digits


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("廿三", 23),
        ("一百零三", 103),
        ("一百二", 120),
        ("两千三", 2300),
        ("一千二百零三", 1203),
        ("五零一", 501),
        ("幺二零三", 1203),
        ("12", 12),
        ("两", 2),
        ("", None),
        ("百五十百", None),
        ("三四十五", None),
        ("abc", None),
    ],
)
def test_a_numeral_is_read(text: str, number: int | None) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("五零一", "501"),
        ("5零1", "501"),
        ("五百零一", "501"),
        ("幺二〇三", "1203"),
        ("501", "501"),
        ("五a", ""),
    ],
)
def test_a_label_becomes_digits(text: str, digits: str) -> None:
    assert to_digits(text) == digits


def test_full_width_capitals_and_traditional_are_folded() -> None:
    assert fold("２０：３０ＡＢc點，後天") == "20:30abc点,后天"


@given(st.text())
def test_folding_keeps_every_offset(text: str) -> None:
    assert len(fold(text)) == len(text)


@given(st.text(alphabet="零一二两三四五六七八九十百千廿卅0123456789幺〇", max_size=12))
def test_no_numeral_raises(text: str) -> None:
    assert parse_number(text) is None or isinstance(parse_number(text), int)
    assert to_digits(text) == "" or to_digits(text).isdecimal()


@given(st.integers(min_value=0, max_value=9999))
def test_digits_read_one_by_one_come_back(number: int) -> None:
    spoken = "".join("零一二三四五六七八九"[int(digit)] for digit in str(number))
    assert to_digits(spoken) == str(number)
    assert parse_number(spoken) == number
