"""Things that come again: 每周一三五, 隔天, 每月初一十五, 工作日每天, 八小时一次."""

from __future__ import annotations

import re
from dataclasses import replace

from nlu.holidays import HOLIDAYS, yearly_rule
from nlu.numbers import parse_number, pattern
from nlu.times.pieces import Piece
from nlu.times.words import WEEKDAY_OF, WEEKDAYS, D
from nlu.timevalues import Part, Repeat

_N = r"(?:\d{1,3}|[一二两三四五六七八九十]{1,3}|半)"
_UNIT = r"(?:个?小时|个?钟头|个?钟(?!点)|分钟|刻钟|天|日|个?星期|个?礼拜|周|个?月|年)"
_ONCE = r"(?:[一1][次回趟遍])?"
_DAILY = pattern(
    r"每一?(?:天|日)|天天|日日|每(早上?|晚上?|夜|晨|朝)|每个?(早上|早晨|上午|中午|下午|傍晚|晚上|夜里|半夜)"
)
_DAY = r"[一二三四五六日天末1-7]"
_NOT_DAY = r"(?![点时个次趟遍:\d]|[十]?点|回(?![来去家到]))"
_WEEK_WORD = r"(?:周|星期|礼拜)"
_JOIN = r"(?:[、,和跟及与]|还有|以及|到|至|-|~| )"
_WEEKLY = pattern(
    rf"(?:每到?逢?个?|逢|凡是)(?P<odd>隔一?个?)?{_WEEK_WORD}的?(?P<list>(?:{_DAY}{_NOT_DAY}(?:{_JOIN}?(?:每个?)?{_WEEK_WORD}?{_DAY}{_NOT_DAY})*)?){_ONCE}"
)
_DAY_LIST = rf"(?:{D}[号日]?|初[一二三四五六七八九十])(?:(?:[、,和跟及与]|还有|以及)?的?(?:{D}[号日](?!楼)|初[一二三四五六七八九十]|十五|三十|{D}(?=[号日、])))*"
_MONTHLY = pattern(
    rf"(?P<l1>农历|阴历)?(?:每个?|逢)月?的?(?P<l2>农历|阴历)?的?(?:(?<=月)|(?<=历)|(?<=逢)|(?<=的))"
    rf"(?P<list>月?(?:底|末|最后一天)|初(?![一二三四五六七八九十])|{_DAY_LIST})?{_ONCE}"
)
_NTH_DAY = pattern(
    rf"每个?月的?(?:第?(?P<n>[一二两三四五1-5])个?|头一?个|(?P<last>最后)一?个?){_WEEK_WORD}(?P<day>[一二三四五六日天])"
)
_MONTH_WORD = pattern(r"(?:农历|阴历)?(?:每个?月|逢)")
_YEARLY = pattern(rf"每年的?(农历|阴历)?的?(?:({D}|正|腊|冬)月份?({D}|初[一二三四五六七八九十])?[号日]?)?")
_EVERY = pattern(rf"每(?:间?隔|过)?(?P<n>{_N})?(?P<half>个半)?(?P<unit>{_UNIT})(?:一?[次回趟])?(?![前末底])")
_OTHER = pattern(
    rf"(?:间?隔)(?:(?P<n>{_N})(?P<unit>{_UNIT})(?P<once>[就]?(?:来|做|吃|量|测|换|喊|叫|提醒)?[一1]?[次回趟])?|(?P<one>天|日|周|星期|个?礼拜|月))"
)
_ONCE_IN = pattern(rf"(?P<n>{_N})(?P<unit>{_UNIT})(?:来|做|吃|量|测|换)?[一1][次回趟](?!性)")
_TIMES_A_DAY = pattern(r"一[天日](?P<n>[两二三四])[次回遍](?!性)")
_WORKDAYS = pattern(r"(?P<every>每个?|逢)?(?:工作日|平日|上班日)(?P<daily>的?(?:每天|天天|每日))?")
_WEEKENDS = pattern(r"(?P<every>每个?|逢)(?:周末|双休日)|(?:周末|双休日)(?:的?(?:每天|天天))")
_NUMBER_OR_CHU = pattern(rf"(?:初)?({D})")

