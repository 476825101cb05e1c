"""The calendar people here live by: the lunar year, solar terms, festivals, days off and made-up working days."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import lru_cache

import chinese_calendar
from lunar_python import LunarYear, Solar

from nlu.numbers import words

_FIRST_YEAR, _LAST_YEAR = 1901, 2099  # what lunar_python computes without doubt

SOLAR_TERMS = words(
    "立春 雨水 惊蛰 春分 清明 谷雨 立夏 小满 芒种 夏至 小暑 大暑 立秋 处暑 白露 秋分 寒露 霜降 立冬 小雪 大雪 冬至 小寒 大寒"
)


def add_months(day: date, months: int) -> date:
    """The same day so many months on, or the last of a shorter month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def month_end(day: date) -> date:
    """The last day of that month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def make_date(year: int, month: int, day: int) -> date | None:
    """That date, or None when the calendar does not have it."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _lunar_months(year: int) -> Mapping[int, tuple[date, int]]:
    """The months of a lunar year (a leap month negative): first day and number of days.

    The library works a year out anew whenever another one was asked for in between, which takes 15 ms.
    """
    months = {}
    for month in LunarYear.fromYear(year).getMonthsInYear():
        first = Solar.fromJulianDay(month.getFirstJulianDay())
        day = date(first.getYear(), first.getMonth(), first.getDay())
        months[month.getMonth()] = (day, month.getDayCount())
    return months


@lru_cache(maxsize=4096)
def lunar_date(year: int, month: int, day: int) -> date | None:
    """The day of a lunar year's month (negative: a leap month; day -1: the last), or None when it has none."""
    if not _FIRST_YEAR <= year <= _LAST_YEAR or not 1 <= abs(month) <= 12:
        return None
    first, length = _lunar_months(year).get(month, (None, 0))
    if day == -1:
        day = length
    if first is None or not 1 <= day <= length:
        return None
    return first + timedelta(days=day - 1)


def yearly_rule(name: str) -> tuple[int, int, bool] | None:
    """Month, day and whether both are lunar, for a festival that has the same ones every year."""
    days = [HOLIDAYS[name](year) for year in (2025, 2026, 2027)]
    fixed = {(day.month, day.day) for day in days if day is not None}
    if len(fixed) == 1:
        return *fixed.pop(), False
    lunar = {_lunar_month_and_day(day) for day in days if day is not None}
    return (*lunar.pop(), True) if len(lunar) == 1 else None


def _lunar_month_and_day(day: date) -> tuple[int, int]:
    lunar = Solar.fromYmd(day.year, day.month, day.day).getLunar()
    return abs(lunar.getMonth()), lunar.getDay()


@lru_cache(maxsize=512)
def lunar_month_of(day: date) -> tuple[int, int]:
    """The lunar year and month (negative: leap) that hold a day."""
    for year in (day.year, day.year - 1):
        if _FIRST_YEAR <= year <= _LAST_YEAR:
            for month, (first, length) in _lunar_months(year).items():
                if 0 <= (day - first).days < length:
                    return year, month
    lunar = Solar.fromYmd(day.year, day.month, day.day).getLunar()
    return lunar.getYear(), lunar.getMonth()


def next_lunar_day(today: date, number: int) -> date | None:
    """The next day of that number in a lunar month, today included."""
    inside = today
    for _ in range(4):  # a 30th may be missing twice in a row
        year, month = lunar_month_of(inside)
        found = lunar_date(year, month, number)
        if found is not None and found >= today:
            return found
        first = lunar_date(year, month, 1)
        if first is None:
            return None
        inside = first + timedelta(days=31)  # always in the month after
    return None


@lru_cache(maxsize=512)
def solar_term(name: str, year: int) -> date | None:
    """The day of a solar term in a Gregorian year."""
    if not _FIRST_YEAR <= year <= _LAST_YEAR or name not in SOLAR_TERMS:
        return None
    keys = {"冬至": "DONG_ZHI", "大雪": "DA_XUE"}
    table = Solar.fromYmd(year, 6, 1).getLunar().getJieQiTable()
    # the table runs from the winter before: the two terms of December have a Latin name there
    solar = (
        table[name] if name not in keys else Solar.fromYmd(year + 1, 6, 1).getLunar().getJieQiTable()[name]
    )
    if name in keys and solar.getYear() != year:
        solar = Solar.fromYmd(year + 1, 6, 1).getLunar().getJieQiTable()[keys[name]]
    return date(solar.getYear(), solar.getMonth(), solar.getDay())


def _nth_weekday(month: int, weekday: int, n: int) -> Callable[[int], date | None]:
    def of(year: int) -> date:
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))

    return of


def _fixed(month: int, day: int) -> Callable[[int], date | None]:
    return lambda year: date(year, month, day)


def _lunar(month: int, day: int) -> Callable[[int], date | None]:
    return lambda year: lunar_date(year, month, day)


def _term(name: str) -> Callable[[int], date | None]:
    return lambda year: solar_term(name, year)


