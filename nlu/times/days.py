"""Days as Chinese names them: 明儿个, 下周三, 二十五号, 月底, 腊月二十三, 节后第一个工作日."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from nlu.holidays import (
    DOUBTFUL_TERMS,
    add_months,
    lunar_date,
    lunar_month_of,
    make_date,
    month_end,
    next_holiday,
    next_lunar_day,
    next_public_holiday,
    nth_workday,
)
from nlu.numbers import parse_number, pattern
from nlu.times.past import last_holiday, make_up_day, told_of_the_past
from nlu.times.pieces import Piece
from nlu.times.shifts import narrowed, next_weekday, shift_week
from nlu.times.words import DAY_WORDS, RELATIVE, WEEKDAY_OF, WEEKDAYS, D

_NOT_AFTER = {
    "后": "以之然最今先往随落",
    "前": "以之从先提目午饭天年月号点餐",
    "听": "打",
    "明": "说声证发文",
    "大": "",
    "今": "",
}
_NOT_BEFORE = pattern(
    r"(?<=.后天)气|(?<=后儿)[子媳女童]|(?<=前儿)[子媳女童]|(?<=明儿|今儿|昨儿)童|(?<=听晚)[会报]|(?<=听日)[语本]|(?<=听早)[会操]"
    r"|(?<=明朝)(?:那些|时|历|的?皇)|(?<=五一|六一|七夕)[路街店村小中个零〇一二三四五六七八九十\d]|(?<=前朝)[的代]"
    r"|(?<=元旦|国庆|清明|重阳|端阳)[路街村]|(?<=小年)[轻级]|(?<=年夜)饭|(?<=二月二)十|(?<=二月二)\d|(?<=九月九)[号日]"
    r"|(?<=二月二)[号日]|(?<=后日)[子]|(?<=[后前]个)(?![早上中下晚晌午头夜白])|(?<=三十儿)(?![早上中下晚晌午头夜那的,。]|$)|(?<=前日)[子]|(?<=元宵)(?!节|那|当|前|后|晚|上|下|早|$|[,。])|(?<=明个)人|(?<=今个)人|(?<=中秋)[月]"
)
_TERM_DAY = pattern(r"节气|那天|当天|这天|那日|前后?|后|节")
_WEEK = pattern(
    r"(这个?|呢个|本|下下个?|下个?|上上个?|上个?|今个?)?(?:周|星期|礼拜)(?:([一二三四五六日天1-7](?![次趟遍])|(?<=[拜期])两(?![次回趟遍个天])|末)|(?![一\d]))"
)
_DAY_OF_WEEK = pattern(r"的?(?:周|星期|礼拜)(?:([一二三四五六日天](?![次趟遍])|末))")
_SAME_DAY = pattern(r"的?今[天日]")
_WEEK_NOT = pattern(
    r"(?:阿姨|师傅|医生|大爷|大妈|奶奶|爷爷|老师|叔|伯|姐|哥|家|工|主任|护士|大夫|边|围|期|到|年|岁|转)"
)
_ONE_NOT = pattern(r"会儿|直(?!接)|下子|点儿|起")
_MONTH = pattern(
    rf"(这个?|本|当|下下个?|下个?|上上个?|上个?)?月(?:份)?的?月?(?:(底|末|初(?![一二三四五六七八九十])|中旬|上旬|下旬|中(?!间|心)|尾|头儿?(?![疼痛晕]))"
    rf"|({D})[号日]|([一二三四五六七八九十廿]{{2,4}}|\d\d|[一二三四五六七八九十]|\d)(?=$|[上下早晚中傍,。、 的])"
    rf"|(初[一二三四五六七八九十]|廿[一二三四五六七八九]?))?"
)
_YEAR_END = pattern(r"(年底|年末|年尾|年初|年中)")
_YEAR = pattern(
    r"(今年|明年|后年|大后年|去年|前年|本年|[12]\d{3}年|[一二][零〇一二三四五六七八九]{3}年)度?的?"
)
_ISO = pattern(r"(20\d\d)[-/.年](\d{1,2})[-/.月](\d{1,2})(?:[日号](?!楼)|(?!\d|\.\d))(?:t(?=\d\d:))?")
_SLASHED = pattern(r"(1[0-2]|0?[1-9])/(3[01]|[12]\d|0?[1-9])(?![\d/.])")
_DOTTED = pattern(
    r"(1[0-2]|[1-9])\.(3[01]|[12]\d|0?[1-9])(?=[号日]?\s?(?:早|上午|中午|下午|晚上|傍晚|凌晨|半夜|\d{1,2}:\d\d))[号日]?"
)
"""12.6早上8:45: month and day, only before a part of the day or a clock time."""
_MONTH_DAY = pattern(
    rf"(阳历|公历|新历)?({D}|元)\s?月份?\s?的?(?:({D})\s?(?:[号日]|(?![\d点时个月分年]))|(底|末|初(?![一二三四五六七八九十\d])|中旬|上旬|下旬))"
)
_LUNAR = pattern(
    r"(农历|阴历|旧历|老历|古历)?的?(?:(闰?(?:正|腊|冬|[一二三四五六七八九十]{1,2}|\d{1,2}))月[份间里]?)?的?"
    r"(初[一二三四五六七八九十]|廿[一二三四五六七八九]?|三十|[一二三四五六七八九十]{1,3}|\d{1,2})?[号日]?"
)
_BARE_MONTH = pattern(rf"({D})月份?(?![\d一二三四五六七八九十]|[牙饼经亮票卡子嫂怀])")
_NUMBER = r"[\d零〇幺一二两三四五六七八九十]"
_DAY = pattern(
    rf"({D})([号日])(?:(?:的?(?:早|晚|上午|下午))?(?:到|至|-|~)({D})[号日])?(?!楼|院|门|线|床|桌|机|厅|房|单元|栋|幢|电梯|岗|店|铺|路|窗|柜|井|小区|地块|室|套|座"
    rf"|电池|字|球|技师|师傅|服务|选手|公寓|馆|别墅|口|厂|码|桩|充|灯(?!会)|杆|箱|高速|地铁|宿|泵|教室|亭|墙|棚|柱|阀|仓|梯|库|车[位库]|夜(?![里头到间晚])|游|病"
    rf"|-|{_NUMBER}{{1,4}}(?:单元|室|楼|栋|门|层|杠|-)|\d{{3}}|[零〇幺一二三四五六七八九]{{3}})"
)
_DAY_RANGE = pattern(rf"({D})(?:到|至|-|~)({D})([号日])(?![楼院])")
_DAY_NOT_AFTER = frozenset("路街道弄巷楼栋元尾编账卡车工门牌第单几位房院机型")
_CHU = pattern(r"初([一二三四五六七八九十]|十)(?![次中])")
_FIRST_MONTH = {"正": 1, "冬": 11, "腊": 12}
_TWO_DAYS = pattern(r"今明[两二]?[天日]|明后[两二]?[天日]")
_WORKDAY = pattern(r"(?:下一?个|最近的?一?个|第一个)工作日")
_AFTER_BREAK = pattern(
    r"(?:放假|过|长)?(节|假期)(后|前)的?(?:(?:第|最后)?([一二两三四五\d])个?(工作日|天)|(?:头|第)一天上?班?)"
)
_MORE_WEEKDAYS = pattern(r"[二三四五六日](?=$|[一二三四五六日上下早晚中凌傍的和、, ])|一(?=[二三四五六日])")
_NEXT_DAY = pattern(r"第二天|次日|转天|第二日|隔天")


def _sign(word: str | None) -> int:
    if not word:
        return 0
    return word.count("下") - word.count("上")


def _next_of_month(today: date, day: int) -> date | None:
    for months in range(14):
        first = add_months(today.replace(day=1), months)
        found = make_date(first.year, first.month, day)
        if found is not None and found >= today:
            return found
    return None


def next_month_day(today: date, month: int, day: int, year: int | None = None) -> date | None:
    """That day of that year, or the next such day, today included."""
    if year is not None:
        return make_date(year, month, day)
    found = (make_date(y, month, day) for y in range(today.year, today.year + 9))
    return next((item for item in found if item is not None and item >= today), None)


def _tenth(first: date, word: str) -> tuple[date, date | None]:
    if word in ("底", "末", "尾"):
        return month_end(first), None
    if word == "中":
        return first.replace(day=15), None
    if word == "中旬":
        return first.replace(day=11), first.replace(day=20)
    if word == "下旬":
        return first.replace(day=21), month_end(first)
    return first.replace(day=1), first.replace(day=10) if word == "上旬" else None


def _piece(start: int, end: int, day: date | None, end_day: date | None = None) -> Piece | None:
    if day is None:
        return None
    return Piece(start=start, end=end, kind="day", day=day, end_day=end_day)


def _named(text: str, at: int, today: date, year: int | None) -> Piece | None:
    before = text[at - 1] if at else ""
    for word in DAY_WORDS.get(text[at], ()):
        if not text.startswith(word, at):
            continue
        end = at + len(word)
        if (before and before in _NOT_AFTER.get(word[0], "")) or _NOT_BEFORE.match(text, end):
            continue
        if word in DOUBTFUL_TERMS and not _TERM_DAY.match(text, end):
            continue
        if word in RELATIVE:
            offset, part = RELATIVE[word]
            return Piece(start=at, end=end, kind="day", day=today + timedelta(days=offset), part=part)
        if before and before in "零〇一二三四五六七八九十幺0123456789":
            continue
        if (make_up := make_up_day(text, end, word, today)) is not None:
            return _piece(at, *make_up)
        if year is None and told_of_the_past(text, end):
            return _piece(at, end, last_holiday(word, today))
        return _piece(at, end, next_holiday(word, today, year))
    return None


def _week(text: str, at: int, today: date) -> Piece | None:
    match = _WEEK.match(text, at)
    if match is None:
        return None
    which, day, end = match[1], match[2], match.end()
    if not which and at and text[at - 1] in "小老姓" and text[at] == "周":
        return None
    if day == "一" and _ONE_NOT.match(text, end):
        return None
    if day and not which and at and text[at - 1] in "一两每" and text.startswith("回", end):
        return None  # 一周四回 is a frequency, 周四回来 a day
    if which and which[0] in "上下" and at and text[at - 1] in "楼早晚马以" and not day:
        return None
    weeks = _sign(which)
    if not day and (again := _DAY_OF_WEEK.match(text, end)):  # 下周星期三, 这个礼拜的周五
        day, end = again[1], again.end()
    if day == "末":
        saturday = shift_week(today, weeks, 5) if which else today + timedelta(days=(5 - today.weekday()) % 7)
        return _piece(at, end, max(saturday, today) if which and not weeks else saturday)
    if day is None:
        if not which or _WEEK_NOT.match(text, end) or (which in ("今", "上") and at and text[at - 1] == "如"):
            return None
        return _piece(at, end, shift_week(today, weeks, 0), shift_week(today, weeks, 6))
    weekday = WEEKDAY_OF[day]
    if which:
        return _piece(at, end, shift_week(today, weeks, weekday))
    piece = _piece(at, end, next_weekday(today, weekday))
    return piece and replace(piece, weekdays=(WEEKDAYS[weekday],))


def _month(text: str, at: int, today: date) -> Piece | None:
    match = _MONTH.match(text, at)
    if match is None:
        return None
    which, rough, number, bare, lunar = match.groups()
    if not which and (not rough or (at and text[at - 1] in "个0123456789一二三四五六七八九十正腊冬每几")):
        return None
    first = add_months(today.replace(day=1), _sign(which))
    if rough:
        day, end_day = _tenth(first, rough)
        if not which and (end_day or day) < today:
            day, end_day = _tenth(add_months(first, 1), rough)
        return _piece(at, match.end(), day, end_day)
    if lunar:
        year, month = lunar_month_of(today)
        on = lunar_date(*lunar_month_of(lunar_end(year, month, _sign(which))), _lunar_number(lunar) or 0)
        return _piece(at, match.end(), on)
    if number or bare:
        wanted = parse_number(number or bare) or 0
        if 28 < wanted <= 31:
            wanted = min(
                wanted, month_end(first).day
            )  # 下个月三十号 before February: its last day, to be confirmed
        on = make_date(first.year, first.month, wanted)
        return _piece(at, match.end(), on)
    return _piece(at, match.end(), first, month_end(first))


def lunar_end(year: int, month: int, later: int) -> date:
    """A day inside the lunar month so many months after the given one."""
    first = lunar_date(year, month, 1) or date(year, abs(month), 1)
    return first + timedelta(days=round(29.53 * later) + 10)


def _lunar_number(word: str) -> int | None:
    return parse_number(word.removeprefix("初"))


def _lunar(text: str, at: int, today: date, year: int | None) -> Piece | None:
    match = _LUNAR.match(text, at)
    if match is None:
        return None
    named, month_word, day_word = match.groups()
    if not day_word or not (named or month_word):
        return None
    leap = bool(month_word) and month_word.startswith("闰")
    plain = (month_word or "").removeprefix("闰")
    looks_lunar = named or leap or plain in _FIRST_MONTH or day_word[0] in "初廿"
    mid_autumn = plain == "八" and day_word == "十五" and text[match.end() - 1] not in "号日"
    if not looks_lunar and not mid_autumn:
        return None
    number = _lunar_number(day_word)
    if number is None:
        return None
    if not month_word:
        return _piece(at, match.end(), next_lunar_day(today, number))
    month = _FIRST_MONTH.get(plain) or parse_number(plain) or 0
    month = -month if leap else month
    if month == 12 and number == 30:
        number = -1  # the last day, in a year whose last month has 29 as well
    if year is not None:
        return _piece(at, match.end(), lunar_date(year, month, number))
    found = (lunar_date(y, month, number) for y in range(today.year - 1, today.year + (20 if leap else 4)))
    on = next((day for day in found if day is not None and day >= today), None)
    return _piece(at, match.end(), on)


def _chu(text: str, at: int, today: date) -> Piece | None:
    match = _CHU.match(text, at)
    if (
        match is None
        or (at and text[at - 1] in "上读念升到月年最当起在")
        or text[match.end() : match.end() + 1] in (*"学年班生的",)
    ):
        return None
    number = parse_number(match[1])
    return _piece(at, match.end(), next_lunar_day(today, number or 1))


def _month_day(text: str, at: int, today: date, year: int | None) -> Piece | None:
    match = _MONTH_DAY.match(text, at)
    if match is None:
        bare = _BARE_MONTH.match(text, at)
        month = parse_number(bare[1]) if bare else None
        if bare is None or month is None or not 1 <= month <= 12:
            return None
        first = next_month_day(today.replace(day=1), month, 1, year)
        return _piece(at, bare.end(), first, month_end(first)) if first else None
    month = 1 if match[2] == "元" else parse_number(match[2])
    if month is None or not 1 <= month <= 12:
        return None
    if match[4]:
        first = next_month_day(today.replace(day=1), month, 1, year)
        if first is None:
            return None
        return _piece(at, match.end(), *_tenth(first, match[4]))
    return _piece(at, match.end(), next_month_day(today, month, parse_number(match[3]) or 0, year))


def _day_number(text: str, at: int, today: date) -> Piece | None:
    span = _DAY_RANGE.match(text, at)
    if span is not None:
        first, last = _next_of_month(today, parse_number(span[1]) or 0), parse_number(span[2]) or 0
        if first is not None and last > first.day:
            return _piece(at, span.end(), first, make_date(first.year, first.month, last))
    match = _DAY.match(text, at)
    if match is None or (at and text[at - 1] in _DAY_NOT_AFTER):
        return None
    # 三日 without 号 is a length of time more often than the third
    if (
        match[2] == "日"
        and not match[1].isdigit()
        and len(match[1]) == 1
        and text[match.end() : match.end() + 1] in "内后之以"
    ):
        return None
    number = parse_number(match[1])
    if number is None or not 1 <= number <= 31:
        return None
    first = _next_of_month(today, number)
    if first is None or not match[3]:
        return _piece(at, match.end(), first)
    return _piece(
        at, match.end(), first, make_date(first.year, first.month, parse_number(match[3]) or 0) or first
    )


def _year_end(word: str, today: date, year: int | None) -> date:
    base = year if year is not None else today.year
    if word == "年初":
        return date(base if year is not None or today <= date(base, 1, 1) else base + 1, 1, 1)
    if word == "年中":
        return date(base if year is not None or today <= date(base, 6, 30) else base + 1, 6, 30)
    return date(base, 12, 31)


def _year_of(word: str, today: date) -> int | None:
    relative = {"今年": 0, "本年": 0, "明年": 1, "后年": 2, "大后年": 3, "去年": -1, "前年": -2}
    if word in relative:
        return today.year + relative[word]
    return parse_number(word[:-1])


def _working(text: str, at: int, today: date) -> Piece | None:
    if match := _WORKDAY.match(text, at):
        return _piece(at, match.end(), nth_workday(today, 1))
    if match := _AFTER_BREAK.match(text, at):
        holiday = next_public_holiday(today)
        n = parse_number(match[3] or "一") or 1
        if match[2] == "前":
            day = nth_workday(holiday, -n) if match[4] == "工作日" else holiday - timedelta(days=n)
        else:
            day = nth_workday(holiday, n)
        return _piece(at, match.end(), day)
    return None


def _base(text: str, at: int, today: date, year: int | None) -> Piece | None:
    first = text[at]
    if match := _TWO_DAYS.match(text, at):
        start = today + timedelta(days={"今": 0, "明": 1}[first])
        return _piece(at, match.end(), start, start + timedelta(days=1))
    if found := _named(text, at, today, year):
        return found
    if first in "这本下上今周星礼呢" and (found := _week(text, at, today)):
        return found
    if first in "这本当下上月" and (found := _month(text, at, today)):
        return found
    if first in "下最第节假放过长" and (found := _working(text, at, today)):
        return found
    if first == "年" and (match := _YEAR_END.match(text, at)) and not (at and text[at - 1] in "每几半两"):
        return _piece(at, match.end(), _year_end(match[1], today, year))
    if first == "底" and year is not None:
        return _piece(at, at + 1, _year_end("年底", today, year))
    if (found := _lunar(text, at, today, year)) is not None:
        return found
    if first == "初":
        return _chu(text, at, today)
    return _numbered(text, at, today, year)


def _numbered(text: str, at: int, today: date, year: int | None) -> Piece | None:
    if not (text[at].isdecimal() or text[at] in "一二三四五六七八九十廿卅阳公新元"):
        return None
    if match := _ISO.match(text, at):
        return _piece(at, match.end(), make_date(int(match[1]), int(match[2]), int(match[3])))
    if (match := _SLASHED.match(text, at)) and len(match[0]) > 3 and not (at and text[at - 1] in "/-."):
        return _piece(at, match.end(), next_month_day(today, int(match[1]), int(match[2]), year))
    if (match := _DOTTED.match(text, at)) and not (at and text[at - 1] in ".-/"):
        return _piece(at, match.end(), next_month_day(today, int(match[1]), int(match[2]), year))
    return _month_day(text, at, today, year) or _day_number(text, at, today)


STARTS = frozenset(DAY_WORDS) | frozenset(
    "呢次转隔这本当下上今周星礼月最第节假放过长年初农阴旧老古阳公新闰正腊冬12一二三四五六七八九十廿卅0123456789明后大去前"
)


def find_more(text: str, at: int, before: Piece, today: date) -> Piece | None:
    """What only makes sense after another piece: the rest of 周一三五, and 第二天."""
    if before.weekdays and before.end == at and (match := _MORE_WEEKDAYS.match(text, at)):
        weekday = WEEKDAY_OF[match[0]]
        piece = _piece(at, at + 1, next_weekday(today, weekday))
        return piece and replace(piece, weekdays=(WEEKDAYS[weekday],))
    named = before.end == at and text[at - 2] in "周期拜" and text[at - 1] in WEEKDAY_OF
    if (
        named and before.day is not None and (match := _MORE_WEEKDAYS.match(text, at))
    ):  # 下周六日: the same week
        return _piece(at, at + 1, before.day + timedelta(days=WEEKDAY_OF[match[0]] - before.day.weekday()))
    if at - before.end <= 3 and (match := _NEXT_DAY.match(text, at)):
        return _piece(at, match.end(), (before.day or today) + timedelta(days=1))
    return None


def find_day(text: str, at: int, today: date) -> Piece | None:
    """The day named at that offset of the folded text, with what narrows it: 除夕前一天, 下个月第一个周一."""
    year_match = _YEAR.match(text, at)
    piece = None if year_match and _ISO.match(text, at) is None else _base(text, at, today, None)
    if piece is None and year_match is not None and year_match.end() < len(text):
        year = _year_of(year_match[1], today)
        piece = _base(text, year_match.end(), today, year)
        if piece is None or (
            piece.day is not None and piece.day.year != year and not 0 <= piece.day.year - (year or 0) <= 1
        ):
            return None
        piece = replace(piece, start=at)
    if piece is None or piece.day is None:
        return piece
    if piece.end_day is not None and (match := _SAME_DAY.match(text, piece.end)):
        return replace(piece, end=match.end(), day=_same_day(piece.day, piece.end_day, today), end_day=None)
    return narrowed(text, piece)


def _same_day(first: date, last: date, today: date) -> date:
    """The day of that stretch that is what today is of its own: 下周的今天, 下个月今天."""
    if (last - first).days == 6:
        return first + timedelta(days=today.weekday())
    return min(last, first + timedelta(days=today.day - 1))
