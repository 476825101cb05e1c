"""Working days, opening hours and slots, against the official calendar and across a clock that jumps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.content import Hours, Opening, Service, load_services
from data.opening import (
    Slot,
    earliest_start,
    in_part,
    is_public_holiday,
    is_workday,
    nearest_slots,
    next_slots,
    nth_workday,
    slot_at,
    slots_from,
    slots_on,
    windows_on,
)

TZ = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
SERVICES = load_services()
SUNDAY = date(2026, 11, 22)
MONDAY = date(2026, 11, 23)


def at(text: str, tz: ZoneInfo = TZ) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=tz)


def starts(slots: list[Slot]) -> list[str]:
    return [slot.start.strftime("%m-%d %H:%M") for slot in slots]


def nightly(minutes: int = 60) -> Service:
    hours = (Hours(opens=60, closes=300),)
    return replace(
        SERVICES["haircut"],
        open=Opening(days="daily", hours=hours),
        slot_minutes=minutes,
        every_minutes=minutes,
    )


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (MONDAY, True),
        (SUNDAY, False),
        (date(2026, 10, 1), False),  # National Day, a Thursday
        (date(2026, 10, 10), True),  # the Saturday worked instead
        (date(2049, 10, 1), True),  # a Friday of a year without a published calendar
        (date(2049, 10, 2), False),
    ],
)
def test_a_workday_is_what_the_official_calendar_says_and_a_weekday_where_there_is_none(
    day: date, works: bool
) -> None:
    assert is_workday(day) is works


def test_a_plain_weekend_is_no_public_holiday() -> None:
    assert is_public_holiday(date(2026, 10, 3))
    assert not is_public_holiday(SUNDAY)
    assert not is_public_holiday(date(2026, 10, 10))
    assert not is_public_holiday(date(2049, 10, 1))


def test_working_days_are_counted_over_the_weekend() -> None:
    assert nth_workday(SUNDAY, 0) == MONDAY
    assert nth_workday(MONDAY, 0) == MONDAY
    assert nth_workday(SUNDAY, 2) == date(2026, 11, 24)
    assert nth_workday(MONDAY, -1) == date(2026, 11, 20)


def test_a_haircut_day_has_half_hour_slots_from_nine_to_five() -> None:
    slots = slots_on(SERVICES["haircut"], MONDAY, TZ)
    assert len(slots) == 16
    assert starts(slots)[0] == "11-23 09:00"
    assert slots[-1].end == at("2026-11-23T17:00")
    assert slots_on(SERVICES["haircut"], SUNDAY, TZ) == []


def test_the_canteen_serves_twice_on_every_day() -> None:
    assert starts(slots_on(SERVICES["lunch"], SUNDAY, TZ)) == [
        "11-22 10:30",
        "11-22 11:00",
        "11-22 11:30",
        "11-22 12:00",
    ]
    assert starts(slots_on(SERVICES["dinner"], date(2026, 10, 1), TZ))[-1] == "10-01 18:00"


def test_named_weekdays_rest_on_a_public_holiday_only_where_the_entry_says_so() -> None:
    holiday = date(2026, 10, 1)
    assert slots_on(SERVICES["rehab"], holiday, TZ) == []
    open_anyway = replace(SERVICES["rehab"].open, holidays="open")
    assert slots_on(replace(SERVICES["rehab"], open=open_anyway), holiday, TZ)


def test_slots_that_overlap_begin_every_half_hour_and_end_before_closing() -> None:
    slots = slots_on(SERVICES["home_cleaning"], MONDAY, TZ)
    assert starts(slots)[:3] == ["11-23 09:00", "11-23 09:30", "11-23 10:00"]
    assert slots[-1].end == at("2026-11-23T17:00")


@pytest.mark.parametrize(
    ("key", "moment", "start"),
    [
        ("haircut", "2026-11-23T10:00", "11-23 10:00"),
        ("haircut", "2026-11-23T10:29", "11-23 10:00"),
        ("haircut", "2026-11-23T10:30", "11-23 10:30"),
        ("home_cleaning", "2026-11-23T10:30", "11-23 10:30"),
        ("haircut", "2026-11-23T08:59", None),
        ("haircut", "2026-11-23T17:00", None),
        ("haircut", "2026-11-22T10:00", None),
    ],
)
def test_the_slot_at_a_moment(key: str, moment: str, start: str | None) -> None:
    slot = slot_at(SERVICES[key], at(moment))
    assert (slot.start.strftime("%m-%d %H:%M") if slot else None) == start


def test_the_next_slots_skip_closed_days_and_keep_to_the_part_of_the_day() -> None:
    haircut, friday = SERVICES["haircut"], at("2026-11-20T16:40")
    assert starts(next_slots(haircut, friday)) == ["11-23 09:00", "11-23 09:30", "11-23 10:00"]
    assert starts(next_slots(haircut, friday, "afternoon", 2)) == ["11-23 12:00", "11-23 12:30"]
    assert next_slots(haircut, friday, "night") == []


def test_a_slot_that_begins_this_very_moment_is_among_the_next() -> None:
    assert starts(next_slots(SERVICES["haircut"], at("2026-11-23T09:30"), limit=1)) == ["11-23 09:30"]


def test_notice_time_moves_the_earliest_start() -> None:
    assert earliest_start(SERVICES["home_bath"], at("2026-11-23T09:00")) == at("2026-11-24T09:00")


def test_the_nearest_slots_lie_on_both_sides_of_the_wanted_one() -> None:
    haircut, wanted = SERVICES["haircut"], at("2026-11-23T10:00")
    around = nearest_slots(haircut, wanted, earliest=at("2026-11-22T10:00"), limit=3)
    assert starts(around) == ["11-23 09:30", "11-23 10:30", "11-23 09:00"]
    later = nearest_slots(haircut, wanted, earliest=at("2026-11-23T09:50"), limit=2)
    assert starts(later) == ["11-23 10:30", "11-23 11:00"]
    past = nearest_slots(haircut, at("2026-11-20T10:00"), earliest=wanted, limit=1)
    assert starts(past) == ["11-23 10:00"]


@pytest.mark.parametrize(
    ("clock", "part", "inside"),
    [
        ("09:00", "morning", True),
        ("12:00", "morning", False),
        ("23:30", "night", True),
        ("03:00", "night", True),
        ("18:00", "afternoon", True),
        ("18:00", None, True),
    ],
)
def test_parts_of_a_day(clock: str, part: str | None, inside: bool) -> None:
    assert in_part(at(f"2026-11-23T{clock}").time(), part) is inside


def test_a_naive_moment_and_an_unknown_part_are_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        slot_at(SERVICES["haircut"], datetime(2026, 11, 23, 10))
    with pytest.raises(ValueError, match="part of the day"):
        next_slots(SERVICES["haircut"], at("2026-11-23T10:00"), "teatime")


def test_the_day_the_clock_jumps_forward_loses_the_hour_that_does_not_exist() -> None:
    slots = slots_on(nightly(), date(2026, 3, 29), BERLIN)
    assert starts(slots) == ["03-29 01:00", "03-29 03:00", "03-29 04:00"]


def test_the_day_the_clock_goes_back_has_the_doubled_hour_twice() -> None:
    slots = slots_on(nightly(), date(2026, 10, 25), BERLIN)
    assert starts(slots) == ["10-25 01:00", "10-25 02:00", "10-25 02:00", "10-25 03:00", "10-25 04:00"]
    assert slot_at(nightly(), slots[2].start) == slots[2]
    assert slots[1].start.astimezone(UTC) < slots[2].start.astimezone(UTC)


@settings(max_examples=60, deadline=None)
@given(
    key=st.sampled_from(sorted(SERVICES)),
    after=st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 1)),
    tz=st.sampled_from([TZ, BERLIN]),
)
def test_every_service_has_a_next_slot_of_the_right_length_that_is_found_again(
    key: str, after: datetime, tz: ZoneInfo
) -> None:
    service, moment = SERVICES[key], after.replace(tzinfo=tz)
    slot = next(slots_from(service, moment))
    real = slot.end.astimezone(UTC) - slot.start.astimezone(UTC)
    assert slot.start.astimezone(UTC) >= moment.astimezone(UTC)
    assert real == timedelta(minutes=service.slot_minutes)
    assert slot_at(service, slot.start) == slot


def test_an_opening_hour_the_clock_jumps_over_is_the_same_moment_after_the_jump() -> None:
    opening = Opening(days="daily", hours=(Hours(opens=150, closes=300),))
    (window,) = windows_on(opening, date(2026, 3, 29), BERLIN)
    assert (window.start.hour, window.start.minute) == (3, 30)


def test_a_booking_takes_its_count_only_where_a_count_is_asked() -> None:
    assert SERVICES["lunch"].takes == "count"
    assert SERVICES["legal_advice"].takes == "booking"