_NAMES: tuple[tuple[str, str, Callable[[int], date | None]], ...] = (
    ("元旦节 元旦 阳历年", "new year's day|new years day", _fixed(1, 1)),
    ("情人节", "valentine's day", _fixed(2, 14)),
    ("三八妇女节 三八节 妇女节", "women's day", _fixed(3, 8)),
    ("植树节", "", _fixed(3, 12)),
    ("愚人节", "", _fixed(4, 1)),
    ("五一劳动节 五一国际劳动节 劳动节 五一节 五一", "labour day|labor day|may day", _fixed(5, 1)),
    ("五四青年节 青年节", "", _fixed(5, 4)),
    ("护士节", "", _fixed(5, 12)),
    ("六一儿童节 儿童节 六一节 六一", "children's day", _fixed(6, 1)),
    ("建党节 七一建党节", "", _fixed(7, 1)),
    ("建军节 八一建军节 八一节", "", _fixed(8, 1)),
    ("教师节", "teachers' day|teacher's day", _fixed(9, 10)),
    ("国庆节 国庆 十一国庆节 十一国庆 十一长假 十一黄金周 十一假期", "national day", _fixed(10, 1)),
    ("光棍节 双十一 双11", "", _fixed(11, 11)),
    ("双十二 双12", "", _fixed(12, 12)),
    ("平安夜", "christmas eve", _fixed(12, 24)),
    ("跨年夜 元旦前夜", "new year's eve|new years eve", _fixed(12, 31)),
    ("万圣节", "halloween", _fixed(10, 31)),
    ("圣诞节 圣诞", "christmas day|christmas", _fixed(12, 25)),
    ("母亲节", "mother's day|mothers day", _nth_weekday(5, 6, 2)),
    ("父亲节", "father's day|fathers day", _nth_weekday(6, 6, 3)),
    ("感恩节", "thanksgiving", _nth_weekday(11, 3, 4)),
    (
        "春节 大年初一 年初一 农历新年 农历年 阴历年 新年初一",
        "spring festival|chinese new year|lunar new year",
        _lunar(1, 1),
    ),
    ("大年初二 年初二", "", _lunar(1, 2)),
    ("大年初三 年初三", "", _lunar(1, 3)),
    ("大年初四 年初四", "", _lunar(1, 4)),
    ("大年初五 年初五 破五", "", _lunar(1, 5)),
    ("大年初六 年初六", "", _lunar(1, 6)),
    ("大年初七 年初七", "", _lunar(1, 7)),
    ("大年初八 年初八", "", _lunar(1, 8)),
    ("元宵节 元宵 上元节", "lantern festival", _lunar(1, 15)),
    ("龙抬头 二月二", "", _lunar(2, 2)),
    ("端午节 端午 端阳节 端阳", "dragon boat festival", _lunar(5, 5)),
    ("七夕节 七夕", "", _lunar(7, 7)),
    ("中元节 七月半 鬼节", "", _lunar(7, 15)),
    ("中秋节 中秋 八月节 八月半", "mid-autumn festival|mid autumn festival|mid-autumn", _lunar(8, 15)),
    ("重阳节 重阳 老人节 敬老节 九月九", "double ninth festival", _lunar(9, 9)),
    ("寒衣节", "", _lunar(10, 1)),
    ("腊八节 腊八", "", _lunar(12, 8)),
    ("小年夜 小年", "", _lunar(12, 23)),
    *((f"年廿{digit}", "", _lunar(12, 20 + day)) for day, digit in enumerate("三四五六七八九", 3)),
    (
        "除夕夜 除夕 大年三十儿 大年三十 年三十儿 年三十 三十儿 年卅晚 年卅 大年夜 年夜",
        "chinese new year's eve|lunar new year's eve",
        _lunar(12, -1),
    ),
)
HOLIDAYS: dict[str, Callable[[int], date | None]] = {
    name: of
    for chinese, english, of in _NAMES
    for name in (*chinese.split(), *filter(None, english.split("|")))
} | {name + suffix: _term(name) for name in SOLAR_TERMS for suffix in ("", "节")}
"""A festival's or solar term's name → its day in a year (of the calendar it belongs to)."""

DOUBTFUL_TERMS = frozenset(words("雨水 小满 小暑 大暑 小雪 大雪 小寒 大寒"))
"""Solar terms that are more often weather or a name than a day."""

_BREAKS = {
    (1, 1): 1,
    (5, 1): 5,
    (10, 1): 7,
}  # customary length where the State Council's calendar is not out yet


def next_holiday(name: str, today: date, year: int | None = None) -> date | None:
    """The festival's day in that year (a lunar one's New Year's Eve falls in the February after), or the next one, today included."""
    of = HOLIDAYS[name]
    if year is not None:
        return of(year)
    candidates = (of(y) for y in range(today.year - 1, today.year + 3))  # in the order of their days
    return next((day for day in candidates if day is not None and day >= today), None)


def is_workday(day: date) -> bool:
    """Whether offices work: the State Council's calendar with its make-up days, plain weekdays where it is not known."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5 and not _customary_day_off(day)


def _customary_day_off(day: date) -> bool:
    for (month, first), length in _BREAKS.items():
        if 0 <= (day - date(day.year, month, first)).days < length:
            return True
    new_year = lunar_date(day.year, 1, 1)
    if new_year is not None and -1 <= (day - new_year).days <= 6:
        return True
    others = (lunar_date(day.year, 5, 5), lunar_date(day.year, 8, 15), solar_term("清明", day.year))
    return day in others


def nth_workday(day: date, n: int) -> date:
    """The n-th working day after a day (before it, if n is negative)."""
    step = 1 if n >= 0 else -1
    for _ in range(min(abs(n), 400)):
        day += timedelta(days=step)
        while not is_workday(day):
            day += timedelta(days=step)
    return day


def next_public_holiday(today: date) -> date:
    """The first day of the next statutory holiday after today."""
    names = ("元旦", "春节", "清明节", "劳动节", "端午", "中秋", "国庆")
    found = [next_holiday(name, today + timedelta(days=1)) for name in names]
    return min(day for day in found if day is not None)
