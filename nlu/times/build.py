"""Turns what was said of a time into the moment that is meant: never an hour that nobody said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from nlu.numbers import pattern
from nlu.times.pieces import Clock, Moment
from nlu.times.scan import Group, Link
from nlu.times.words import WEEKDAYS
from nlu.timevalues import Part, Repeat, TimeValue, format_value

WAKING = (6 * 60, 22 * 60 + 59)
"""Minutes of the day in which a bare clock time is taken to lie."""

_PART_ENDS: dict[Part, int] = {"morning": 12, "noon": 14, "afternoon": 19, "evening": 24, "night": 6}
_BEFORE = pattern(r"\s?(?:的)?(?:之前|以前|前(?![面门台院后天几些两三一]))")
_AFTER = pattern(r"\s?(?:之后|以后|过后|后(?![面门台院天半]))")
_BETWEEN = pattern(r"\s?(?:之间|这段时间|中间|期间)")
_BEFORE_EN = pattern(r"(?:before|by|until|till|no later than)\s*$")
_AFTER_EN = pattern(r"(?:after|since)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A time with its place in the text."""

    start: int  # offset of its first character
    end: int  # offset after its last character
    value: TimeValue  # what is meant
    extra: dict[str, Any] = field(default_factory=dict)  # relation, part, instead_of …


def build(text: str, group: Group, now: datetime) -> Iterator[Found]:
    """The times of one group, in the order of the text."""
    moments, links = _corrected(group, now)
    moments = _shared(moments, links)
    index = 0
    while index < len(moments):
        end = _repeat_end(moments, links, index)
        if end is not None:
            yield from _repeats(moments[index:end], links[index : end - 1], now)
            index = end
        elif index + 1 < len(moments) and links[index] == "range":
            yield from _range(text, moments[index], moments[index + 1], now)
            index += 2
        else:
            found = _single(text, moments[index], now)
            if found is not None:
                yield found
            index += 1


def _corrected(group: Group, now: datetime) -> tuple[list[Moment], list[Link]]:
    """Without what was taken back; the better one keeps what it does not name: 明天三点,哦不,四点."""
    moments: list[Moment] = [group.moments[0]]
    links: list[Link] = []
    for moment, link in zip(group.moments[1:], group.links, strict=True):
        if link != "correct":
            moments.append(moment)
            links.append(link)
            continue
        old = moments[-1]
        rejected = _value(old, now)
        only_part = moment.part is not None and moment.clock is None and moment.day is None
        keeps_clock = moment.clock is None and moment.at is None and not only_part
        fresh = moment.repeat is None and moment.at is None
        moments[-1] = replace(
            moment,
            start=old.start,
            day=moment.day or (old.day if fresh else None),
            end_day=moment.end_day if moment.day else old.end_day,
            weekdays=moment.weekdays if moment.day else old.weekdays,
            repeat=moment.repeat or (old.repeat if moment.day is None and moment.at is None else None),
            part=moment.part
            or (old.part if fresh and (moment.clock is None or moment.clock.hour <= 12) else None),
            deep=moment.deep or (moment.part is None and old.deep),
            clock=moment.clock or (old.clock if keeps_clock and old.repeat is None else None),
            extra=moment.extra | ({"instead_of": format_value(rejected)} if rejected else {}),
        )
    return moments, links


def _shared(moments: list[Moment], links: list[Link]) -> list[Moment]:
    """What the members of a list say for one another: 下午三点或者四点, 周一和周三下午三点."""
    out = list(moments)
    for index, link in enumerate(links):
        first, second = out[index], out[index + 1]
        if (
            link == "list"
            and second.day is None
            and second.repeat is None
            and second.at is None
            and first.repeat is None
        ):
            part = second.part or (first.part if second.clock is not None else None)
            out[index + 1] = replace(
                second, day=first.day, part=part, deep=second.deep or (not second.part and first.deep)
            )
    for index in range(len(links) - 1, -1, -1):
        first, second = out[index], out[index + 1]
        if (
            links[index] == "list"
            and first.day
            and not first.part
            and not first.clock
            and second.day
            and not first.repeat
            and second.day != first.day
            and second.repeat is None
        ):
            out[index] = replace(first, part=second.part, clock=second.clock, deep=second.deep)
    return out


def _minutes(hour: int, minute: int) -> int:
    return hour * 60 + minute


def _at(day: date, minutes: int, now: datetime) -> datetime:
    return datetime.combine(day, time(0), now.tzinfo) + timedelta(minutes=minutes)


