"""When something repeated happens next: RFC 5545 rules on a community's clock, lunar ones (RFC 7529) included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from lunar_python import Lunar, LunarMonth

_STEPS = {"MINUTELY": timedelta(minutes=1), "HOURLY": timedelta(hours=1), "DAILY": timedelta(days=1)}
_LUNAR = "RSCALE=CHINESE;"


def next_occurrence(rule: str, *, start: datetime, after: datetime, zone: ZoneInfo) -> datetime | None:
    """The first occurrence strictly after `after`, aware, or None when the rule has ended.

    The rule runs on wall-clock time in `zone` (eight in the morning stays eight through a clock change), counted
    from the minute of `start`. Raises ValueError for a rule that is none.
    """
    # A rule without BYSECOND takes the seconds of its start: nobody means 08:00:37.
    local_start = start.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)
    local_after = after.astimezone(zone).replace(tzinfo=None)
    for found in _occurrences(rule, local_start, local_after):
        moment = found.replace(tzinfo=zone)
        if moment > after:
            return moment
    return None


def _occurrences(rule: str, start: datetime, after: datetime) -> Iterator[datetime]:
    """From `after` on, wall-clock time."""
    if rule.startswith(_LUNAR):
        yield from _lunar(rule, start, after)
        return
    parsed = rrulestr(rule, dtstart=_brought_near(rule, start, after))
    found = parsed.after(after)
    while found is not None:
        yield found
        found = parsed.after(found)


def _brought_near(rule: str, start: datetime, after: datetime) -> datetime:
    """A later start of the same rhythm, so that a rule set years ago is not counted through from its beginning."""
    fields = _fields(rule)
    step = _STEPS.get(fields.get("FREQ", ""))
    if step is None or "COUNT" in fields:
        return start
    step *= int(fields.get("INTERVAL", "1"))
    # A day earlier than needed: the rule's hours may lie before the hour of its start.
    passed = (after - timedelta(days=1) - start) // step
    return start + max(0, passed) * step


def _lunar(rule: str, start: datetime, after: datetime) -> Iterator[datetime]:
    """Days of the Chinese calendar: BYMONTH and BYMONTHDAY count lunar months and days (-1: the last)."""
    fields = _fields(rule)
    months = _numbers(fields, "BYMONTH") or list(range(1, 13))
    days = _numbers(fields, "BYMONTHDAY") or [1]
    hours = _numbers(fields, "BYHOUR") or [start.hour]
    minutes = _numbers(fields, "BYMINUTE") or [start.minute]
    found: list[datetime] = []
    for year in range(after.year - 1, after.year + 2):
        for month in months:
            length = LunarMonth.fromYm(year, month).getDayCount()
            for day in {length if day == -1 else day for day in days if day <= length}:
                solar = Lunar.fromYmd(year, month, day).getSolar()
                found += [
                    datetime.combine(
                        date(solar.getYear(), solar.getMonth(), solar.getDay()), time(hour, minute)
                    )
                    for hour in hours
                    for minute in minutes
                ]
    yield from sorted(moment for moment in found if moment > after and moment >= start)


def _fields(rule: str) -> Mapping[str, str]:
    return dict(field.split("=", 1) for field in rule.upper().split(";") if "=" in field)


def _numbers(fields: Mapping[str, str], name: str) -> list[int]:
    return [int(number) for number in fields[name].split(",")] if name in fields else []
