"""Value strings are read back as they were written, and say when they last and when they come again."""

from datetime import date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu.timevalues import (
    PARTS,
    Repeat,
    TimeValue,
    TimeValueError,
    format_value,
    next_after,
    parse_value,
    span_of,
)

ZONE = timezone(timedelta(hours=8))
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=ZONE)

DAYS = st.dates(min_value=date(1950, 1, 1), max_value=date(2090, 1, 1))
CLOCKS = st.times().map(lambda at: at.replace(second=0, microsecond=0))


def numbers(low: int, high: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(low, high), max_size=3, unique=True).map(tuple)


REPEATS = st.builds(
    Repeat,
    freq=st.sampled_from(["MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    interval=st.integers(1, 90),
    byday=st.lists(st.sampled_from(["MO", "TU", "SU"]), max_size=3, unique=True).map(tuple),
    bymonth=numbers(1, 12),
    bymonthday=numbers(1, 31),
    byhour=numbers(0, 23),
    byminute=numbers(0, 59),
    lunar=st.booleans(),
)
VALUES = st.one_of(
    st.builds(TimeValue, kind=st.just("instant"), day=DAYS, clock=CLOCKS),
    st.builds(TimeValue, kind=st.just("date"), day=DAYS),
    st.builds(TimeValue, kind=st.just("part"), day=DAYS, part=st.sampled_from(sorted(PARTS))),
    st.builds(TimeValue, kind=st.just("interval"), day=DAYS, end_day=DAYS),
    st.builds(TimeValue, kind=st.just("interval"), day=DAYS, clock=CLOCKS, end_day=DAYS, end_clock=CLOCKS),
    st.builds(TimeValue, kind=st.just("repeat"), repeat=REPEATS),
)


@given(VALUES)
def test_what_is_written_is_read_back(value: TimeValue) -> None:
    assert parse_value(format_value(value)) == value


@given(st.text(max_size=30))
def test_anything_else_is_refused_and_nothing_more(text: str) -> None:
    try:
        value = parse_value(text)
    except TimeValueError:
        return
    assert parse_value(format_value(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-13-01",
        "2026-11-23Tdawn",
        "FREQ=NEVER",
        "BYHOUR=3;FREQ=DAILY",
        "FREQ=DAILY;BYHOUR=24",
        "2026-11-23/",
    ],
)
def test_a_malformed_value_is_refused(text: str) -> None:
    with pytest.raises(TimeValueError):
        parse_value(text)


def test_a_part_of_a_day_lasts_as_long_as_its_table_says() -> None:
    start, end = span_of(parse_value("2026-11-23Tmorning"), ZONE)
    assert (start, end) == (datetime(2026, 11, 23, 6, tzinfo=ZONE), datetime(2026, 11, 23, 11, tzinfo=ZONE))


def test_a_date_lasts_a_day_and_a_stretch_of_days_to_its_last() -> None:
    assert span_of(parse_value("2026-11-23"), ZONE)[1] == datetime(2026, 11, 24, tzinfo=ZONE)
    assert span_of(parse_value("2026-11-23/2026-11-25"), ZONE)[1] == datetime(2026, 11, 26, tzinfo=ZONE)


def test_a_repeat_has_no_one_span() -> None:
    with pytest.raises(TimeValueError):
        span_of(parse_value("FREQ=DAILY"), ZONE)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=DAILY;BYHOUR=7,20;BYMINUTE=0", "2026-11-22T20:00+08:00"),
        ("FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=8;BYMINUTE=0", "2026-11-23T08:00+08:00"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1;BYHOUR=9;BYMINUTE=30", "2026-11-30T09:30+08:00"),
        ("FREQ=HOURLY;INTERVAL=2", "2026-11-22T12:00+08:00"),
        ("RSCALE=CHINESE;FREQ=MONTHLY;BYMONTHDAY=1;BYHOUR=8;BYMINUTE=0", "2026-12-09T08:00+08:00"),
    ],
)
def test_when_it_comes_again(rule: str, expected: str) -> None:
    repeat = parse_value(rule).repeat
    assert repeat is not None
    assert next_after(repeat, NOW) == datetime.fromisoformat(expected)


def test_clock_is_a_time_without_a_zone() -> None:
    assert parse_value("2026-11-23T08:00").clock == time(8)