def _in_part(hour: int, part: Part, deep: bool) -> int:
    """The hour of the day, 24 and more when it lies in the night that follows: 晚上十二点 = 24."""
    if hour > 12 or hour == 0:
        return hour + 24 if hour == 0 and part == "evening" else hour
    if part == "morning":
        return hour
    if part == "noon":
        return hour if hour >= 9 else hour + 12
    if part == "afternoon":
        return hour if hour == 12 else hour + 12
    if part == "evening":
        return hour + 24 if hour < 5 else hour + 12
    if not deep:
        return hour % 12
    return hour + 12 if hour >= 6 else hour


def _moment_at(moment: Moment, clock: Clock, now: datetime) -> datetime:
    """When the clock time is, on the day said or next."""
    today = now.date()
    if moment.part is not None and not clock.definite:
        minutes = _minutes(_in_part(clock.hour, moment.part, moment.deep), clock.minute)
        if moment.day is not None:
            found = _at(moment.day, minutes, now)
            # 今天半夜两点, said by day, is the night to come
            return found + timedelta(days=1) if moment.deep and found < now and moment.day == today else found
        return next(
            at for shift in (-1, 0, 1, 2) if (at := _at(today + timedelta(days=shift), minutes, now)) > now
        )
    if clock.definite or clock.hour > 12:
        minutes = _minutes(clock.hour, clock.minute)
        if moment.day is not None:
            return _at(moment.day, minutes, now)
        return next(
            at for shift in (0, 1, 2) if (at := _at(today + timedelta(days=shift), minutes, now)) > now
        )
    return _bare(moment.day, clock, now)


def _bare(day: date | None, clock: Clock, now: datetime) -> datetime:
    candidates = [_minutes(clock.hour % 12 + half, clock.minute) for half in (0, 12)]
    awake = [m for m in candidates if WAKING[0] <= m <= WAKING[1]]
    if day is not None and day != now.date():
        return _at(day, awake[0], now)
    coming = [_at(now.date(), m, now) for m in awake]
    late = [_at(now.date(), m, now) for m in candidates]
    if day is not None:
        return next((at for at in (*coming, *late) if at > now), coming[0])
    coming += [at + timedelta(days=1) for at in coming]
    return next(at for at in coming if at > now)


def _value(moment: Moment, now: datetime) -> TimeValue | None:
    """What one moment means by itself."""
    if moment.at is not None:
        at = moment.at
        return TimeValue(
            kind="instant", day=at.date(), clock=at.time().replace(second=0, microsecond=0, tzinfo=None)
        )
    if moment.clock is not None:
        start = _moment_at(moment, moment.clock, now)
        if moment.clock.end_hour is None:
            return TimeValue(kind="instant", day=start.date(), clock=start.time())
        end_clock = Clock(
            hour=moment.clock.end_hour, minute=moment.clock.end_minute, definite=moment.clock.definite
        )
        if moment.part is None and not moment.clock.definite and moment.clock.hour <= 12:
            return _bare_stretch(moment, replace(moment, clock=end_clock), moment.clock, end_clock, now)
        return _interval(start, _end_after(start, replace(moment, day=start.date()), end_clock, now))
    if moment.part is not None and moment.repeat is None:
        day = moment.day
        if day is None:
            over = now.hour >= _PART_ENDS[moment.part] and not moment.deep
            day = now.date() + timedelta(days=1 if over else 0)
        return TimeValue(kind="part", day=day, part=moment.part)
    if moment.day is None:
        return None
    if moment.end_day is not None and moment.end_day != moment.day:
        return TimeValue(kind="interval", day=moment.day, end_day=moment.end_day)
    return TimeValue(kind="date", day=moment.day)


def _interval(start: datetime, end: datetime) -> TimeValue:
    return TimeValue(
        kind="interval", day=start.date(), clock=start.time(), end_day=end.date(), end_clock=end.time()
    )


def _end_after(start: datetime, moment: Moment, clock: Clock, now: datetime) -> datetime:
    """The end of a stretch: the first such clock time after its beginning."""
    if moment.part is not None and not clock.definite and clock.hour <= 12:
        minutes = [_minutes(_in_part(clock.hour, moment.part, moment.deep), clock.minute)]
    elif clock.definite or clock.hour > 12:
        minutes = [_minutes(clock.hour, clock.minute)]
    else:
        minutes = [_minutes(clock.hour % 12, clock.minute), _minutes(clock.hour % 12 + 12, clock.minute)]
    base = moment.day or start.date()
    return next(
        at
        for shift in range(4)
        for m in minutes
        if (at := _at(base + timedelta(days=shift), m, now)) > start or shift == 3
    )


