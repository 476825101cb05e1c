"""Times, places and lists in words, in both languages."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.replies import Replies
from flows.wording import Wording

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=SHANGHAI)


@lru_cache
def wording(language: str) -> Wording:
    return Wording(Replies.load(), language)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("moment", "zh", "en"),
    [
        (at(23, 12), "今天（11月23日周一）中午12点", "today (Monday, 23 November) at 12 p.m."),
        (at(24, 0), "明天（11月24日周二）凌晨0点", "tomorrow (Tuesday, 24 November) at 12 a.m."),
        (at(24, 8, 30), "明天（11月24日周二）早上8点半", "tomorrow (Tuesday, 24 November) at 8:30 a.m."),
        (at(25, 15, 5), "后天（11月25日周三）下午3点05分", "Wednesday, 25 November at 3:05 p.m."),
        (at(30, 18), "11月30日周一晚上6点", "Monday, 30 November at 6 p.m."),
        (at(22, 23, 45), "昨天（11月22日周日）深夜11点45分", "yesterday (Sunday, 22 November) at 11:45 p.m."),
    ],
)
def test_a_moment(moment: datetime, zh: str, en: str) -> None:
    assert wording("zh").moment(moment, NOW) == zh
    assert wording("en").moment(moment, NOW) == en


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), st.sampled_from(["zh", "en"]))
def test_every_moment_has_words(naive: datetime, language: str) -> None:
    moment = naive.replace(tzinfo=SHANGHAI)
    said = wording(language).moment(moment, NOW)
    assert str(moment.day) in said
    assert "{" not in said


def test_a_day_is_named_once_in_a_list() -> None:
    several = [at(24, 9), at(24, 10, 30), at(26, 9)]
    assert (
        wording("zh").moments(several, NOW) == "明天（11月24日周二）上午9点、上午10点半和11月26日周四上午9点"
    )
    assert wording("zh").moments([], NOW) == ""


def test_a_button_is_short() -> None:
    assert wording("zh").moment_short(at(24, 9), NOW) == "明天上午9点"
    assert wording("zh").moment_short(at(26, 9), NOW) == "11月26日周四上午9点"


@pytest.mark.parametrize(
    ("place", "zh", "spoken"),
    [
        (
            {"building": "5", "unit": "1", "room": "1203", "name": None},
            "5号楼1单元1203",
            "5号楼1单元幺二零三",
        ),
        ({"building": "3", "unit": None, "room": None, "name": None}, "3号楼", "3号楼"),
        ({"building": None, "unit": None, "room": None, "name": "东门"}, "东门", "东门"),
    ],
)
def test_a_place(place: dict[str, str | None], zh: str, spoken: str) -> None:
    assert wording("zh").place(place) == zh
    assert wording("zh").place_spoken(place) == spoken


def test_no_place_has_words_too() -> None:
    assert wording("zh").place(None) == wording("zh").place({}) == wording("zh").place_spoken(None)


@pytest.mark.parametrize(
    ("length", "zh"),
    [
        (timedelta(seconds=10), "1分钟"),
        (timedelta(minutes=30), "30分钟"),
        (timedelta(minutes=90), "2小时"),
        (timedelta(hours=24), "24小时"),
    ],
)
def test_a_length_of_time(length: timedelta, zh: str) -> None:
    assert wording("zh").duration(length) == zh


def test_a_number_is_said_by_its_last_digits() -> None:
    assert wording("zh").number_spoken("B20261123-0017") == "零零幺七"
    assert wording("en").number_spoken("B20261123-0017") == "zero zero one seven"


@pytest.mark.parametrize(("items", "zh"), [([], ""), (["甲"], "甲"), (["甲", "乙", "丙"], "甲、乙和丙")])
def test_a_list(items: list[str], zh: str) -> None:
    assert wording("zh").listed(items) == zh
