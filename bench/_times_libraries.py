"""What other libraries make of spoken times: run by `bench/times.py` in an environment of their own, by itself.

Lines of JSON come in, `{"text"}`, one answer a line goes out, `{"jionlp": {"values": […], "seconds"}, …}`, with the values in
the forms of `nlu.timevalues`. Each adapter gives its library the best of chances: it tells it the language and that the future is
meant where it can be told, tries the whole text as well as a search in it, takes the next of several readings, reads
a library's rough stretch of hours as the part of the day that was said; `ahead` moves what it puts into the past to where
Anlin's convention wants it, and `joined` makes one repeat of its pieces. What a library raises counts as nothing found.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import time
import warnings
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

FIELDS = ("FREQ", "INTERVAL", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYHOUR", "BYMINUTE")
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
CHINESE = re.compile(r"[\u3400-\u9fff]")
WEEKDAY = re.compile(r"(周|星期|礼拜)[一二三四五六日天末]|day\b", re.IGNORECASE)
BACK = re.compile(r"上(?=[周个星礼月次回])|前|昨|刚|过去|这|本|last|ago|yester|this", re.IGNORECASE)
SAID_PART = re.compile(
    r"早|上午|清晨|凌晨|半夜|中午|下午|傍晚|晚|夜|[ap]\.?m\b|morning|noon|evening|night|tonight", re.I
)
SAID_DAY = re.compile(
    r"今|明|后天|昨|天|号|日|周|星期|礼拜|月|年|today|tomorrow|day|th\b|st\b|nd\b|rd\b", re.I
)
PART_AT = ((0, "night"), (5, "morning"), (11, "noon"), (13, "afternoon"), (18, "evening"))

Library = Callable[[str, datetime], "list[str]"]


def day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d")


def minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M")


def part(moment: datetime) -> str:
    return f"{day(moment)}T{[name for hour, name in PART_AT if hour <= moment.hour][-1]}"


def clock(moment: datetime) -> str:
    return f"BYHOUR={moment.hour};BYMINUTE={moment.minute}"


def ahead(moment: datetime, text: str, now: datetime) -> datetime:
    """Where Anlin's convention wants a time: bare clock times in waking hours, and nothing in the past unless said."""
    if 1 <= moment.hour <= 6 and not SAID_PART.search(text) and re.search("[点點]", text):
        moment += timedelta(hours=12)
    if moment >= now or BACK.search(text):
        return moment
    if WEEKDAY.search(text) and moment > now - timedelta(days=7):
        return moment + timedelta(days=7)
    if moment.date() == now.date():
        if (moment.hour, moment.minute) == (0, 0) or SAID_DAY.search(text):
            return moment
        half = timedelta(hours=12)
        return moment + (timedelta(days=1) if SAID_PART.search(text) or moment + half < now else half)
    return moment if "年" in text else moment + timedelta(days=365)


def joined(values: list[str]) -> list[str]:
    """A repeat and the times right after it as one repeat: every day at seven | eight in the evening."""
    found: list[str] = []
    for value in values:
        if (
            not found
            or not found[-1].startswith("FREQ=")
            or not re.match(r"\d{4}-[\d-]+(T\d\d:\d\d)?$", value)
        ):
            found.append(value)
            continue
        fields = dict(field.split("=") for field in found[-1].split(";"))
        moment = datetime.fromisoformat(value)
        names = {"BYHOUR": str(moment.hour), "BYMINUTE": str(moment.minute)} if "T" in value else {}
        if fields["FREQ"] == "WEEKLY" and "BYHOUR" not in fields:
            names["BYDAY"] = DAYS[moment.weekday()]
        if fields["FREQ"] == "MONTHLY" and "BYHOUR" not in fields:
            names["BYMONTHDAY"] = str(moment.day)
        for name, number in names.items():
            known = fields.get(name, "").split(",") if name in fields else []
            fields[name] = ",".join([*known, *([number] if number not in known else [])])
        found[-1] = ";".join(f"{name}={fields[name]}" for name in FIELDS if name in fields)
    return found


# ── jionlp ──