def _single(text: str, moment: Moment, now: datetime) -> Found | None:
    value = _value(moment, now)
    if value is None:
        return None
    extra, end = dict(moment.extra), moment.end
    extra |= _guessed(moment)
    head = text[max(0, moment.start - 16) : moment.start]
    if match := _BEFORE.match(text, end):
        extra["relation"], end = "before", match.end()
    elif match := _AFTER.match(text, end):
        extra["relation"], end = "after", match.end()
    elif _BEFORE_EN.search(head):
        extra["relation"] = "before"
    elif _AFTER_EN.search(head):
        extra["relation"] = "after"
    return Found(start=moment.start, end=end, value=value, extra=extra)


def _guessed(moment: Moment) -> dict[str, Any]:
    """What the value holds although nobody said it: a flow that was told the day before must not take ours."""
    if moment.at is not None or moment.repeat is not None:
        return {}
    bare = moment.clock is not None and moment.part is None and not moment.clock.definite
    guessed = [
        *(["day"] if moment.day is None else []),
        *(["half"] if bare and moment.clock is not None and moment.clock.hour <= 12 else []),
    ]
    return {"guessed": guessed} if guessed else {}


def _range(text: str, first: Moment, second: Moment, now: datetime) -> Iterator[Found]:
    """One stretch from two moments; two times where they make none."""
    value = _stretch(first, second, now)
    if value is None:
        singles = (_single(text, first, now), _single(text, second, now))
        yield from (found for found in singles if found is not None)
        return
    end = match.end() if (match := _BETWEEN.match(text, second.end)) else second.end
    yield Found(start=first.start, end=end, value=value, extra=first.extra | second.extra)


def _stretch(first: Moment, second: Moment, now: datetime) -> TimeValue | None:
    if second.at is not None or first.at is not None or second.repeat is not None:
        return None
    if second.clock is None:
        if first.clock is None and first.day is not None and second.day is not None:
            last = _later_day(first, second)
            return TimeValue(kind="interval", day=first.day, end_day=last) if last > first.day else None
        return None
    if first.clock is None:
        return None
    if second.day is not None and first.day is None and first.part is None and second.part is None:
        first, second = replace(first, day=second.day), replace(second, day=None)  # between 9 and 11 tomorrow
    if second.day is not None and second.clock is not None and first.clock is not None:
        start = _moment_at(first, first.clock, now)
        end = _moment_at(replace(second, day=_later_day(first, second)), second.clock, now)
        return _interval(start, end) if end > start else None
    if first.clock is None or second.clock is None:
        return None
    if first.part is None and not first.clock.definite and first.clock.hour <= 12:
        return _bare_stretch(first, second, first.clock, second.clock, now)
    start = _moment_at(first, first.clock, now)
    # the end is simply the next such clock time: 下午三点到五点, 早上十点到两点
    return _interval(
        start, _end_after(start, replace(second, day=first.day and start.date()), second.clock, now)
    )


def _later_day(first: Moment, second: Moment) -> date:
    assert second.day is not None
    if first.day is not None and second.weekdays and second.day.weekday() != first.day.weekday():
        return first.day + timedelta(days=(second.day.weekday() - first.day.weekday()) % 7)
    if first.day is not None and second.day < first.day and second.day.day > first.day.day:
        return first.day.replace(day=second.day.day) if second.day.day <= 28 else second.day
    return second.day


def _bare_stretch(first: Moment, second: Moment, begin: Clock, finish: Clock, now: datetime) -> TimeValue:
    """十点到十一点, 九点到下午五点: the first stretch, all of it in waking hours, that has not begun or not ended."""
    starts = [_minutes(begin.hour % 12 + half, begin.minute) for half in (0, 12)]
    today = now.date()
    fallback = None
    for shift in range(3) if first.day is None else (0,):
        day = (first.day or today) + timedelta(days=shift)
        for minutes in starts:
            start = _at(day, minutes, now)
            end = _end_after(start, replace(second, day=day), finish, now)
            awake = (
                WAKING[0] <= minutes <= WAKING[1] and end.date() == day and end <= _at(day, WAKING[1], now)
            )
            fallback = fallback or (_interval(start, end) if WAKING[0] <= minutes <= WAKING[1] else None)
            coming = start >= now or day != today or (second.part is not None and end > now)
            if awake and coming:
                return _interval(start, end)
    assert fallback is not None
    return fallback


