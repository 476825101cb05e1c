"""How long something goes on, in words that name no day: 「住三天」「半个月」「for two weeks」."""

from __future__ import annotations

import re

from dateutil.relativedelta import relativedelta

_DIGITS = "零一二三四五六七八九"
_NUMBER = r"\d{1,3}|[一二两三四五六七八九十]{1,3}|半|几"
_ZH = re.compile(
    rf"(?P<number>{_NUMBER})\s*(?:个(?P<more>半)?)?\s*(?P<unit>天|日|周|星期|礼拜|月|年)(?P<half>半)?(?!\s*[初前])"
)
_WORDS_EN = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "fourteen": 14,
}
_EN = re.compile(
    rf"\b(?P<number>\d{{1,3}}|{'|'.join(_WORDS_EN)})(?: more)?\s+(?P<unit>day|week|fortnight|month|year)s?\b"
)
_POINT_BEFORE = re.compile(r"[第每隔月号]$|\d[-/.]$|[上下本这那]个?$|周|星期")


def length_in(text: str) -> relativedelta | None:
    """The first length of days, weeks, months or years; None when there is none, or only "a few"."""
    lower = text.lower()
    for match in _ZH.finditer(lower):
        before = lower[: match.start()]
        date_like = match["unit"] == "日" or (
            match["unit"] in "月年" and "个" not in match[0] and match["number"] != "半"
        )
        if match["number"] == "几" or date_like or _POINT_BEFORE.search(before[-1:]):
            continue
        return _length(match["number"], match["unit"], bool(match["half"] or match["more"]))
    found = _EN.search(lower)
    if found is None or re.search(r"\b(?:in|every|each|last)\s+$", lower[: found.start()]):
        return None
    return _length(found["number"], found["unit"], False)


def _length(number: str, unit: str, half: bool) -> relativedelta:
    if number == "半":
        return relativedelta(days={"月": 15, "年": 182}.get(unit, 1))
    count = number_of(number)
    if unit in ("月", "month"):
        return relativedelta(months=count, days=15 if half else 0)
    if unit in ("年", "year"):
        return relativedelta(years=count)
    days = {"周": 7, "星期": 7, "礼拜": 7, "week": 7, "fortnight": 14}.get(unit, 1)
    return relativedelta(days=count * days)


def number_of(text: str) -> int:
    """A number from one to ninety-nine in digits, Chinese characters or English words."""
    if text.isascii() and text.isdigit():
        return int(text)
    if text in _WORDS_EN:
        return _WORDS_EN[text]
    tens, ten, ones = text.replace("两", "二").partition("十")
    if not ten:
        return _DIGITS.index(tens[-1])
    return (_DIGITS.index(tens) if tens else 1) * 10 + (_DIGITS.index(ones) if ones else 0)