def jionlp_values(text: str, now: datetime) -> list[str]:
    import jionlp

    base = now.timestamp()
    found = [(row["text"], row["detail"]) for row in jionlp.ner.extract_time(text, time_base=base)]
    if not found:
        found = [(text, jionlp.parse_time(text, time_base=base))]
    return [value for said, detail in found if (value := _jionlp(said, detail, text, now))]


def _jionlp(said: str, detail: dict[str, Any], text: str, now: datetime) -> str | None:
    kind, given = detail["type"], detail["time"]
    if kind == "time_period":
        return _jionlp_repeat(given, said)
    if kind == "time_delta" or given[0] in ("-inf", "inf"):
        return None
    first = datetime.fromisoformat(given[0])
    start = ahead(first, text, now)
    if given[1] == "inf":
        return minute(start)
    end = datetime.fromisoformat(given[1]) + (start - first)
    if kind == "time_span":
        whole = (start.hour, start.minute, end.hour) == (0, 0, 23)
        return f"{day(start)}/{day(end)}" if whole else f"{minute(start)}/{minute(end)}"
    if end - start > timedelta(hours=24):
        return f"{day(start)}/{day(end)}"
    if (start.hour, start.minute) == (0, 0) and end.hour == 23:
        return day(start)
    if end - start > timedelta(hours=1) and SAID_PART.search(said):
        return part(start)
    return minute(start)


def _jionlp_repeat(given: dict[str, Any], said: str) -> str:
    [(unit, count)] = [(unit, int(count)) for unit, count in given["delta"].items()]
    point = datetime.fromisoformat(given["point"]["time"][0]) if given["point"] else None
    fields = []
    if unit == "day" and count % 7 == 0:
        unit, count = "week", count // 7
    fields.append(
        f"FREQ={ ({'day': 'DAI', 'week': 'WEEK', 'month': 'MONTH', 'year': 'YEAR', 'hour': 'HOUR', 'minute': 'MINUTE'}[unit]) }LY"
    )
    if count != 1:
        fields.append(f"INTERVAL={count}")
    if point is not None:
        if unit == "week":
            fields.append(f"BYDAY={DAYS[point.weekday()]}")
        if unit == "year":
            fields.append(f"BYMONTH={point.month}")
        if unit in ("year", "month"):
            fields.append(f"BYMONTHDAY={point.day}")
        if point.hour or re.search("零点|0点|半夜", said):
            fields.append(clock(point))
    return ";".join(fields)


# ── Microsoft Recognizers-Text ──

_PARTS = {"TMO": "morning", "TMI": "noon", "TAF": "afternoon", "TEV": "evening", "TNI": "evening"}


def recognizers_values(text: str, now: datetime) -> list[str]:
    from ms_recognizers_date_time import Culture, recognize_datetime

    culture = Culture.Chinese if CHINESE.search(text) else Culture.English
    results = [result for result in recognize_datetime(text, culture, reference=now) if result.resolution]
    return [value for result in results if (value := _recognized(result, text, now))]


def _recognized(result: Any, text: str, now: datetime) -> str | None:
    kind = result.type_name.rpartition(".")[2]
    readings = result.resolution["values"]
    if kind == "set":
        return _timex_repeat(readings[0]["timex"])
    if kind == "duration":
        return None
    reading = next((each for each in readings if _moment(each, now) >= now), readings[-1])
    shape, start = reading["timex"], ahead(_moment(reading, now), text, now)
    if kind.endswith("range"):
        if shape[-3:] in _PARTS:
            return f"{day(start)}T{_PARTS[shape[-3:]]}"
        end = start + (_at(reading["end"], now) - _moment(reading, now))
        if kind == "daterange":
            last = end if shape.startswith("(") else end - timedelta(days=1)
            return f"{day(start)}/{day(last)}"
        return f"{minute(start)}/{minute(end)}"
    return day(start) if kind == "date" else minute(start)


def _moment(reading: dict[str, str], now: datetime) -> datetime:
    return _at(reading.get("value") or reading["start"], now)


def _at(value: str, now: datetime) -> datetime:
    return datetime.fromisoformat(value if "-" in value else f"{day(now)} {value}")