def _repeat_end(moments: list[Moment], links: list[Link], index: int) -> int | None:
    """Where the run of moments that make one rule ends, or None when none begins here."""
    first = moments[index]
    end = index + 1
    if first.repeat is None:
        following = moments[end] if end < len(moments) else None
        starts = (
            following is not None and following.repeat is not None and first.weekdays and following.weekdays
        )
        if not (starts and links[index] in ("range", "list") and first.clock is None):
            return None
        end += 1
    while end < len(moments):
        moment = moments[end]
        again = moment.repeat is not None and moment.repeat == first.repeat and moment.clock is not None
        if (moment.repeat is not None and not again) or moment.day is not None or moment.at is not None:
            break  # every morning at 7 and every evening at 9 is one rule
        end += 1
    return end


def _rule(moments: list[Moment], links: list[Link]) -> tuple[Repeat, dict[str, Any]]:
    first = moments[0]
    extra: dict[str, Any] = dict(first.extra)
    repeat = first.repeat
    weekdays = first.weekdays
    if repeat is None:
        repeat = moments[1].repeat
        assert repeat is not None
        low, high = WEEKDAYS.index(first.weekdays[0]), WEEKDAYS.index(moments[1].weekdays[-1])
        span = {*range(low, high + 1)} if low <= high else {*range(low, 7), *range(high + 1)}
        chosen = span if links[0] == "range" else {low, high}
        weekdays = tuple(WEEKDAYS[day] for day in sorted(chosen))
    if weekdays and repeat.freq in ("DAILY", "WEEKLY") and not repeat.byday:
        return replace(repeat, freq="WEEKLY", byday=weekdays), extra
    if first.day is not None:
        if repeat.freq == "MONTHLY" and not repeat.bymonthday:
            return replace(repeat, bymonthday=(first.day.day,)), extra
        if repeat.freq == "YEARLY" and not repeat.bymonth:
            return replace(repeat, bymonth=(first.day.month,), bymonthday=(first.day.day,)), extra
        extra["from"] = first.day.isoformat()
    return repeat, extra


def _repeats(moments: list[Moment], links: list[Link], now: datetime) -> Iterator[Found]:
    repeat, extra = _rule(moments, links)
    times: list[tuple[int, int, Moment]] = []
    parts: list[str] = []
    previous, part, deep = -1, None, False
    for index, moment in enumerate(moments):
        clock = moment.clock
        if moment.part is not None:
            part, deep = moment.part, moment.deep
        if clock is None:
            parts += [moment.part] if moment.part else []
            continue
        minutes = _of_day(clock, moment.part or (part if index else None), deep or moment.deep, previous)
        if index and links[index - 1] == "range" and times:
            extra["until"] = f"{minutes // 60:02}:{minutes % 60:02}"
            continue
        times.append((minutes // 60, minutes % 60, moment))
        if extra.pop("both", False) and minutes < 12 * 60:  # 早晚八点
            times.append((minutes // 60 + 12, minutes % 60, moment))
        previous = minutes
    start, end = moments[0].start, moments[-1].end
    if not times and "times" in extra:
        return  # 一天两次 says how often, not when
    if not times:
        yield Found(
            start=start,
            end=end,
            value=TimeValue(kind="repeat", repeat=repeat),
            extra=extra | ({"parts": parts} if parts else {}),
        )
        return
    # hours and minutes of a rule multiply: 七点半和八点 takes two rules
    for number, minute in enumerate(dict.fromkeys(minute for _, minute, _ in times)):
        hours = tuple(sorted({hour for hour, m, _ in times if m == minute}))
        rule = replace(repeat, byhour=hours, byminute=(minute,))
        own = next(moment for _, m, moment in times if m == minute)
        same = len({m for _, m, _ in times}) == 1
        span = (start, end) if same else (start if number == 0 else own.start, own.end)
        yield Found(
            start=span[0], end=span[1], value=TimeValue(kind="repeat", repeat=rule), extra=dict(extra)
        )


def _of_day(clock: Clock, part: Part | None, deep: bool, previous: int) -> int:
    hour = clock.hour
    if not clock.definite and hour <= 12:
        if part is not None:
            hour = _in_part(hour, part, deep)
        elif hour < 6:
            hour += 12
        minutes = _minutes(hour, clock.minute)
        if minutes <= previous and hour < 12:
            hour += 12
    return _minutes(hour % 24, clock.minute)
