"""Words that a recogniser confuses must look alike after folding, and others must not (U7)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu.pinyin import fold, folded, same_sound, sound_distance, sound_key, syllable


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("救命", "就命"),
        ("救命", "舅明"),
        ("报警", "抱警"),
        ("摔倒", "帅倒"),
        ("摔倒", "甩到"),
        ("着火了", "着活了"),
        ("煤气", "没汽"),
    ],
)
def test_homophones_have_one_sound(said: str, written: str) -> None:
    assert same_sound(said, written)


@pytest.mark.parametrize(
    ("one", "other"), [("救命", "救护"), ("着火", "着凉"), ("报警", "报名"), ("救命", "救")]
)
def test_other_words_have_another(one: str, other: str) -> None:
    assert not same_sound(one, other)


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        ("zhang", "zan"),
        ("chi", "ci"),
        ("shou", "sou"),
        ("ning", "lin"),
        ("neng", "len"),
        ("ang", "an"),
        ("a", "a"),
        ("n", "n"),
    ],
)
def test_confusable_sounds_fold(plain: str, expected: str) -> None:
    assert fold(plain) == expected


def test_a_syllable_has_no_tone_and_other_characters_have_none() -> None:
    assert syllable("命") == "ming"
    assert syllable("绿") == "lv"
    assert syllable("着") == "zhao"
    assert syllable("a") == ""
    assert folded("命 A1") == ("min", " ", "a", "1")


def test_a_pattern_is_translated_like_the_text() -> None:
    pattern = re.compile(sound_key("救命|来人[啊呀]"))
    found = pattern.search(sound_key("快点就明啊"))
    assert found is not None
    assert found.span() == (2, 4)


def test_distance_counts_syllables() -> None:
    assert sound_distance("救命", "就明") == 0
    assert sound_distance("救命", "救") == 1
    assert sound_distance("着火", "着凉") == 1
    assert sound_distance("", "救命") == 2


@given(st.text(max_size=60))
def test_any_text_has_a_sound_key_of_its_length(text: str) -> None:
    assert len(sound_key(text)) == len(text) == len(folded(text))


@given(st.text(max_size=12), st.text(max_size=12))
def test_distance_is_symmetric_and_zero_for_itself(one: str, other: str) -> None:
    assert sound_distance(one, one) == 0
    assert sound_distance(one, other) == sound_distance(other, one) <= max(len(one), len(other))
