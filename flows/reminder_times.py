"""When a reminder is due: once, several times, or again and again, with or without an end (F5).

A reminder by the hour or the minute keeps quiet from 22:00 to 07:00 unless the night is asked for in so many words;
one at a named hour comes at that hour, whatever it is. The value of the slot is
`{"items": [{"at": ISO with offset, "rrule": str | null}], "until": ISO | null}`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from data.repeats import next_occurrence
from flows.declared import Ask, Filled, Given, Verdict
from flows.durations import length_in
from flows.messages import Button
from flows.replies import payload
from flows.state import Frame
from flows.turn import Turn
from nlu.timevalues import Repeat, TimeValue, TimeValueError, parse_value
from nlu.understanding import Entity

AWAKE = range(7, 22)
"""Hours in which a reminder by the hour may speak."""
_NIGHT_TOO = re.compile(
    r"夜里也|晚上也|半夜也|夜间也|整夜|日夜|昼夜|白天晚上|全天|24\s*小时|二十四小时|不分|day and night|round the clock|"
    r"around the clock|at night too|all night"
)
_LEAST = 10  # minutes between two reminders
_UNTIL = re.compile(r"(?:[到至]|直到|until|till|til|through)\s*$", re.IGNORECASE)
_IN_A_ROW = re.compile(r"连续|连着|一连|接下来|往后|每天|天天|\bfor\b|\bnext\b|every day")
_OFTEN = re.compile(
    r"(?P<list>早中晚|三餐|早晚)|(?:一天|一日|每天|天天|日)(?P<number>[两二三四2-4])[次回顿遍]|"
    r"(?P<en>twice|two times|three times|four times)(?: a| every| per) day"
)
_HOURS = {
    "早中晚": (8, 12, 18),
    "三餐": (8, 12, 18),
    "早晚": (8, 20),
    **dict.fromkeys("两二2", (8, 20)),
    **dict.fromkeys("三3", (8, 12, 18)),
    **dict.fromkeys("四4", (8, 12, 16, 20)),
    **dict.fromkeys(("twice", "two times"), (8, 20)),
    "three times": (8, 12, 18),
    "four times": (8, 12, 16, 20),
}
_PART_HOURS = {
    "morning": (7, 8, 9),
    "noon": (11, 12, 13),
    "afternoon": (14, 15, 16),
    "evening": (18, 19, 20),
    "night": (1, 3, 5),
}
_ANY_HOURS = (8, 12, 20)

Clock = tuple[time, bool]
"""A time of day, and whether its half of the day was guessed."""


def base_of_words(turn: Turn, frame: Frame) -> None:
    """「早中晚三次」 names no time, yet says that it is every day and how often."""
    found = _OFTEN.search(turn.text.lower())
    if found is None or turn.command is not None:
        return
    base = frame.memory.setdefault("base", {})
    base.setdefault("rule", "FREQ=DAILY")
    base["hours"] = list(_HOURS[next(part for part in found.groupdict().values() if part)])


async def judge_time(turn: Turn, frame: Frame, given: Given) -> Verdict:
    """What a message gives for the time of a reminder."""
    if given.value is not None:
        clocks = _pressed(str(given.value))
        return _with_clocks(turn, frame, clocks) if clocks else None
    if turn.understanding is None:
        return None
    main, until = split(turn.text, turn.understanding.all("time"))
    if until is not None:
        frame.memory["until"] = _end_of(until, turn).isoformat()
    if not main:
        return _changed_end(turn, frame) if until is not None else None
    _take_length(turn, frame, main)
    rule = next((entity for entity in main if _read(entity).repeat is not None), None)
    if rule is not None:
        return _repeated(turn, frame, rule, [entity for entity in main if entity is not rule])
    return _points(turn, frame, main)


def split(text: str, entities: Sequence[Entity]) -> tuple[list[Entity], Entity | None]:
    """The times that say when, and the one that says until when: "…, 吃到下周五"."""
    main: list[Entity] = []
    until: Entity | None = None
    for entity in entities:
        try:
            value = parse_value(str(entity.value))
        except TimeValueError:
            continue
        ends = value.repeat is None and value.kind in ("date", "instant", "interval")
        if ends and entity is not entities[0] and _is_end(text, entity):
            until = entity
        else:
            main.append(entity)
    return main, until


def _is_end(text: str, entity: Entity) -> bool:
    return bool(_UNTIL.search(text[: entity.start])) or entity.extra.get("relation") == "before"


def _read(entity: Entity) -> TimeValue:
    return parse_value(str(entity.value))


def _end_of(entity: Entity, turn: Turn) -> datetime:
    value = _read(entity)
    day = value.end_day or value.day
    assert day is not None
    return datetime.combine(day, value.clock or time(23, 59), turn.work.zone)


def _take_length(turn: Turn, frame: Frame, main: Sequence[Entity]) -> None:
    """「连续三天」: an end counted from the first time."""
    left = turn.text
    for entity in main:
        left = left.replace(entity.text, "，", 1)
    length = length_in(left)
    repeated = any(_read(entity).repeat is not None for entity in main)
    if length is not None and (repeated or _IN_A_ROW.search(turn.text.lower())):
        frame.memory["days"] = max(1, (turn.now + length - turn.now).days)


def _changed_end(turn: Turn, frame: Frame) -> Verdict:
    """Only the end is named: it belongs to the time that is there."""
    before = frame.slots.get("time")
    return _filled(turn, frame, before["items"]) if isinstance(before, dict) else None


# Repeated


def _repeated(turn: Turn, frame: Frame, entity: Entity, others: Sequence[Entity]) -> Verdict:
    repeat = _read(entity).repeat
    assert repeat is not None
    if repeat.freq in ("HOURLY", "MINUTELY"):
        return _by_the_hour(turn, frame, repeat, str(entity.value))
    base: dict[str, Any] = {"rule": _without_hours(str(entity.value)), "said": entity.text}
    if entity.extra.get("from"):
        base["from"] = str(entity.extra["from"])
    parts = entity.extra.get("parts") or ()
    if (often := _OFTEN.search(turn.text.lower())) is not None:
        base["hours"] = list(_HOURS[next(part for part in often.groupdict().values() if part)])
    elif parts:
        base["hours"] = [_PART_HOURS[part][1] for part in parts if part in _PART_HOURS]
    frame.memory["base"] = base
    if repeat.byhour:
        clocks = [(time(hour, minute), False) for hour in repeat.byhour for minute in repeat.byminute or (0,)]
    else:
        clocks = _clocks(others)
    return _with_clocks(turn, frame, clocks) if clocks else ask_clock(turn, frame)


def _by_the_hour(turn: Turn, frame: Frame, repeat: Repeat, rule: str) -> Verdict:
    minutes = repeat.interval * (60 if repeat.freq == "HOURLY" else 1)
    if minutes < _LEAST:
        return Ask(
            reply="reminder_too_often", facts={"least": turn.wording.duration(timedelta(minutes=_LEAST))}
        )
    first = turn.now.replace(second=0, microsecond=0) + timedelta(minutes=minutes)
    whole = rule
    if not _NIGHT_TOO.search(turn.text.lower()):
        whole = f"{rule};BYHOUR={','.join(map(str, AWAKE))}"
        following = next_occurrence(
            whole, start=first, after=first - timedelta(seconds=1), zone=turn.work.zone
        )
        first = following or first
    frame.memory["base"] = {}
    return _filled(turn, frame, [{"at": first.isoformat(), "rrule": whole}])


def _without_hours(rule: str) -> str:
    return ";".join(part for part in rule.split(";") if not part.startswith(("BYHOUR=", "BYMINUTE=")))


# Once


def _points(turn: Turn, frame: Frame, entities: Sequence[Entity]) -> Verdict:
    """Moments, days, parts of days; a bare clock time belongs to the day or the rhythm that was named before."""
    base = frame.memory.get("base") or {}
    values = [_read(entity) for entity in entities]
    bare = all("day" in entity.extra.get("guessed", ()) for entity in entities)
    clocks = _clocks(entities)
    if clocks and bare and (base.get("rule") or base.get("day")):
        return _with_clocks(turn, frame, clocks)
    if frame.memory.get("days") and clocks and _IN_A_ROW.search(turn.text.lower()):
        frame.memory["base"] = {"rule": "FREQ=DAILY"}
        return _with_clocks(turn, frame, clocks)
    days = [value for value in values if value.clock is None]
    if not days:
        frame.memory["base"] = {"day": values[0].day.isoformat()} if values[0].day else {}
        at = [
            datetime.combine(value.day, value.clock, turn.work.zone)
            for value in values
            if value.day and value.clock
        ]
        return _once(turn, frame, at)
    first = days[0]
    if first.kind == "interval" or first.day is None:
        return Ask(reply="reminder_ask_day")
    if first.day < turn.now.date():
        return Ask(reply="reminder_past")
    named: dict[str, Any] = {"day": first.day.isoformat(), "part": first.part}
    if not clocks and base.get("rule") and all(value.part and bare for value in days):
        named = {**base, "hours": [_PART_HOURS[value.part][1] for value in days if value.part]}
    frame.memory["base"] = named
    return _with_clocks(turn, frame, clocks) if clocks else ask_clock(turn, frame)


def _clocks(entities: Sequence[Entity]) -> list[Clock]:
    found = []
    for entity in entities:
        value = _read(entity)
        if value.clock is not None:
            found.append((value.clock, "half" in entity.extra.get("guessed", ())))
    return found


def _once(turn: Turn, frame: Frame, moments: Sequence[datetime]) -> Verdict:
    if any(moment <= turn.now for moment in moments):
        return Ask(reply="reminder_past")
    frame.memory.pop("until", None)
    frame.memory.pop("days", None)
    return _filled(turn, frame, [{"at": moment.isoformat(), "rrule": None} for moment in moments])


# Day or rhythm, and clock


def _with_clocks(turn: Turn, frame: Frame, clocks: Sequence[Clock]) -> Verdict:
    base = frame.memory.get("base") or {}
    hours = [_settled(clock, guessed, base, turn) for clock, guessed in clocks]
    if not base.get("rule"):
        day = date.fromisoformat(base["day"]) if base.get("day") else turn.now.date()
        return _once(turn, frame, [datetime.combine(day, hour, turn.work.zone) for hour in hours])
    start = turn.now
    if base.get("from"):
        start = max(start, datetime.combine(date.fromisoformat(base["from"]), time(0), turn.work.zone))
    items = []
    for minute in sorted({hour.minute for hour in hours}):
        at_hours = ",".join(str(h) for h in sorted({hour.hour for hour in hours if hour.minute == minute}))
        rule = f"{base['rule']};BYHOUR={at_hours};BYMINUTE={minute}"
        # Every other day begins with the next day that comes; the rhythm is counted from there.
        soonest = re.sub(r";INTERVAL=\d+", "", rule)
        first = next_occurrence(soonest, start=start, after=start, zone=turn.work.zone)
        if first is None:
            return Ask(reply="reminder_past")
        items.append({"at": first.isoformat(), "rrule": rule})
    return _filled(turn, frame, items)


def _settled(clock: time, guessed: bool, base: dict[str, Any], turn: Turn) -> time:
    """A bare "eight o'clock" in the half of the day that was named; without one, in waking hours."""
    part = base.get("part")
    today = base.get("day") == turn.now.date().isoformat()
    if not guessed or (today and part is None and not base.get("rule")):
        return clock
    hour = clock.hour % 12
    if part in ("afternoon", "evening") or (part is None and 0 < hour < 6):
        hour += 12
    elif hour == 0 and part != "night":
        hour = 12
    return clock.replace(hour=hour)


def _filled(turn: Turn, frame: Frame, items: Sequence[dict[str, Any]]) -> Verdict:
    first = min(datetime.fromisoformat(item["at"]) for item in items)
    repeated = any(item["rrule"] for item in items)
    until = frame.memory.get("until")
    if repeated and not until and frame.memory.get("days"):
        last = first.date() + timedelta(days=int(frame.memory["days"]) - 1)
        until = datetime.combine(last, time(23, 59), turn.work.zone).isoformat()
    if repeated and until and datetime.fromisoformat(until) < first:
        frame.memory.pop("until", None)
        return Ask(reply="reminder_end_past")
    return Filled(value={"items": list(items), "until": until if repeated else None})


# Asking


def ask_clock(turn: Turn, frame: Frame) -> Ask:
    """The day or the rhythm is known, the hour is not."""
    return Ask(
        reply="reminder_ask_clock",
        facts={"day": day_in_words(turn, frame)},
        buttons=tuple(clock_buttons(turn, frame)),
    )


def clock_buttons(turn: Turn, frame: Frame) -> list[Button]:
    """Hours to choose from: those that fit what was said."""
    base = frame.memory.get("base") or {}
    if not (base.get("rule") or base.get("day")):
        return []
    hours = base.get("hours") or []
    if len(hours) > 1:
        return [_clock_button(turn, hours)]
    near = _PART_HOURS.get(str(base.get("part")), _ANY_HOURS)
    today = base.get("day") == turn.now.date().isoformat()
    return [_clock_button(turn, [hour]) for hour in near if not today or hour > turn.now.hour]


def _clock_button(turn: Turn, hours: Sequence[int]) -> Button:
    title = turn.wording.listed([turn.wording.clock(turn.now.replace(hour=hour, minute=0)) for hour in hours])
    return Button(title=title, payload=payload("choose", time=",".join(f"{hour:02d}:00" for hour in hours)))


def _pressed(value: str) -> list[Clock]:
    try:
        return [(time.fromisoformat(part), False) for part in value.split(",")]
    except ValueError:
        return []


# In words


def day_in_words(turn: Turn, frame: Frame) -> str:
    """The day or the rhythm that waits for its hour."""
    base = frame.memory.get("base") or {}
    if base.get("rule"):
        return rule_in_words(turn, str(base["rule"]), str(base.get("said") or ""))
    if base.get("day"):
        return _day(turn, datetime.combine(date.fromisoformat(base["day"]), time(12), turn.work.zone))
    return ""


def in_words(turn: Turn, slot: dict[str, Any], said: str = "") -> str:
    """Everything about when, to be read back."""
    whens = [one_in_words(turn, item["at"], item["rrule"], said) for item in slot["items"]]
    when = turn.wording.listed(whens)
    if slot.get("until"):
        until = datetime.fromisoformat(slot["until"]).astimezone(turn.work.zone)
        return turn.world.replies.render(
            "reminder_when_until", turn.language, when=when, until=_day(turn, until)
        ).text
    return when


def one_in_words(turn: Turn, at: str, rule: str | None, said: str = "") -> str:
    """One reminder's time: "every day at eight", "tomorrow, Tuesday 24 November, at three"."""
    moment = datetime.fromisoformat(at).astimezone(turn.work.zone)
    if rule is None:
        return turn.wording.moment(moment, turn.now)
    words = turn.world.replies.render
    fields = _fields(rule)
    rhythm = rule_in_words(turn, rule, said)
    if fields["FREQ"] in ("HOURLY", "MINUTELY"):
        key = "reminder_when_awake" if "BYHOUR" in fields else "reminder_when_always"
        return words(key, turn.language, rule=rhythm).text
    clocks = [
        turn.wording.clock(moment.replace(hour=int(hour), minute=int(minute)))
        for hour in fields.get("BYHOUR", str(moment.hour)).split(",")
        for minute in fields.get("BYMINUTE", str(moment.minute)).split(",")
    ]
    return words("reminder_when_rule", turn.language, rule=rhythm, clocks=turn.wording.listed(clocks)).text


