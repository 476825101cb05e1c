"""Addresses in every way people write them, shared places, home, and what is no place."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlu.places import Places

PLACES = Places()
FULL = {"building": "3", "unit": "2", "room": "501"}


def values(text: str, *, asked: bool = False) -> list[dict[str, str]]:
    return [entity.value for entity in PLACES.find(text, asked=asked)]


CASES = [
    tuple(line.split("\t"))
    for line in (Path(__file__).parents[1] / "data" / "places_own.tsv")
    .read_text(encoding="utf-8")
    .splitlines()[1:]
]


@pytest.mark.parametrize(("text", "asked", "expected"), CASES)
def test_a_place_means_what_it_says(text: str, asked: str, expected: str) -> None:
    found = PLACES.find(text, asked=bool(asked))
    said = [entity.value or {"floor": entity.extra["floor"]} for entity in found]
    assert ("|".join(",".join(f"{k}={v}" for k, v in value.items()) for value in said) or "-") == expected


@pytest.mark.parametrize(
    "text",
    [
        "3号楼2单元501",
        "三号楼二单元五零一",
        "三号楼二单元五百零一",
        "三号楼的二单元501室",
        "3栋2单元501室",
        "三幢二单元五零一",
        "3号2单元501",
        "3-2-501",
        "3—2—501室",
        "3#2-501",
        "３号楼２单元５０１",
        "三杠二杠五零一",
        "3号楼，2单元，501",
        "3号楼2门501",
        "building 3 unit 2 room 501",
        "Building 3, Unit 2, Room 501",
        "Building three, unit two, apt 501",
    ],
)
def test_one_home_written_in_many_ways(text: str) -> None:
    assert values(f"{text}") == [FULL]
    assert values(f"麻烦来{text}修水管") == [FULL]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("三号楼", {"building": "3"}),
        ("五幢", {"building": "5"}),
        ("A座1203", {"building": "A", "room": "1203"}),
        ("二单元", {"unit": "2"}),
        ("501室", {"room": "501"}),
        ("3栋501", {"building": "3", "room": "501"}),
        ("3-501", {"building": "3", "room": "501"}),
        ("5栋3-201", {"building": "5", "unit": "3", "room": "201"}),
        ("我家水管漏了", {"place": "home"}),
        ("屋里没电了", {"place": "home"}),
        ("咱家", {"place": "home"}),
        ("my flat is cold", {"place": "home"}),
        ("东门的灯坏了", {"place": "东门"}),
        ("我家住3号楼2单元501", FULL),
        ("5号楼地下车库", {"building": "5", "place": "地下车库"}),
    ],
)
def test_only_what_is_known_is_in_the_value(text: str, value: dict[str, str]) -> None:
    assert values(text) == [value]


def test_a_floor_stands_beside_the_value() -> None:
    [place] = PLACES.find("5号楼1单元12楼1203")
    assert place.value == {"building": "5", "unit": "1", "room": "1203"}
    assert place.extra == {"floor": "12"}
    [floor] = PLACES.find("十二楼的灯不亮")
    assert (floor.value, floor.extra) == ({}, {"floor": "12"})


def test_a_shared_place_has_its_area() -> None:
    [place] = PLACES.find("地下车库B区漏水")
    assert (place.value, place.text, place.extra) == ({"place": "地下车库"}, "地下车库B区", {"area": "B区"})


@pytest.mark.parametrize(
    ("text", "value", "rejected"),
    [
        ("不是3号楼,是5号楼", {"building": "5"}, {"building": "3"}),
        ("三号楼哦不五号楼", {"building": "5"}, {"building": "3"}),
        ("3号楼2单元501,不对,502", FULL | {"room": "502"}, FULL),
        ("5号楼1203室,哦不对是1204", {"building": "5", "room": "1204"}, {"building": "5", "room": "1203"}),
    ],
)
def test_a_corrected_place_is_the_corrected_one(text: str, value: object, rejected: object) -> None:
    [place] = PLACES.find(text)
    assert place.value == value
    assert place.extra["instead_of"] == rejected


@pytest.mark.parametrize(
    "text",
    ["西门子冰箱", "一栋楼都没水", "隔壁家里太吵", "闺女家里", "3.501公斤", "13812345678", "R20261122-0007",
     "2026-12-03下午", "我今年八十二了", "疼了三天", "三个人", "大年三十", "3/12/2026"],
)  # fmt: skip
def test_what_is_no_place(text: str) -> None:
    assert values(text) == []


def test_two_places_stay_two() -> None:
    assert values("3号楼和5号楼") == [{"building": "3"}, {"building": "5"}]


def test_a_bare_number_is_a_room_only_when_asked() -> None:
    assert values("501") == []
    assert values("501", asked=True) == [{"room": "501"}]
    assert values("3 2 501", asked=True) == [FULL]
    assert values("三二五零一", asked=True) == [FULL]


def test_a_community_names_its_own_places() -> None:
    places = Places({"荷花池": ("池塘", "lotus pond"), "北门": ()})
    assert [e.value for e in places.find("池塘边上和 Lotus Pond")] == [
        {"place": "荷花池"},
        {"place": "荷花池"},
    ]
    assert places.find("东门") == []


@settings(max_examples=150, deadline=None)
@given(
    st.text(alphabet="一二三号楼单元室栋幢层-0123456789我家里东门不是对,， 。abuildng", max_size=40),
    st.booleans(),
)
def test_nothing_raises_and_spans_cut_the_text(text: str, asked: bool) -> None:
    for entity in PLACES.find(text, asked=asked):
        assert entity.text == text[entity.start : entity.end]
        assert set(entity.value) <= {"building", "unit", "room", "place"}
        assert all(value.isascii() and value for key, value in entity.value.items() if key != "place")


def test_another_shared_place_keeps_nothing_of_the_old() -> None:
    [place] = PLACES.find("3号楼东门,不对,是西门")
    assert place.value == {"place": "西门"}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("喂 三 号 楼 二 单 元 五 零 一 漏水", "三 号 楼 二 单 元 五 零 一"),
        ("501室，3号楼2单元没电", "501室，3号楼2单元"),
        ("我在三号搂二但元五零一", "三号搂二但元五零一"),
        ("房号不是501，是502", "房号不是501，是502"),
    ],
)
def test_the_span_is_cut_from_what_was_written(text: str, part: str) -> None:
    (entity,) = PLACES.find(text)
    assert entity.text == part == text[entity.start : entity.end]


def test_a_gate_is_found_by_its_side_only_where_the_community_has_one() -> None:
    assert values("东边那个门刷不开") == [{"place": "东门"}]
    assert values("北边那个门刷不开") == []
    assert [entity.value for entity in Places(["北门"]).find("北边那个门刷不开")] == [{"place": "北门"}]


def test_two_homes_stay_two() -> None:
    assert values("二单元,六栋三单元漏水") == [{"unit": "2"}, {"building": "6", "unit": "3"}]
    assert values("5号楼1203,3号楼也没水") == [{"building": "5", "room": "1203"}, {"building": "3"}]


def test_a_shared_part_keeps_its_building_and_unit() -> None:
    assert [e.value for e in Places(["楼道"]).find("9号楼1单元的楼道")] == [
        {"building": "9", "unit": "1", "place": "楼道"}
    ]