def _timex_repeat(shape: str) -> str | None:
    if match := re.fullmatch(r"P(\d+)([DWMY])", shape):
        names = {"D": "DAILY", "W": "WEEKLY", "M": "MONTHLY", "Y": "YEARLY"}
        return f"FREQ={names[match[2]]}" + (f";INTERVAL={match[1]}" if match[1] != "1" else "")
    if match := re.fullmatch(r"PT(\d+)([HM])", shape):
        name = "HOURLY" if match[2] == "H" else "MINUTELY"
        return f"FREQ={name}" + (f";INTERVAL={match[1]}" if match[1] != "1" else "")
    match = re.fullmatch(r"(?:XXXX-WXX-(\d))?(?:T(\d\d)(?::(\d\d))?)?", shape)
    if not match or not match[0]:
        return None
    rule = f"FREQ=WEEKLY;BYDAY={DAYS[int(match[1]) - 1]}" if match[1] else "FREQ=DAILY"
    return rule + (f";BYHOUR={int(match[2])};BYMINUTE={int(match[3] or 0)}" if match[2] else "")


# ── dateparser ──


def dateparser_values(text: str, now: datetime) -> list[str]:
    from dateparser.date import DateDataParser
    from dateparser.search import search_dates

    languages = ["zh"] if CHINESE.search(text) else ["en"]
    options = {"RELATIVE_BASE": now, "PREFER_DATES_FROM": "future", "RETURN_TIME_AS_PERIOD": True}
    reader = DateDataParser(languages=languages, settings=options)
    whole = reader.get_date_data(text)
    if whole.date_obj is not None:
        return [_dated(text, whole, now)]
    found = search_dates(text, languages=languages, settings=options) or []
    parts = ((said, reader.get_date_data(said)) for said, _ in found)
    return [_dated(said, data, now) for said, data in parts if data.date_obj is not None]


def _dated(said: str, data: Any, now: datetime) -> str:
    moment = ahead(data.date_obj.replace(tzinfo=None), said, now)
    if SAID_PART.search(said) and not re.search(r"\d|[点时點:：]|[ap]\.?m\b", said):
        return part(moment)
    unit = re.search(r"小时|分钟|hour|minute|now", said)
    return minute(moment) if data.period == "time" or unit else day(moment)


# ── ChineseTimeNLP ──


def chinesetimenlp_values(text: str, now: datetime) -> list[str]:
    import arrow
    from ChineseTimeNLP import TimeNormalizer

    given = _normalizer(TimeNormalizer).parse(target=text, baseTime=arrow.get(now, "Asia/Shanghai"))
    if given.get("type") == "timespan":
        return ["/".join(minute(datetime.fromisoformat(each)) for each in given["timespan"])]
    if given.get("type") != "timestamp":
        return []
    moment = datetime.fromisoformat(given["timestamp"])
    if abs(moment - arrow.now("Asia/Shanghai").naive) < timedelta(minutes=2):
        return []  # what it gives for a text it does not understand
    moment = ahead(moment, text, now)
    if SAID_PART.search(text) and not re.search(r"[点时點:：刻]|小时", text):
        return [part(moment)]
    return [minute(moment) if moment.hour or moment.minute else day(moment)]


_kept: dict[str, Any] = {}


def _normalizer(kind: Any) -> Any:
    return _kept.setdefault("normalizer", kind())


LIBRARIES: dict[str, Library] = {
    "jionlp": jionlp_values,
    "recognizers": recognizers_values,
    "dateparser": dateparser_values,
    "chinesetimenlp": chinesetimenlp_values,
}


def main() -> None:
    """Answers line by line. The libraries' own prints do not reach the answers."""
    warnings.simplefilter("ignore")
    now = datetime.fromisoformat(sys.argv[1])
    for library in LIBRARIES.values():  # their first answer reads dictionaries: not what a sentence takes
        with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
            library("明天上午九点", now)
    for line in sys.stdin:
        text, answer = json.loads(line)["text"], {}
        for name, library in LIBRARIES.items():
            values: list[str] = []
            began = time.perf_counter()
            try:
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    values = joined(library(text, now))
            except Exception:  # whatever a library raises: it found nothing
                values = []
            answer[name] = {"values": values, "seconds": time.perf_counter() - began}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