_FREQ = {
    "天": "DAILY",
    "日": "DAILY",
    "周": "WEEKLY",
    "星期": "WEEKLY",
    "礼拜": "WEEKLY",
    "月": "MONTHLY",
    "年": "YEARLY",
}
_SHORT: dict[str, Part] = {
    "早": "morning",
    "晨": "morning",
    "朝": "morning",
    "晚": "evening",
    "夜": "evening",
}
_LONG: dict[str, Part] = {
    "早": "morning", "上": "morning", "中": "noon", "下": "afternoon", "傍": "afternoon", "晚": "evening", "夜": "night", "半": "night",
}  # fmt: skip


def weekday_list(text: str) -> tuple[str, ...]:
    """The weekdays of 一三五, 一到五, 一、周三, 末 in the order of the week."""
    chosen: set[int] = set()
    previous, to = None, False
    for character in text:
        if character in "到至-~":
            to = True
        elif character == "末":
            chosen |= {5, 6}
        elif (day := WEEKDAY_OF.get(character)) is not None and character != "期":
            if to and previous is not None:
                chosen |= (
                    set(range(previous, day + 1))
                    if previous <= day
                    else {*range(previous, 7), *range(day + 1)}
                )
            chosen.add(day)
            previous, to = day, False
    return tuple(WEEKDAYS[day] for day in sorted(chosen))


def _piece(start: int, end: int, repeat: Repeat, part: Part | None = None) -> Piece:
    return Piece(start=start, end=end, kind="repeat", repeat=repeat, part=part)


