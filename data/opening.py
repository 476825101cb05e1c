"""When a service is open and which slots it has: working days, public holidays, opening hours, notice time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

import chinese_calendar

from data.content import Service
from data.content_reading import WEEKDAYS, Opening

LOOK_AHEAD_DAYS = 60
"""How far ahead slots are looked for: longer than any run of closed days in the official calendar."""

PARTS: dict[str, tuple[tuple[time, time], ...]] = {
    "morning": ((time(5), time(12)),),
    "noon": ((time(11), time(14)),),
    "afternoon": ((time(12), time(19)),),
    "evening": ((time(17), time.max),),
    "night": ((time(22), time.max), (time(0), time(5))),
}
"""Parts of a day by the wall clock, first moment in, last out; they overlap the way people use the words."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Slot:
    """One stretch of time that can be booked, in the community's zone."""

    start: datetime  # aware
    end: datetime  # aware, after `start`

    def __post_init__(self) -> None:
        _refuse_naive(self.start)
        _refuse_naive(self.end)


def _refuse_naive(moment: datetime) -> None:
    if moment.utcoffset() is None:
        raise ValueError(f"a moment must carry a time zone, got {moment!r}")


def _zone(moment: datetime) -> tzinfo:
    _refuse_naive(moment)
    assert moment.tzinfo is not None
    return moment.tzinfo


def is_workday(day: date) -> bool:
    """Whether offices work on that day in mainland China.

    The official calendar decides: public holidays are free, and the weekends worked instead of them are not. For a
    year whose calendar is not published (or not yet in `chinesecalendar`), Monday to Friday.
    """
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def is_public_holiday(day: date) -> bool:
    """Whether that day is free because of a public holiday (plain weekends are not). False for unknown years."""
    try:
        free, holiday = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        return False
    return bool(free) and holiday is not None


def nth_workday(day: date, count: int) -> date:
    """The working day that many working days after (before, when negative) that day; 0 is the day itself or the next."""
    if count == 0:
        return day if is_workday(day) else nth_workday(day, 1)
    step = timedelta(days=1 if count > 0 else -1)
    while count:
        day += step
        if is_workday(day):
            count -= 1 if count > 0 else -1
    return day


def opens_on(opening: Opening, day: date) -> bool:
    """Whether something with these opening hours is open at all on that day."""
    if opening.days == "daily":
        return opening.holidays == "open" or not is_public_holiday(day)
    if opening.days == "workdays":
        return is_workday(day)
    if opening.holidays == "closed" and is_public_holiday(day):
        return False
    return WEEKDAYS[day.weekday()] in opening.days


def windows_on(opening: Opening, day: date, tz: tzinfo) -> list[Slot]:
    """The opening hours of that day as moments in that zone; empty on a closed day."""
    if not opens_on(opening, day):
        return []
    return [Slot(start=_at(day, h.opens, tz), end=_at(day, h.closes, tz)) for h in opening.hours]


def _at(day: date, minutes: int, tz: tzinfo) -> datetime:
    """That many minutes on the wall clock; a time the clock jumps over becomes the same moment after the jump."""
    days, minutes = divmod(minutes, 24 * 60)
    wall = datetime.combine(day + timedelta(days=days), time(minutes // 60, minutes % 60), tzinfo=tz)
    return wall.astimezone(UTC).astimezone(tz)


def slots_on(service: Service, day: date, tz: tzinfo) -> list[Slot]:
    """The slots of a service on a day in the community's zone, in order; empty on a closed day.

    Slots are counted in real time from the opening: a day on which the clock jumps has fewer or more of them.
    """
    length, step = timedelta(minutes=service.slot_minutes), timedelta(minutes=service.every_minutes)
    slots = []
    for window in windows_on(service.open, day, tz):
        start, closes = window.start.astimezone(UTC), window.end.astimezone(UTC)
        while start + length <= closes:
            slots.append(Slot(start=start.astimezone(tz), end=(start + length).astimezone(tz)))
            start += step
    return slots


def slot_at(service: Service, moment: datetime) -> Slot | None:
    """The slot that begins at that moment or, failing that, the last one that has begun and still runs; None: closed.

    `moment` is aware and in the community's zone: its zone says which day and which opening hours are meant.
    """
    tz = _zone(moment)
    instant = moment.astimezone(UTC)
    running = [
        slot
        for slot in slots_on(service, moment.date(), tz)
        if slot.start.astimezone(UTC) <= instant < slot.end.astimezone(UTC)
    ]
    return running[-1] if running else None


def earliest_start(service: Service, now: datetime) -> datetime:
    """The first moment a booking made now may begin, by the service's notice time; in the zone of `now`."""
    return (now.astimezone(UTC) + timedelta(minutes=service.notice_minutes)).astimezone(_zone(now))


def slots_from(service: Service, after: datetime, wanted_part: str | None = None) -> Iterator[Slot]:
    """The slots that begin at or after that moment, in order, through the next `LOOK_AHEAD_DAYS` days.

    Args:
        service: whose opening hours count; its capacity and notice time are the caller's business.
        after: aware, in the community's zone.
        wanted_part: morning, noon, afternoon, evening or night, by the slot's start; None takes any.

    Raises:
        ValueError: a naive moment, or a part of the day that does not exist.
    """
    tz = _zone(after)
    if wanted_part is not None and wanted_part not in PARTS:
        raise ValueError(f"no such part of the day: {wanted_part!r}; one of {', '.join(PARTS)}")
    instant = after.astimezone(UTC)
    for ahead in range(LOOK_AHEAD_DAYS + 1):
        for slot in slots_on(service, after.date() + timedelta(days=ahead), tz):
            if slot.start.astimezone(UTC) >= instant and in_part(slot.start.time(), wanted_part):
                yield slot


def in_part(clock: time, part: str | None) -> bool:
    """Whether a wall-clock time lies in that part of the day; always, when no part is named."""
    return part is None or any(begins <= clock < ends for begins, ends in PARTS[part])


def next_slots(
    service: Service, after: datetime, wanted_part: str | None = None, limit: int = 3
) -> list[Slot]:
    """The first `limit` slots of `slots_from`."""
    slots = slots_from(service, after, wanted_part)
    return [slot for _, slot in zip(range(limit), slots, strict=False)]


def nearest_slots(service: Service, wanted: datetime, earliest: datetime, limit: int = 3) -> list[Slot]:
    """The slots nearest to the wanted moment, nearest first, none before `earliest`, the wanted one left out.

    For the alternatives when a slot is full or closed (F1): ask for as many as there might be full ones, and offer the
    first that are free. Both moments are aware; the zone of `wanted` is the community's.
    """
    tz, goal, floor = _zone(wanted), wanted.astimezone(UTC), earliest.astimezone(UTC)
    begin = max(goal - timedelta(days=7), floor).astimezone(tz)
    later = next_slots(service, max(goal, floor).astimezone(tz), limit=limit + 1)
    earlier = _between(service, begin, goal)
    around = [slot for slot in (*earlier, *later) if slot.start.astimezone(UTC) != goal]
    return sorted(around, key=lambda slot: abs(slot.start.astimezone(UTC) - goal))[:limit]


def _between(service: Service, begin: datetime, goal: datetime) -> list[Slot]:
    slots = []
    for slot in slots_from(service, begin):
        if slot.start.astimezone(UTC) >= goal:
            break
        slots.append(slot)
    return slots
