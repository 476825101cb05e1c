"""What a time entity's value says: a moment, a stretch, a day, a part of a day, or something repeated.

The strings are those of `interfaces.md`, "Times and places": local time of the community, without offset. A
day alone or with a part of it never carries an hour that nobody said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Literal

from dateutil.rrule import rrulestr

from nlu.holidays import lunar_date

Kind = Literal["instant", "interval", "date", "part", "repeat"]
Part = Literal["morning", "noon", "afternoon", "evening", "night"]

PARTS: dict[Part, tuple[time, time]] = {
    "morning": (time(6), time(11)),
    "noon": (time(11), time(13)),
    "afternoon": (time(13), time(18)),
    "evening": (time(18), time(22)),
    "night": (time(0), time(6)),
}
"""When a part of the day begins and ends, for those who must look for a slot in it."""

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FREQUENCIES = ("MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_DATE = r"\d{4}-\d{2}-\d{2}"
_POINT = re.compile(rf"({_DATE})(?:T(\d{{2}}:\d{{2}}|morning|noon|afternoon|evening|night))?")
_NTH_WEEKDAY = re.compile(rf"(?:-1|[1-5])?(?:{'|'.join(_WEEKDAYS)})")
_ORDER = ("RSCALE", "FREQ", "INTERVAL", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYHOUR", "BYMINUTE")


class TimeValueError(ValueError):
    """The string is no time value of the forms above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """A rule of RFC 5545, as far as people say such things to a community's bot."""

    freq: str  # MINUTELY, HOURLY, DAILY, WEEKLY, MONTHLY, YEARLY
    interval: int = 1  # every n-th
    byday: tuple[str, ...] = ()  # MO … SU; in a month with its number, 1MO, or -1FR for the last Friday
    bymonth: tuple[int, ...] = ()  # 1–12
    bymonthday: tuple[int, ...] = ()  # 1–31, or -1 for the last
    byhour: tuple[int, ...] = ()  # 0–23
    byminute: tuple[int, ...] = ()  # 0–59; together with every hour of byhour
    lunar: bool = False  # months and their days are those of the Chinese calendar (RFC 7529)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeValue:
    """A time value taken apart. Which fields are set follows from `kind`."""

    kind: Kind
    day: date | None = None  # instant, date, part; an interval's first day
    clock: time | None = None  # instant; an interval's beginning, unless it counts whole days
    part: Part | None = None  # part
    end_day: date | None = None  # interval
    end_clock: time | None = None  # interval with clock times
    repeat: Repeat | None = None  # repeat


def format_value(value: TimeValue) -> str:
    """The value as the API gives it; `parse_value` reads it back."""
    if value.repeat is not None:
        return _format_repeat(value.repeat)
    assert value.day is not None
    first = _format_point(value.day, value.clock, value.part)
    if value.kind != "interval":
        return first
    assert value.end_day is not None
    return f"{first}/{_format_point(value.end_day, value.end_clock, None)}"


def _format_point(day: date, clock: time | None, part: str | None) -> str:
    if clock is not None:
        return f"{day.isoformat()}T{clock:%H:%M}"
    return f"{day.isoformat()}T{part}" if part else day.isoformat()


def _format_repeat(repeat: Repeat) -> str:
    fields = ["RSCALE=CHINESE"] if repeat.lunar else []
    fields.append(f"FREQ={repeat.freq}")
    if repeat.interval != 1:
        fields.append(f"INTERVAL={repeat.interval}")
    lists: tuple[tuple[str, tuple[str | int, ...]], ...] = (
        ("BYDAY", repeat.byday),
        ("BYMONTH", repeat.bymonth),
        ("BYMONTHDAY", repeat.bymonthday),
        ("BYHOUR", repeat.byhour),
        ("BYMINUTE", repeat.byminute),
    )
    fields += [f"{name}={','.join(map(str, values))}" for name, values in lists if values]
    return ";".join(fields)


