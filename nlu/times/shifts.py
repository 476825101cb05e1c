"""What moves a day that was named: 除夕前一天, 下个月第一个周一, 国庆后第一个工作日."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

from nlu.holidays import add_months, nth_workday
from nlu.numbers import parse_number, pattern
from nlu.times.pieces import Piece
from nlu.times.words import WEEKDAY_OF

_SHIFT = pattern(
    r"(?:的)?(?:假期|放假|长假|连假|小长假)?(?:"
    r"(?:之后|以后|过后|后)的?(?:第一个|头一个|首个|那个)(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天])|"
    r"(?:之|以|过)?(?P<dir>前|后)(?:面)?的?第?(?P<n>[一二两三四五六七八九十\d]{1,3})(?P<unit>个工作日|天|日|个?周|个?星期|个?礼拜|个月|晚)"
    r"|(?P<n2>[一二两三四五六七八九十\d]{1,3})(?P<unit2>天|个?周|个?星期|个?礼拜|个月)(?:之|以)?(?P<dir2>前|后)"
    r"|(?P<next>第二天|次日|隔天|转天|第二日)|(?P<prev>头一天|头天|前夕|前夜)"
    r"|第(?P<nth>[三四五六七八九])天"
    r"|(?:之后|以后|过后|过完|结束)?的?(?P<work>第一个|头一个|首个)工作日)"
)
_OF_SPAN = pattern(
    r"(?:的)?(?:第([一二三四五\d])|(最后)一?|头一)个?(工作日|天|周[一二三四五六日天]|星期[一二三四五六日天]|礼拜[一二三四五六日天])"
)
_ITS_WEEKDAY = pattern(r"\s?[(,]?(?:周|星期|礼拜)([一二三四五六日天])[)]?")
_THAT_DAY = pattern(
    r"(?:的)?(?:那一?天|那个?晌|今天|当天|这天|当日|那日|一整天|一天(?!.?[次回顿])|整天|全天|期间|那会儿|假期|放假)"
)


def shift_week(today: date, weeks: int, weekday: int) -> date:
    """A weekday of the week (Monday–Sunday) so many weeks from the one that holds today."""
    return today - timedelta(days=today.weekday()) + timedelta(days=7 * weeks + weekday)


def next_weekday(today: date, weekday: int) -> date:
    """The next such weekday after today."""
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)


def narrowed(text: str, piece: Piece) -> Piece:
    """The day piece with what follows it and moves it."""
    if piece.day is None:
        return piece
    if piece.end_day is not None and (match := _OF_SPAN.match(text, piece.end)):
        chosen = _nth_in_span(piece.day, piece.end_day, match)
        if chosen is not None:
            piece = replace(piece, end=match.end(), day=chosen, end_day=None)
    if match := _SHIFT.match(text, piece.end):
        last = piece.end_day or piece.day
        shifted = _shifted(last, match) if last is not None else None
        if shifted is not None:
            piece = replace(piece, end=match.end(), day=shifted, end_day=None, weekdays=())
    same = _ITS_WEEKDAY.match(text, piece.end) if not piece.weekdays else None
    if same is not None and piece.day is not None and WEEKDAY_OF[same[1]] == piece.day.weekday():
        piece = replace(piece, end=same.end())  # 11月25日(周三)
    if match := _THAT_DAY.match(text, piece.end):
        piece = replace(piece, end=match.end())
    return piece


def _nth_in_span(first: date, last: date, match: re.Match[str]) -> date | None:
    n = -1 if match[2] else parse_number(match[1]) or 1
    if match[3] == "工作日":
        return (
            nth_workday(last + timedelta(days=1), n) if n < 0 else nth_workday(first - timedelta(days=1), n)
        )
    if match[3] == "天":
        return last if n < 0 else first + timedelta(days=n - 1)
    weekday = WEEKDAY_OF[match[3][-1]]
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    fitting = [day for day in days if day.weekday() == weekday]
    index = -1 if n < 0 else n - 1
    return fitting[index] if index < len(fitting) and fitting else None


def _shifted(day: date, match: re.Match[str]) -> date | None:
    if match["next"]:
        return day + timedelta(days=1)
    if match["prev"]:
        return day - timedelta(days=1)
    if match["work"]:
        return nth_workday(day, 1)
    if match["weekday"]:
        return next_weekday(day, WEEKDAY_OF[match["weekday"]])
    if match["nth"]:
        return day + timedelta(days=(parse_number(match["nth"]) or 1) - 1)
    n, unit, direction = (
        (match["n"], match["unit"], match["dir"])
        if match["n"]
        else (match["n2"], match["unit2"], match["dir2"])
    )
    amount = parse_number(n)
    if amount is None:
        return None
    amount = amount if direction == "后" else -amount
    if unit == "个工作日":
        return nth_workday(day, amount)
    if unit == "个月":
        return add_months(day, amount)
    return day + timedelta(days=amount * (7 if unit[-1] in "周期拜" else 1))