def rule_in_words(turn: Turn, rule: str, said: str = "") -> str:
    """A rhythm without its hours; in the person's own words where ours have no form for it."""
    fields = _fields(rule)
    number = int(fields.get("INTERVAL", "1"))
    freq = fields["FREQ"].lower()
    words = turn.world.replies.render
    days = fields.get("BYDAY", "")
    plain = not any(name in fields for name in ("RSCALE", "BYMONTH"))
    if freq in ("hourly", "minutely", "daily") and plain and not days:
        key = f"reminder_rule_{freq}" + ("" if number == 1 else "_n")
        return words(key, turn.language, number=number).text
    if freq == "weekly" and plain and number <= 2:
        if days == "MO,TU,WE,TH,FR":
            return words("reminder_rule_workdays", turn.language).text
        weekdays = turn.world.replies.words(turn.language)["weekdays"]
        names = [str(weekdays[_WEEKDAYS.index(day)]) for day in days.split(",") if day]
        key = "reminder_rule_weekly" if number == 1 else "reminder_rule_fortnightly"
        return words(key, turn.language, days=turn.wording.listed(names)).text
    if freq == "monthly" and plain and number == 1 and fields.get("BYMONTHDAY"):
        if fields["BYMONTHDAY"] == "-1":
            return words("reminder_rule_month_end", turn.language).text
        listed = turn.wording.listed(fields["BYMONTHDAY"].split(","))
        return words("reminder_rule_monthly", turn.language, days=listed).text
    return said or words("reminder_rule_other", turn.language).text


_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def _fields(rule: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in rule.split(";"))


def _day(turn: Turn, moment: datetime) -> str:
    return turn.wording.day(moment, turn.now)