def _interval(n: str | None, unit: str, half: bool = False) -> Repeat | None:
    amount: float = 0.5 if n == "半" else (parse_number(n) or 0) if n else 1
    amount += 0.5 if half else 0
    unit = unit.removeprefix("个")
    if amount <= 0:
        return None
    if unit in _FREQ:
        if amount % 1:
            return {"月": Repeat(freq="DAILY", interval=15), "年": Repeat(freq="MONTHLY", interval=6)}.get(
                unit
            )
        return Repeat(freq=_FREQ[unit], interval=int(amount))
    minutes = int(amount * {"分钟": 1, "刻钟": 15}.get(unit, 60))
    if minutes % 60:
        return Repeat(freq="MINUTELY", interval=minutes)
    return Repeat(freq="HOURLY", interval=minutes // 60)


def _daily(text: str, at: int) -> Piece | None:
    match = _DAILY.match(text, at)
    if match is None:
        return None
    part = _SHORT[match[1][0]] if match[1] else _LONG[match[2][0]] if match[2] else None
    return _piece(at, match.end(), Repeat(freq="DAILY"), part)


def _weekly(text: str, at: int) -> Piece | None:
    match = _WEEKLY.match(text, at)
    if match is None:
        return None
    days = weekday_list(match["list"].replace("星期", "").replace("礼拜", ""))
    return _piece(at, match.end(), Repeat(freq="WEEKLY", interval=2 if match["odd"] else 1, byday=days))


def _monthly(text: str, at: int) -> Piece | None:
    if not _MONTH_WORD.match(text, at):
        return None
    if nth := _NTH_DAY.match(text, at):
        number = -1 if nth["last"] else parse_number(nth["n"] or "一") or 1
        day = f"{number}{WEEKDAYS[WEEKDAY_OF[nth['day']]]}"
        return _piece(at, nth.end(), Repeat(freq="MONTHLY", byday=(day,)))
    match = _MONTHLY.match(text, at)
    if match is None:
        return None
    listed = match["list"] or ""
    lunar = bool(match["l1"] or match["l2"])
    if not listed:
        return _piece(at, match.end(), Repeat(freq="MONTHLY", lunar=lunar)) if "月" in match[0] else None
    if listed[-1] in "底末天":
        return _piece(at, match.end(), Repeat(freq="MONTHLY", bymonthday=(-1,), lunar=lunar))
    if listed == "初":
        return _piece(at, match.end(), Repeat(freq="MONTHLY", bymonthday=(1,), lunar=lunar))
    # 初一十五 run together: cut after 初 and one numeral
    listed = re.sub(r"(初[一二三四五六七八九])(?=[十三])", r"\1、", listed)
    days = [parse_number(item) or 0 for item in _NUMBER_OR_CHU.findall(listed)]
    if not days or any(not 1 <= day <= 31 for day in days):
        return None
    if "月" not in match[0] and "初" not in listed:
        return None
    return _piece(at, match.end(), Repeat(freq="MONTHLY", bymonthday=tuple(dict.fromkeys(days)), lunar=lunar))


def _yearly(text: str, at: int) -> Piece | None:
    match = _YEARLY.match(text, at)
    if match is None:
        return None
    if not match[2]:
        for word in HOLIDAYS:
            if text.startswith(word, match.end()):
                return _festival(at, match.end() + len(word), yearly_rule(word))
        return _piece(at, match.end(), Repeat(freq="YEARLY"))
    month = {"正": 1, "冬": 11, "腊": 12}.get(match[2]) or parse_number(match[2]) or 0
    number = parse_number(match[3].removeprefix("初")) if match[3] else None
    lunar = bool(match[1]) or match[2] in "正冬腊" or (match[3] or "").startswith("初")
    if not 1 <= month <= 12 or (number is not None and not 1 <= number <= 31):
        return None
    days = (number,) if number is not None else ()
    return _piece(at, match.end(), Repeat(freq="YEARLY", bymonth=(month,), bymonthday=days, lunar=lunar))


def _festival(start: int, end: int, rule: tuple[int, int, bool] | None) -> Piece | None:
    if rule is None:
        return None
    month, day, lunar = rule
    return _piece(start, end, Repeat(freq="YEARLY", bymonth=(month,), bymonthday=(day,), lunar=lunar))


def _spaced(text: str, at: int) -> Piece | None:
    if match := _EVERY.match(text, at):
        n = match["n"]
        repeat = _interval(n, match["unit"], bool(match["half"]))
        # 每隔一天, 每隔一周: every other one; 每隔一小时: every hour
        if (
            repeat is not None
            and "隔" in match[0]
            and n in ("一", "1")
            and match["unit"].removeprefix("个") in _FREQ
        ):
            repeat = Repeat(freq=repeat.freq, interval=2)
        return _piece(at, match.end(), repeat) if repeat else None
    if match := _OTHER.match(text, at):
        if match["one"]:
            return _piece(at, match.end(), Repeat(freq=_FREQ[match["one"].removeprefix("个")], interval=2))
        repeat = _interval(match["n"], match["unit"])
        if repeat is not None and match["n"] in ("一", "1") and match["unit"].removeprefix("个") in _FREQ:
            return _piece(at, match.end(), Repeat(freq=repeat.freq, interval=2))
        return _piece(at, match.end(), repeat) if repeat and match["once"] else None
    return None


def find_repeat(text: str, at: int) -> Piece | None:
    """The rule named at that offset of the folded text."""
    first = text[at]
    if first in "每天日" and (found := _daily(text, at)):
        return found
    if first in "每周双逢" and (match := _WEEKENDS.match(text, at)):
        return _piece(at, match.end(), Repeat(freq="WEEKLY", byday=("SA", "SU")))
    if first in "每逢工平上" and (match := _WORKDAYS.match(text, at)):
        if (
            match["every"]
            or match["daily"]
            or text.startswith(("早", "上午", "中午", "下午", "晚", "的早", "的下", "的晚"), match.end())
        ):
            return _piece(at, match.end(), Repeat(freq="WEEKLY", byday=WEEKDAYS[:5]))
        return None
    if first in "每逢凡" and (found := _weekly(text, at)):
        return found
    if first in "每逢农阴" and (found := _monthly(text, at)):
        return found
    if first == "每" and (found := _yearly(text, at)):
        return found
    if first in "每隔间" and (found := _spaced(text, at)):
        return found
    if often := _TIMES_A_DAY.match(text, at):
        piece = _piece(at, often.end(), Repeat(freq="DAILY"))
        return replace(piece, extra={"times": parse_number(often["n"])})
    match = _ONCE_IN.match(text, at)
    if match is None or (at and text[at - 1] in "第每过"):
        return None
    repeat = _interval(match["n"], match["unit"])
    return _piece(at, match.end(), repeat) if repeat else None


STARTS = frozenset("每天日周双逢工平上凡农阴隔间半0123456789一二两三四五六七八九十")
