"""Spoken times on Sunday 22 November 2026 at ten in the morning, and what is no time at all."""

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlu.numbers import words
from nlu.times import find_times
from nlu.times.__main__ import measure
from nlu.timevalues import format_value, parse_value

NOW = datetime.fromisoformat("2026-11-22T10:00+08:00")
CASES = [
    tuple(line.split("\t"))
    for line in (Path(__file__).parents[1] / "data" / "times_own.tsv")
    .read_text(encoding="utf-8")
    .splitlines()[1:]
]


def values(text: str, now: datetime = NOW) -> list[str]:
    return [entity.value for entity in find_times(text, now)]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_an_expression_means_what_it_says(text: str, expected: str) -> None:
    assert ("|".join(values(text)) or "-") == expected


@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        ("2026-11-22T22:30+08:00", "八点", "2026-11-23T08:00"),
        ("2026-11-22T22:30+08:00", "早上", "2026-11-23Tmorning"),
        ("2026-11-23T01:00+08:00", "凌晨两点", "2026-11-23T02:00"),
        ("2026-11-23T01:00+08:00", "早上七点", "2026-11-23T07:00"),
        ("2026-11-28T09:00+08:00", "周六", "2026-12-05"),
        ("2026-12-31T18:00+08:00", "明天", "2027-01-01"),
        ("2026-01-31T10:00+08:00", "下个月三十号", "2026-02-28"),
        ("2028-02-28T10:00+08:00", "明天", "2028-02-29"),
        ("2026-01-31T10:00+08:00", "一个月后", "2026-02-28"),
        ("2026-09-30T10:00+08:00", "下个工作日", "2026-10-08"),
        ("2026-02-13T10:00+08:00", "下个工作日", "2026-02-14"),
        ("2026-11-25T10:00+08:00", "这周三", "2026-11-25"),
        ("2026-11-25T10:00+08:00", "周三", "2026-12-02"),
        ("2026-11-25T10:00+08:00", "下周三", "2026-12-02"),
    ],
)
def test_another_now_another_meaning(now: str, text: str, expected: str) -> None:
    assert ("|".join(values(text, datetime.fromisoformat(now))) or "-") == expected


def test_a_clock_takes_its_day_from_earlier_in_the_sentence() -> None:
    [entity] = find_times("我想明天去理发,下午三点行不行", NOW)
    assert (entity.value, entity.text) == ("2026-11-23T15:00", "下午三点")
    assert entity.extra["day_text"] == "明天"


def test_a_corrected_time_remembers_what_it_replaces() -> None:
    [entity] = find_times("明天下午三点,哦不,四点", NOW)
    assert entity.value == "2026-11-23T16:00"
    assert entity.extra["instead_of"] == "2026-11-23T15:00"


def test_a_change_of_a_booking_names_both_times() -> None:
    assert values("把明天上午的理发改到后天") == ["2026-11-23Tmorning", "2026-11-24"]


def test_a_deadline_says_so() -> None:
    [entity] = find_times("周五前修好", NOW)
    assert (entity.value, entity.text, entity.extra["relation"]) == ("2026-11-27", "周五前", "before")


def test_hours_and_minutes_that_do_not_multiply_become_two_rules() -> None:
    assert values("每天早上七点半和晚上八点") == [
        "FREQ=DAILY;BYHOUR=7;BYMINUTE=30",
        "FREQ=DAILY;BYHOUR=20;BYMINUTE=0",
    ]


def test_a_repeat_without_an_hour_gets_none() -> None:
    [entity] = find_times("每天早上提醒我吃药", NOW)
    assert (entity.value, entity.extra["parts"]) == ("FREQ=DAILY", ["morning"])


def test_a_repeat_knows_when_it_begins() -> None:
    [entity] = find_times("从明天起每天早上八点", NOW)
    assert (entity.value, entity.extra["from"]) == ("FREQ=DAILY;BYHOUR=8;BYMINUTE=0", "2026-11-23")


def test_full_width_and_traditional_keep_their_spans() -> None:
    [entity] = find_times("聽日晚上８：３０見", NOW)
    assert (entity.value, entity.text) == ("2026-11-23T20:30", "聽日晚上８：３０")


def test_the_measure_counts_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "times.tsv"
    file.write_text("text\texpected\n明天\t2026-11-23\n后天\t2026-11-23\n", encoding="utf-8")
    right, total, wrong = measure(file, NOW)
    assert (right, total) == (1, 2)
    assert wrong == ["后天\twanted 2026-11-23\tgot 2026-11-24"]


PIECES = st.sampled_from(
    words(
        "明天 后天 大后天 昨晚 下周 周三 星期天 每天 每周 一三五 每月 初一 十五 隔 天 早上 下午 晚上 半夜 凌晨 三点 十二点 半 一刻 差五分 过 十分 到 和 、 不对 不是 "
        "是 农历 腊月 正月 三十 二十五号 月底 年底 前 后 两 个 小时 三天 分钟 国庆 除夕 清明 第一个 工作日 节后 2026年 12月 3日 15:20 明年 闰 二月 tomorrow next Monday "
        "at 3 pm half past eight every day in two weeks the 25th Dec from to and before , 。 的 那天 零 一 二 九 百 千 0 9999 31号 24点 25点 8:61"
    )
)
MOMENTS = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2090, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=NOW.tzinfo)
)


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join), MOMENTS)
def test_every_value_parses_back_and_every_span_cuts_the_text(text: str, now: datetime) -> None:
    for entity in find_times(text, now):
        assert format_value(parse_value(entity.value)) == entity.value
        assert entity.text == text[entity.start : entity.end]


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=10).map(" ".join))
def test_spaces_do_not_hurt(text: str) -> None:
    for entity in find_times(text, NOW):
        assert entity.text == text[entity.start : entity.end]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=50), MOMENTS)
def test_no_text_raises(text: str, now: datetime) -> None:
    find_times(text, now)
