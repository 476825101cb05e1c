"""Clocks of cases: a function of history, promises and now (H6, H8)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from data.clocks import Event, later, of_stamps, standings
from data.content import load_clocks

CLOCKS = load_clocks()
ZONE = ZoneInfo("Asia/Shanghai")


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """A moment of November 2026 on Shanghai's clock; the 23rd is a Monday."""
    return datetime(2026, 11, day, hour, minute, second, tzinfo=ZONE)


def history(*steps: tuple[datetime, str, str]) -> list[Event]:
    return [Event(at=when, move=move, after=after) for when, move, after in steps]


def colours(
    kind: str, urgency: str | None, now: datetime, *steps: tuple[datetime, str, str]
) -> dict[str, str]:
    found = standings(CLOCKS, kind=kind, urgency=urgency, history=history(*steps), now=now, zone=ZONE)
    return {clock.name: clock.colour for clock in found}


OPENED = (at(23, 10), "created", "open")


@pytest.mark.parametrize(
    ("now", "colour"),
    [
        (at(23, 10), "blue"),
        (at(23, 10, 22, 29), "blue"),
        (at(23, 10, 22, 30), "yellow"),  # 75 % of 30 minutes
        (at(23, 10, 30), "yellow"),  # the last moment is in time
        (at(23, 10, 30, 1), "red"),
        (at(25, 10), "red"),
    ],
)
def test_an_open_repair_turns_yellow_then_red(now: datetime, colour: str) -> None:
    assert colours("repair", "ordinary", now, OPENED)["accept"] == colour


@pytest.mark.parametrize(
    ("opened", "urgency", "due"),
    [
        (at(23, 10), "ordinary", at(23, 10, 30)),
        (at(23, 19, 50), "ordinary", at(24, 8, 20)),  # duty ends at 20:00
        (at(23, 23), "ordinary", at(24, 8, 30)),
        (at(23, 7), "ordinary", at(23, 8, 30)),
        (at(23, 23), "urgent", at(23, 23, 10)),  # an urgent one does not wait for the morning
    ],
)
def test_only_the_hours_that_count_are_counted(opened: datetime, urgency: str, due: datetime) -> None:
    found = standings(
        CLOCKS,
        kind="repair",
        urgency=urgency,
        history=history((opened, "created", "open")),
        now=opened,
        zone=ZONE,
    )
    assert found[0].due_at == due
    assert found[0].due_at.utcoffset() == timedelta(hours=8)


def test_office_hours_leave_out_weekends_and_nights() -> None:
    friday = at(27, 16, 30)
    assert later(friday, timedelta(hours=1), CLOCKS.calendars["work"], ZONE) == at(30, 9, 30)


def test_a_length_that_ends_with_the_day_is_due_at_its_end() -> None:
    assert later(at(23, 18), timedelta(hours=2), CLOCKS.calendars["duty"], ZONE) == at(23, 20)


def test_a_clock_that_was_met_keeps_its_colour_for_ever() -> None:
    steps = (OPENED, (at(23, 10, 5), "accept", "accepted"), (at(23, 13), "on_site", "on_site"))
    found = standings(
        CLOCKS, kind="repair", urgency="ordinary", history=history(*steps), now=at(30, 9), zone=ZONE
    )
    assert [(clock.name, clock.colour) for clock in found] == [
        ("accept", "blue"),
        ("on_site", "red"),
        ("close", "red"),
    ]
    assert [clock.met_at for clock in found] == [at(23, 10, 5), at(23, 13), None]


def test_a_comment_or_a_me_too_resets_nothing() -> None:
    steps = (OPENED, (at(23, 10, 29), "me_too", "open"))
    assert colours("repair", "ordinary", at(23, 10, 31), *steps)["accept"] == "red"


def test_reopening_starts_anew() -> None:
    steps = (
        OPENED,
        (at(23, 10, 5), "accept", "accepted"),
        (at(23, 11), "on_site", "on_site"),
        (at(23, 12), "done", "done"),
        (at(24, 9), "reopen", "reopened"),
    )
    assert colours("repair", "ordinary", at(24, 9, 1), *steps) == {
        "accept": "blue",
        "on_site": "blue",
        "close": "blue",
    }
    assert colours("repair", "ordinary", at(24, 9, 31), *steps)["accept"] == "red"


def test_nothing_runs_on_after_a_case_was_called_off() -> None:
    steps = (OPENED, (at(23, 10, 10), "cancel", "cancelled"))
    assert set(colours("repair", "ordinary", at(30, 9), *steps).values()) == {"blue"}


def test_a_complex_complaint_has_longer_once_its_reason_is_written_down() -> None:
    asked = (at(2, 10), "created", "open")
    answered = (at(3, 10), "done", "answered")
    assert colours("complaint", None, at(12, 10), asked, answered)["close"] == "red"
    extended = (at(4, 10), "extend", "answered")
    assert colours("complaint", None, at(12, 10), asked, answered, extended)["close"] == "blue"


def test_an_alarm_is_judged_by_its_stamps() -> None:
    raised = at(23, 3)
    steps = of_stamps(raised, [("acknowledged", raised + timedelta(seconds=61)), ("on_site", None)])
    found = standings(
        CLOCKS, kind="alarm", urgency=None, history=steps, now=raised + timedelta(minutes=31), zone=ZONE
    )
    assert {clock.name: clock.colour for clock in found} == {
        "acknowledge": "red",
        "breach": "blue",
        "on_site": "red",
    }


def test_a_booking_has_no_clocks_and_a_case_without_history_none_either() -> None:
    assert colours("booking", None, at(23, 10), (at(23, 9), "created", "booked")) == {}
    assert standings(CLOCKS, kind="repair", urgency="urgent", history=[], now=at(23, 10), zone=ZONE) == []


def test_due_times_do_not_depend_on_the_zone_of_the_history() -> None:
    opened = at(23, 19, 50)
    duty = CLOCKS.calendars["duty"]
    assert later(opened.astimezone(UTC), timedelta(minutes=30), duty, ZONE) == later(
        opened, timedelta(minutes=30), duty, ZONE
    )
