"""Catalogue names: longest first, broken by small words, heard a little wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlu.lookups import Lookup

SERVICES = Lookup(
    "service", {"haircut": ["理发", "剪头发", "haircut"], "bath_home": ["上门助浴"], "bath": ["助浴", "洗澡"]}
)
FAULTS = Lookup("fault", [("pipe_leak", ("水管漏水", "漏水")), ("light", ["灯不亮"]), ("lift", ["lift"])])


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("我想理发", "haircut", "理发"),
        ("约个上门助浴", "bath_home", "上门助浴"),
        ("助浴", "bath", "助浴"),
        ("A Haircut, please", "haircut", "Haircut"),
        ("剪个头发", "haircut", "剪个头发"),
        ("我想理法", "haircut", "理法"),
    ],
)
def test_a_service_by_its_names(text: str, key: str, words: str) -> None:
    [entity] = SERVICES.find(text)
    assert (entity.entity, entity.value, entity.text) == ("service", key, words)


@pytest.mark.parametrize("text", ["立法机关", "facelifts", "理由", ""])
def test_what_is_no_name(text: str) -> None:
    assert [*SERVICES.find(text), *FAULTS.find(text)] == []


def test_a_guess_by_sound_says_so() -> None:
    [entity] = SERVICES.find("我想理法")
    assert entity.extra == {"heard_as": "理发"}


def test_small_words_do_not_break_a_fault() -> None:
    [entity] = FAULTS.find("三楼的灯又都不亮了")
    assert (entity.value, entity.text) == ("light", "灯又都不亮")


def test_a_fault_names_the_part_of_the_home() -> None:
    [entity] = FAULTS.find("厕所水管一直漏水")
    assert (entity.value, entity.extra) == ("pipe_leak", {"part": "卫生间"})


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="水管又漏灯不亮理法发助浴门上 ,ｌｉｆｔhaircut", max_size=30))
def test_nothing_raises_and_nothing_overlaps(text: str) -> None:
    for lookup in (SERVICES, FAULTS):
        end = 0
        for entity in lookup.find(text):
            assert entity.text == text[entity.start : entity.end]
            assert entity.start >= end
            end = entity.end


@pytest.mark.parametrize("text", ["从哪里发货", "有助于成长", "你发给我"])
def test_small_words_that_sound_alike_are_no_service(text: str) -> None:
    assert SERVICES.find(text) == []