def parse_value(text: str) -> TimeValue:
    """The value string taken apart. Raises TimeValueError for anything else."""
    try:
        if "=" in text:
            return TimeValue(kind="repeat", repeat=_parse_repeat(text))
        head, slash, tail = text.partition("/")
        day, clock, part = _parse_point(head)
        if not slash:
            kind: Kind = "instant" if clock is not None else "part" if part else "date"
            return TimeValue(kind=kind, day=day, clock=clock, part=part)
        end_day, end_clock, end_part = _parse_point(tail)
    except ValueError as error:
        raise TimeValueError(f"not a time value: {text!r}") from error
    if part or end_part or (clock is None) != (end_clock is None):
        raise TimeValueError(f"not an interval: {text!r}")
    return TimeValue(kind="interval", day=day, clock=clock, end_day=end_day, end_clock=end_clock)


def _parse_point(text: str) -> tuple[date, time | None, Part | None]:
    match = _POINT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    day, rest = date.fromisoformat(match[1]), match[2]
    if rest is None:
        return day, None, None
    for part in PARTS:
        if rest == part:
            return day, None, part
    return day, time.fromisoformat(rest), None


def _parse_repeat(text: str) -> Repeat:
    fields = dict(item.split("=", 1) for item in text.split(";"))
    order = [_ORDER.index(name) for name in fields]
    if order != sorted(order) or fields.get("FREQ") not in _FREQUENCIES:
        raise ValueError(text)
    byday = tuple(fields["BYDAY"].split(",")) if "BYDAY" in fields else ()
    if not all(_NTH_WEEKDAY.fullmatch(day) for day in byday) or fields.get("RSCALE", "CHINESE") != "CHINESE":
        raise ValueError(text)

    def numbers(name: str, low: int, high: int) -> tuple[int, ...]:
        values = tuple(int(item) for item in fields[name].split(",")) if name in fields else ()
        if any(not low <= value <= high for value in values):
            raise ValueError(text)
        return values

    return Repeat(
        freq=fields["FREQ"],
        interval=numbers("INTERVAL", 1, 10_000)[0] if "INTERVAL" in fields else 1,
        byday=byday,
        bymonth=numbers("BYMONTH", 1, 12),
        bymonthday=numbers("BYMONTHDAY", -1, 31),
        byhour=numbers("BYHOUR", 0, 23),
        byminute=numbers("BYMINUTE", 0, 59),
        lunar="RSCALE" in fields,
    )


def span_of(value: TimeValue, zone: tzinfo) -> tuple[datetime, datetime]:
    """From when to when a value lasts, aware, in `zone`: an instant has no length, a day 24 hours, a part that of
    `PARTS`. Raises TimeValueError for a repeat, which has no one span."""
    if value.day is None:
        raise TimeValueError("a repeat has no single span")
    if value.kind == "part" and value.part is not None:
        begin, end = PARTS[value.part]
        return datetime.combine(value.day, begin, zone), datetime.combine(value.day, end, zone)
    if value.clock is not None:
        start = datetime.combine(value.day, value.clock, zone)
        if value.end_day is None or value.end_clock is None:
            return start, start
        return start, datetime.combine(value.end_day, value.end_clock, zone)
    last = (value.end_day or value.day) + timedelta(days=1)
    return datetime.combine(value.day, time(0), zone), datetime.combine(last, time(0), zone)


def next_after(repeat: Repeat, after: datetime, start: datetime | None = None) -> datetime | None:
    """The first occurrence later than `after` (aware), in its zone; None when there is none.

    `start` is where counting begins (an interval of more than one is counted from there), `after` by default.
    A rule without an hour gives midnight of its day.
    """
    start = (start or after).replace(second=0, microsecond=0)
    if repeat.freq not in ("MINUTELY", "HOURLY") and not repeat.byhour:
        start = start.replace(hour=0, minute=0)
    if repeat.lunar:
        return _next_lunar(repeat, after)
    return rrulestr(_format_repeat(repeat), dtstart=start).after(after)


def _next_lunar(repeat: Repeat, after: datetime) -> datetime | None:
    months = repeat.bymonth or tuple(range(1, 13))
    hours, minutes = repeat.byhour or (0,), repeat.byminute or (0,)
    found = [
        datetime.combine(day, time(hour, minute), after.tzinfo)
        for year in range(after.year - 1, after.year + 2)
        for month in months
        for number in repeat.bymonthday or (1,)
        for hour in hours
        for minute in minutes
        if (day := lunar_date(year, month, number)) is not None
    ]
    return min((moment for moment in found if moment > after), default=None)
