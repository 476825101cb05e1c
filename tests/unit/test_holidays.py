"""The calendar: lunar days, festivals, days off and made-up working days, also in years not yet announced."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlu.holidays import (
    HOLIDAYS,
    is_workday,
    lunar_date,
    next_holiday,
    next_lunar_day,
    nth_workday,
    solar_term,
)

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("春节", "2027-02-06"),
        ("除夕", "2027-02-05"),
        ("年廿八", "2027-02-04"),
        ("元宵节", "2027-02-20"),
        ("清明", "2027-04-05"),
        ("端午", "2027-06-09"),
        ("中秋", "2027-09-15"),
        ("重阳", "2027-10-08"),
        ("冬至", "2026-12-22"),
        ("母亲节", "2027-05-09"),
        ("跨年夜", "2026-12-31"),
    ],
)
def test_a_festival_is_its_next_day(name: str, expected: str) -> None:
    assert next_holiday(name, TODAY) == date.fromisoformat(expected)


def test_the_last_day_of_a_lunar_year_may_be_its_29th() -> None:
    assert lunar_date(2026, 12, -1) == lunar_date(2026, 12, 29) == date(2027, 2, 5)
    assert lunar_date(2026, 12, 30) is None


def test_a_leap_month_is_there_only_in_its_year() -> None:
    assert lunar_date(2025, -6, 1) == date(2025, 7, 25)
    assert lunar_date(2026, -6, 1) is None


def test_years_that_cannot_be_computed_have_no_date() -> None:
    assert lunar_date(1899, 1, 1) is None
    assert solar_term("冬至", 2150) is None
    assert solar_term("小雨", 2026) is None


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-02-14", True),  # a Saturday made up for the Spring Festival
        ("2026-10-10", True),  # a Saturday made up for the National Day
        ("2026-10-05", False),  # a Monday off
        ("2026-11-21", False),
    ],
)
def test_an_announced_year_has_its_made_up_days(day: str, works: bool) -> None:
    assert is_workday(date.fromisoformat(day)) is works


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2031-01-01", False),  # New Year
        ("2031-05-05", False),  # Labour Day, fifth day
        ("2031-05-06", True),
        ("2031-10-07", False),  # National Day, seventh day
        ("2031-10-08", True),
        ("2031-01-22", False),  # the eve of the Spring Festival
        ("2031-01-29", False),  # its seventh day
        ("2031-01-30", True),
        ("2031-10-11", False),  # a Saturday: no made-up day is invented
    ],
)
def test_a_year_not_yet_announced_has_the_customary_days_off_and_no_made_up_days(
    day: str, works: bool
) -> None:
    assert is_workday(date.fromisoformat(day)) is works


def test_working_days_are_counted_over_a_break_in_both_directions() -> None:
    assert nth_workday(date(2026, 9, 30), 1) == date(2026, 10, 8)
    assert nth_workday(date(2026, 10, 8), -1) == date(2026, 9, 30)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(HOLIDAYS)), st.dates(date(1950, 1, 1), date(2090, 12, 31)))
def test_the_next_festival_is_never_past_and_at_most_two_years_away(name: str, today: date) -> None:
    found = next_holiday(name, today)
    assert found is not None
    assert today <= found <= today + timedelta(days=740)


@settings(max_examples=60, deadline=None)
@given(st.dates(date(1950, 1, 1), date(2090, 12, 31)), st.integers(1, 29))
def test_every_lunar_month_has_29_days(today: date, number: int) -> None:
    found = next_lunar_day(today, number)
    assert found is not None
    assert today <= found <= today + timedelta(days=31)


@settings(max_examples=60, deadline=None)
@given(st.dates(date(1990, 1, 1), date(2090, 12, 31)))
def test_no_day_raises(day: date) -> None:
    assert is_workday(day) in (True, False)
