"""Holidays that are over: 中秋那天你们送错了, and the weekend day worked for one: 国庆补班那个礼拜六."""

from __future__ import annotations

from datetime import date, timedelta

from nlu.holidays import is_workday, next_holiday
from nlu.numbers import pattern
from nlu.times.words import WEEKDAY_OF

_OVER = pattern(
    r"[^。!?;]{0,14}(?:已经|上次|那次|当时|[来去办交领问报修送打找说吃看约订做记发](?:过)(?![年节来去])|(?<![要别])[错坏丢漏迟炸断摔]了(?=[的,。!?]|$))"
)
_NOT_OVER = pattern(
    r"[^。!?;]{0,20}(?:要|想|会|能|打算|提醒|预约|准备|如果|万一|谁|怎么|咋|吗|呢|前|后天|明)"
)
_MAKE_UP = pattern(
    r"(?:节|假期|放假)?(?P<side>前头?|后头?|之前|之后)?的?(?:补班|调休上班|补课)的?(?:那一?个?)?(?:周|星期|礼拜)(?P<day>[六日天])"
)
_NEAR = 16  # days from a holiday within which the State Council puts the days worked for it


def told_of_the_past(text: str, at: int) -> bool:
    """Whether the sentence tells, behind that offset, of something that is over, and asks for nothing."""
    return _OVER.match(text, at) is not None and _NOT_OVER.match(text, at) is None


def last_holiday(name: str, today: date) -> date | None:
    """The festival's last day before today."""
    days = (next_holiday(name, today, year) for year in (today.year, today.year - 1))
    return next((day for day in days if day is not None and day < today), None)


def make_up_day(text: str, at: int, name: str, today: date) -> tuple[int, date] | None:
    """Where 补班那个礼拜六 ends and which day it was: the coming one, the last one where it is told of or no other is
    known yet."""
    match = _MAKE_UP.match(text, at)
    if match is None:
        return None
    weekday, side = WEEKDAY_OF[match["day"]], match["side"] or ""
    found = []
    for year in (today.year - 1, today.year, today.year + 1):
        holiday = next_holiday(name, today, year)
        if holiday is None:
            continue
        shifts = range(-_NEAR if "后" not in side else 1, 0 if "前" in side else _NEAR + 1)
        days = [holiday + timedelta(days=shift) for shift in shifts]
        found += [day for day in days if day.weekday() == weekday and is_workday(day)]
    over, coming = [day for day in found if day < today], [day for day in found if day >= today]
    chosen = over[-1:] if told_of_the_past(text, match.end()) or not coming else coming[:1]
    return (match.end(), chosen[0]) if chosen else None
