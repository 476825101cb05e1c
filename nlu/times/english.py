"""Times in English: tomorrow at 3pm, half past eight, in two weeks, every day at 7 and 20, on the 25th."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

from nlu.holidays import HOLIDAYS, add_months, month_end, next_holiday
from nlu.numbers import pattern, words
from nlu.times.days import next_month_day
from nlu.times.pieces import Clock, Piece
from nlu.times.shifts import next_weekday, shift_week
from nlu.times.words import WEEKDAYS
from nlu.timevalues import Part, Repeat

_WORDS = words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_NUMBERS = {word: number for number, word in enumerate(_WORDS)} | {
    "a": 1, "an": 1, "thirty": 30, "forty": 40, "fifty": 50, "couple": 2, "few": 3, "a couple of": 2, "half": 30,
    "forty-five": 45, "forty five": 45, "twenty-five": 25, "twenty five": 25, "a quarter": 15, "quarter": 15,
}  # fmt: skip
_ORDINALS = words(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third twenty-fourth "
    "twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first"
)
_ORDINAL_OF = {word: number for number, word in enumerate(_ORDINALS, 1)}
_MONTHS = words("jan feb mar apr may jun jul aug sep oct nov dec")
_N = (
    r"(?:\d{1,3}|twenty[ -]five|forty[ -]five|"
    + "|".join(sorted(_WORDS, key=len, reverse=True))
    + r"|thirty|forty|fifty)"
)
_HOUR = r"(?:\d{1,2}|" + "|".join(sorted(_WORDS[1:13], key=len, reverse=True)) + ")"
_HOUR_WORD = "(?:" + "|".join(sorted(_WORDS[1:13], key=len, reverse=True)) + ")"
_SPOKEN_MINUTE = r"(?:(?:oh|o)[ -](?:five|one|two|three|four|six|seven|eight|nine)|(?:twenty|thirty|forty|fifty)(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?|fifteen|ten)"
_DAY = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_NTH = r"(?:(?:[0-3]?\d)(?:st|nd|rd|th)|" + "|".join(sorted(_ORDINALS, key=len, reverse=True)) + ")"
_AMPM = r"(?:\s?(?P<ap>a\.?m\b\.?|p\.?m\b\.?))"

_RELATIVE = pattern(
    r"(?:the )?day after tomorrow|(?:the )?day before yesterday|tomorrow|tmrw?|tmr|tomorow|tommorow|tommorrow|today|tonight|yesterday"
    r"|last night|this (?:morning|afternoon|evening)"
)
_WEEKDAY = pattern(
    rf"(?:on )?(?:(?P<which>this|next|last|coming|this coming|the (?:following|coming)) )?(?P<day>{_DAY})s?\b(?!\s*(?:market|news))"
    rf"(?P<late> week)?(?P<after> after next)?"
)
_WEEK = pattern(
    r"(?:(?:at |on )?(?P<which>this|next|the|last|coming)? ?weekend|(?P<span>next|this|last) (?P<unit>week|month|year)"
    r"|the (?P<far>week|month) after next"
    r"|(?:at )?(?:the )?(?P<edge>end|beginning|start|middle) of (?:the|this|(?P<later>next)) (?P<of>month|week|year))\b"
)
_DATE = pattern(
    rf"(?:on )?(?:the )?(?:(?P<m1>{_MONTH})\s?(?:the )?(?P<d1>{_NTH}|[0-3]?\d(?!\d|:|\s?[ap]m))|(?P<d2>{_NTH}|[0-3]?\d) (?:of )?(?P<m2>{_MONTH}))"
    r"(?:,? (?P<y>20\d\d))?(?![a-z])"
)
_NTH_DAY = pattern(
    rf"(?:on )?the (?P<d>{_NTH})(?: of (?P<of>this|next|the) month)?\b(?! (?:floor|building|unit|time|of|room|one|door|street))"
)
_PART = pattern(
    r"(?:(?:in|at|during) )?(?:the )?(?:early |late )?(?P<p>mornings?|afternoons?|evenings?|night|midday|noon|lunchtime|midnight)\b(?! (?:shift|nurse|market))"
)
_CLOCK_AP = pattern(
    rf"(?:at |by )?(?P<h>{_HOUR})(?:[:.](?P<m>[0-5]\d)| (?P<mw>{_SPOKEN_MINUTE}))?(?:\s?(?:-|–|to|till|until|(?P<and>and))\s?(?P<h2>{_HOUR})(?:[:.](?P<m2>[0-5]\d)| (?P<mw2>{_SPOKEN_MINUTE}))?)?{_AMPM}"
)
_SPOKEN = pattern(
    rf"(?:at )?(?P<h>{_HOUR_WORD}) (?P<m>{_SPOKEN_MINUTE})\b(?! (?:people|yuan|minutes?|hours?|days?|percent))"
)
_IN_PART = pattern(
    rf"(?:at )?(?P<h>{_HOUR})(?:[:.](?P<m>[0-5]\d))?(?= (?:o'?clock )?(?:in the (?:morning|afternoon|evening)|at night|tonight|tomorrow|this (?:morning|afternoon|evening)))"
)
_CLOCK_COLON = pattern(r"(?:at )?(?P<h>[01]?\d|2[0-4]):(?P<m>[0-5]\d)(?!\d)")
_OCLOCK = pattern(
    rf"(?:at )?(?P<h>{_HOUR})(?: (?P<m>thirty|fifteen|forty[- ]five|twenty|ten))?(?:\s?o'?\s?clock)\b"
)
_PAST = pattern(
    rf"(?:at )?(?:a )?(?P<m>half|quarter|{_N})(?: minutes?)? (?P<dir>past|to|after|before|till) (?P<h>{_HOUR})\b(?!\s?(?:people|days|hours|minutes|%))(?:{_AMPM})?"
)
_HALF = pattern(rf"(?:at )?half (?P<h>{_HOUR})\b(?! (?:an?|hours?|day|minutes?))")
_AT = pattern(
    rf"(?:at|by|around|about|before|after|from|until|till|since|between|@|to|and)\s(?:about |around )?(?P<h>{_HOUR})\b"
    rf"(?!(?:[:.][0-5]\d)?\s?(?:(?:-|–|to|till|until|and)\s?{_HOUR}(?:[:.][0-5]\d)?\s?)?[ap]\.?m\b)"
    r"(?!(?:st|nd|rd|th)\b)(?! ?(?:[a-z%]*(?:people|persons?|days?|hours?|minutes?|weeks?|months?|years?|times|percent|degrees|yuan|floors?|units?|buildings?|rooms?|portions?|of|meals?|stars?|points?)\b|[-/.:]?\d|%))"
)
_WAIT = pattern(
    rf"(?:(?P<in>in|within|after) )?(?:about |around )?(?P<n>an? couple of|a couple of|a few|half an?|(?:a )?quarter of an|an?|{_N})(?P<half> and a half)?[ -]?"
    r"(?P<u>seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|fortnights?|months?|years?)(?P<half2> and a half)?\b"
    rf"(?: (?P<tail>later|from now|from today|ago|from tomorrow|(?:from|on) (?P<from>{_DAY})\b))?"
)
_EVERY = pattern(
    rf"(?:every|each) (?:(?P<other>other|second) )?(?:(?P<n>{_N}|half an|half) )?"
    rf"(?P<u>days?|weeks?|months?|years?|hours?|minutes?|mins?|morning|afternoon|evening|night|weekday|workday|working day|weekends?|{_DAY}s?)\b"
    rf"(?P<more>(?:,? (?:and )?(?:every )?{_DAY}s?\b)*)(?: on the (?P<nth>{_NTH}))?"
)
_OFTEN = pattern(r"(?:once|twice|(?:two|three|four) times|thrice) (?:a|per|every|each) day\b")
_OF_MONTH = pattern(
    rf"(?:on )?the (?:(?P<nth>{_NTH})|(?P<last>last))(?: (?:day|(?P<day>{_DAY})))? (?:of|in) (?:every|each) month\b"
)
_LY = pattern(
    rf"(?:daily|hourly|weekly|monthly|yearly|annually|(?:on )?(?P<w>weekdays|weekends|{_DAY}s(?:,? (?:and )?{_DAY}s)*))\b"
)
_DAYS = pattern(_DAY)
_THEN_CLOCK = pattern(
    r"\.?,? (?:at |from |by )?(?:\d{1,2}(?::\d\d|\.\d\d| ?[ap]\.?m)|morning|afternoon|evening|night|noon)"
)
"""Wed 10:30: what follows shows that sun, sat, wed and mon are days."""
_FESTIVALS = sorted((name for name in HOLIDAYS if name.isascii()), key=len, reverse=True)

_ITS_YEAR = pattern(r",? (?:of |in )?(?:the )?(?P<y>next year|this year|last year|20\d\d)\b")
_BESIDE = pattern(r"(?:on )?(?:the )?(?P<dir>eve of|(?:day|night) before|day after) (?:the )?")
_THIS_TIME = pattern(
    r"(?:at )?(?:this|the same|same) (?:time|hour)(?= (?:on )?(?:the day after|tomorrow|next|every))"
)
_AT_DOT = pattern(
    rf"(?:at|by|around|about|before|after|from|until|till|since|@)\s(?P<h>{_HOUR})\.(?P<m>[0-5]\d)(?!\d|\.\d| ?(?:%|[ap]\.?m|yuan|rmb|kg|km|degrees|percent|metres|meters))"
)
_TO_NOON = pattern(r"(?:\b(?:to|till|until|by|before|from)|-|\bbetween [^,.]{1,14} and)\s?$")
_PARTS: dict[str, Part] = {
    "morning": "morning", "afternoon": "afternoon", "evening": "evening", "night": "night", "midday": "noon",
    "noon": "noon", "lunchtime": "noon",
}  # fmt: skip


def _number(word: str) -> int:
    word = word.strip()
    if word.isdigit():
        return int(word)
    return _NUMBERS.get(word, _NUMBERS.get(word.replace(" ", "-"), 0))


def _nth(word: str) -> int:
    return _ORDINAL_OF.get(word) or int(re.sub(r"\D", "", word) or 0)


def _weekday(word: str) -> int:
    return ("mo", "tu", "we", "th", "fr", "sa", "su").index(word[:2])


def _day(
    start: int, end: int, day: date | None, end_day: date | None = None, part: Part | None = None
) -> Piece | None:
    if day is None:
        return None
    return Piece(start=start, end=end, kind="day", day=day, end_day=end_day, part=part)


def _relative(text: str, at: int, today: date) -> Piece | None:
    match = _RELATIVE.match(text, at)
    if match is None:
        return None
    word = match[0].removeprefix("the ")
    part: Part | None = "evening" if word in ("tonight", "last night") else None
    if word.startswith("this "):
        part = _PARTS[word[5:]]
    offset = {"day after tomorrow": 2, "day before yesterday": -2, "yesterday": -1, "last night": -1}.get(
        word, 1 if word.startswith(("tomor", "tmr", "tommo")) else 0
    )
    return _day(at, match.end(), today + timedelta(days=offset), part=part)


def _named(text: str, at: int, today: date) -> Piece | None:
    for name in _FESTIVALS:
        if text.startswith(name, at):
            return _day(at, at + len(name), next_holiday(name, today))
    match = _WEEKDAY.match(text, at)
    # sun, sat, mon and wed alone are other words as well
    if match is None or (
        match["day"] in ("sun", "sat", "wed", "mon")
        and not (match["which"] or match[0].startswith("on ") or _THEN_CLOCK.match(text, match.end()))
    ):
        return None
    weekday = _weekday(match["day"])
    weeks = {"next": 1, "last": -1}.get(match["which"] or "", 0)
    if weeks:
        return _day(at, match.end(), shift_week(today, weeks, weekday))
    day = next_weekday(today, weekday) + timedelta(days=7 if match["late"] else 0)
    return Piece(start=at, end=match.end(), kind="day", day=day, weekdays=(WEEKDAYS[weekday],))


def _week(text: str, at: int, today: date) -> Piece | None:
    match = _WEEK.match(text, at)
    if match is None:
        return None
    if match["far"]:
        return _day(at, match.end(), *_stretch(today, match["far"], 2))
    if match["span"] or match["edge"]:
        later = 1 if "next" in (match["span"], match["later"]) else -1 if match["span"] == "last" else 0
        first, last = _stretch(today, match["unit"] or match["of"], later)
        if match["edge"] is None:
            return _day(at, match.end(), first, last)
        middle = first + (last - first) // 2
        return _day(at, match.end(), {"end": last, "middle": middle}.get(match["edge"], first))
    weeks = {"next": 1, "last": -1}.get(match["which"] or "", 0)
    saturday = shift_week(today, weeks, 5) if weeks else today + timedelta(days=(5 - today.weekday()) % 7)
    return _day(at, match.end(), saturday)


def _stretch(today: date, unit: str, later: int) -> tuple[date, date]:
    if unit == "week":
        return shift_week(today, later, 0), shift_week(today, later, 6)
    if unit == "month":
        first = add_months(today.replace(day=1), later)
        return first, month_end(first)
    return date(today.year + later, 1, 1), date(today.year + later, 12, 31)


def _in_year(text: str, at: int, today: date) -> Piece | None:
    """A date or a festival with its year behind it: March 12 next year, Christmas next year."""
    name = next((name for name in _FESTIVALS if text.startswith(name, at)), "")
    match = None if name else _DATE.match(text, at)
    end = at + len(name) if name else match.end() if match else 0
    said = _ITS_YEAR.match(text, end) if end else None
    if said is None:
        return None
    relative = {"next year": 1, "this year": 0, "last year": -1}
    year = today.year + relative[said["y"]] if said["y"] in relative else int(said["y"])
    if name:
        return _day(at, said.end(), next_holiday(name, today, year))
    if match is None or match["y"]:
        return None
    month = _MONTHS.index((match["m1"] or match["m2"])[:3]) + 1
    return _day(at, said.end(), next_month_day(today, month, _nth(match["d1"] or match["d2"]), year))


def _beside(text: str, at: int, today: date) -> Piece | None:
    """The eve of a festival or a date, the day before or after it."""
    match = _BESIDE.match(text, at)
    if match is None:
        return None
    start = match.end()
    named = _in_year(text, start, today) or _dated(text, start, today)
    if named is None and any(text.startswith(name, start) for name in _FESTIVALS):
        named = _named(text, start, today)
    if named is None or named.day is None:
        return None
    shift = timedelta(days=1 if match["dir"] == "day after" else -1)
    part: Part | None = "evening" if match["dir"].startswith("night") else None
    return _day(at, named.end, named.day + shift, part=part)


def _dated(text: str, at: int, today: date) -> Piece | None:
    if match := _DATE.match(text, at):
        month = _MONTHS.index((match["m1"] or match["m2"])[:3]) + 1
        number = _nth(match["d1"] or match["d2"])
        return _day(
            at, match.end(), next_month_day(today, month, number, int(match["y"]) if match["y"] else None)
        )
    if match := _NTH_DAY.match(text, at):
        if match["of"] == "next":
            today = add_months(today.replace(day=1), 1)
        number = _nth(match["d"])
        for months in range(14):
            first = add_months(today.replace(day=1), months)
            if number <= month_end(first).day and number and first.replace(day=number) >= today:
                return _day(at, match.end(), first.replace(day=number))
    return None


def _part(text: str, at: int) -> Piece | None:
    match = _PART.match(text, at)
    if match is None or text[max(0, at - 8) : at].rstrip().endswith("good"):
        return None
    word = match["p"].removesuffix("s")
    if word == "midnight":
        return Piece(start=at, end=match.end(), kind="clock", clock=Clock(hour=24, definite=True))
    if word == "noon" and (match[0].startswith("at ") or _TO_NOON.search(text, max(0, at - 30), at)):
        return Piece(start=at, end=match.end(), kind="clock", clock=Clock(hour=12, definite=True))
    return Piece(start=at, end=match.end(), kind="part", part=_PARTS[word], after=True, deep=word == "night")


def _clock(text: str, at: int) -> Piece | None:
    match = _CLOCK_AP.match(text, at)
    if match and not (match["and"] and not text.endswith("between ", 0, at)):
        return _am_pm(at, match)
    if match := _CLOCK_COLON.match(text, at):
        hour = int(match["h"])
        definite = hour > 12 or hour == 0 or match["h"].startswith("0")
        return _at(at, match.end(), Clock(hour=hour, minute=int(match["m"]), definite=definite))
    if match := _PAST.match(text, at):
        return _past(at, match)
    for form in (_AT_DOT, _OCLOCK, _HALF, _SPOKEN, _IN_PART, _AT):
        if match := form.match(text, at):
            hour = _number(match["h"])
            said = match["m"] if form in (_AT_DOT, _OCLOCK, _SPOKEN, _IN_PART) else None
            minute = 30 if form is _HALF else int(said) if said and said.isdigit() else _minutes(said)
            start = at if text.startswith(("at ", "by "), at) else match.start("h")
            return _at(start, match.end(), Clock(hour=hour, minute=minute, definite=hour > 12))
    return None


def _minutes(word: str | None) -> int:
    """Minutes as they are said after the hour: thirty, forty-five, oh five."""
    if not word:
        return 0
    head, _, tail = re.sub(r"^(?:oh|o)[ -]", "", word).replace("-", " ").partition(" ")
    return _number(head) + (_number(tail) if tail else 0)


def _am_pm(at: int, match: re.Match[str]) -> Piece | None:
    hour, pm = _number(match["h"]), match["ap"].startswith("p")
    minute = int(match["m"] or 0) or _minutes(match["mw"])

    def of_day(hour: int) -> int:
        return hour % 12 + (12 if pm else 0) if hour <= 12 else hour

    if not match["h2"]:
        return _at(at, match.end(), Clock(hour=of_day(hour), minute=minute, definite=True))
    end_hour = of_day(_number(match["h2"]))
    first = of_day(hour) if of_day(hour) < end_hour else hour
    clock = Clock(
        hour=first,
        minute=minute,
        definite=True,
        end_hour=end_hour,
        end_minute=int(match["m2"] or 0) or _minutes(match["mw2"]),
    )
    return _at(at, match.end(), clock)


def _past(at: int, match: re.Match[str]) -> Piece | None:
    minute, hour = _number(match["m"]), _number(match["h"])
    definite = hour > 12
    if match["ap"]:
        hour, definite = hour % 12 + (12 if match["ap"].startswith("p") else 0), True
    total = hour * 60 + (minute if match["dir"] in ("past", "after") else -minute)
    if minute > 59:
        return None
    if total < 60 and not definite:
        total += 12 * 60
    total %= 24 * 60
    return _at(at, match.end(), Clock(hour=total // 60, minute=total % 60, definite=definite))


def _at(start: int, end: int, clock: Clock) -> Piece | None:
    if clock.hour > 24 or clock.minute > 59 or (clock.end_hour or 0) > 24:
        return None
    return Piece(start=start, end=end, kind="clock", clock=clock)


def _wait(text: str, at: int, now: datetime) -> Piece | None:
    match = _WAIT.match(text, at)
    if match is None or not (match["in"] or match["tail"]):
        return None
    if match["in"] == "after" and match["tail"]:
        return None
    word, unit = match["n"], match["u"]
    amount: float = (
        0.5
        if word.startswith("half")
        else 0.25
        if "quarter" in word
        else _number(word) or (2 if "couple" in word else 3)
    )
    amount += 0.5 if match["half"] or match["half2"] else 0
    amount *= -1 if match["tail"] == "ago" else 1
    extra = {"relation": "before"} if match["in"] == "within" else {}
    minutes = {"s": 1 / 60, "m": 1, "h": 60}.get(unit[0], 0) if not unit.startswith("month") else 0
    if minutes:
        return Piece(
            start=at,
            end=match.end(),
            kind="offset",
            at=now + timedelta(minutes=amount * minutes),
            extra=extra,
        )
    days = {"d": 1, "w": 7, "f": 14}.get(unit[0], 0)
    start = now.date() + timedelta(days=1 if match["tail"] == "from tomorrow" else 0)
    if match["from"]:
        start = next_weekday(start, _weekday(match["from"]))
    if days:
        day = start + timedelta(days=round(amount * days))
    else:
        day = add_months(start, round(amount * (12 if unit[0] == "y" else 1)))
    return Piece(start=at, end=match.end(), kind="day", day=day, extra=extra)


def _every(text: str, at: int) -> Piece | None:
    if (match := _OF_MONTH.match(text, at)) and (match["day"] or match["nth"] or match["last"]):
        number = -1 if match["last"] else _nth(match["nth"])
        if match["day"]:
            byday = (f"{number}{WEEKDAYS[_weekday(match['day'])]}",) if number <= 5 else ()
            return _rule(at, match.end(), Repeat(freq="MONTHLY", byday=byday))
        return _rule(at, match.end(), Repeat(freq="MONTHLY", bymonthday=(number,)))
    match = _EVERY.match(text, at)
    if match is None:
        return None
    unit, n = match["u"], 2 if match["other"] else _number(match["n"] or "one") or 1
    end = match.end()
    if unit in _PARTS:
        return Piece(
            start=at,
            end=end,
            kind="repeat",
            repeat=Repeat(freq="DAILY"),
            part=_PARTS[unit],
            deep=unit == "night",
        )
    if unit.startswith("weekend"):
        return _rule(at, end, Repeat(freq="WEEKLY", interval=n, byday=("SA", "SU")))
    if unit in ("weekday", "workday", "working day"):
        return _rule(at, end, Repeat(freq="WEEKLY", byday=WEEKDAYS[:5]))
    if re.fullmatch(_DAY + "s?", unit):
        chosen = {_weekday(word) for word in _DAYS.findall(unit + match["more"])}
        return _rule(
            at, end, Repeat(freq="WEEKLY", interval=n, byday=tuple(WEEKDAYS[i] for i in sorted(chosen)))
        )
    if unit.startswith("min") or (match["n"] or "").startswith("half"):
        return _rule(
            at, end, Repeat(freq="MINUTELY", interval=30 if (match["n"] or "").startswith("half") else n)
        )
    freq = {"d": "DAILY", "w": "WEEKLY", "m": "MONTHLY", "y": "YEARLY", "h": "HOURLY"}[unit[0]]
    days = (_nth(match["nth"]),) if match["nth"] and freq == "MONTHLY" else ()
    return _rule(at, end, Repeat(freq=freq, interval=n, bymonthday=days))


def _rule(start: int, end: int, repeat: Repeat) -> Piece:
    return Piece(start=start, end=end, kind="repeat", repeat=repeat)


def _adverb(text: str, at: int) -> Piece | None:
    if often := _OFTEN.match(text, at):
        return replace(_rule(at, often.end(), Repeat(freq="DAILY")), extra={"times": often[0].split()[0]})
    match = _LY.match(text, at)
    if match is None:
        return None
    if match["w"]:
        if match["w"] in ("weekdays", "weekends"):
            days: tuple[str, ...] = WEEKDAYS[:5] if match["w"] == "weekdays" else WEEKDAYS[5:]
        else:
            days = tuple(WEEKDAYS[i] for i in sorted({_weekday(word) for word in _DAYS.findall(match["w"])}))
        return _rule(at, match.end(), Repeat(freq="WEEKLY", byday=days))
    freq = {"d": "DAILY", "h": "HOURLY", "w": "WEEKLY", "m": "MONTHLY"}.get(match[0][0], "YEARLY")
    return _rule(at, match.end(), Repeat(freq=freq))


def _this_time(text: str, at: int, now: datetime) -> Piece | None:
    match = _THIS_TIME.match(text, at)
    if match is None:
        return None
    return _at(at, match.end(), Clock(hour=now.hour, minute=now.minute, definite=True))


def find_english(text: str, at: int, now: datetime) -> Piece | None:
    """The piece that begins at that offset, which must be the start of a word, of the folded text."""
    today = now.date()
    return (
        _every(text, at)
        or _adverb(text, at)
        or _this_time(text, at, now)
        or _beside(text, at, today)
        or _in_year(text, at, today)
        or _relative(text, at, today)
        or _wait(text, at, now)
        or _week(text, at, today)
        or _dated(text, at, today)
        or _clock(text, at)
        or _named(text, at, today)
        or _part(text, at)
    )
