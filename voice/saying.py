"""Rewrites what is shown on a screen into what a person would say: numbers, times, homes, telephones.

No address of a web page, no emoji and no bracket is ever spoken (catalogue.md); telephone, room and case numbers go
digit by digit (C11). In Chinese no ASCII digit is left afterwards, so no engine can read one its own way. The words
themselves are in saying.yml. `say()` of something already said changes nothing.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from voice.speaker import Language

_SEPARATED = r"[-‐-―~～〜至到]"
_WEB = re.compile(
    r"(?:https?://|www\.)[^\s，。；！？、（）()<>「」【】]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|\b(?:[a-z0-9-]+\.)+(?:com|cn|org|net|gov|edu|io|top|info)\b(?:/[^\s，。；！？、（）]*)?",
    re.IGNORECASE | re.ASCII,
)
_MARKDOWN_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*\)")
_BRACKETS = re.compile(r"[/\[\](){}<>（）【】〔〕［］｛｝〈〉《》「」『』〖〗«»“”\"`*_#|\\^]+")
_REQUEST_NUMBER = re.compile(r"(?<![A-Za-z0-9])([A-Z])(\d{8})-(\d{4,})(?!\d)")
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)[-/.](\d{1,2})[-/.](\d{1,2})(?:T(?=\d))?(?!\d)")
_CLOCK = re.compile(r"(?<![\d:])([01]?\d|2[0-3])[::]([0-5]\d)(?:[::][0-5]\d)?(?:\+\d\d:\d\d)?(?![\d:])")
_MOBILE = re.compile(r"(?<![\d.])(?:\+?86[- ]?)?(1[3-9]\d)[- ]?(\d{4})[- ]?(\d{4})(?!\d)")
_LANDLINE = re.compile(r"(?<![\d.])(0\d{2,3})[- ](\d{3,4})[- ]?(\d{4})(?!\d)")
_TRIPLE_HOME = re.compile(r"(?<![\d.-])(\d{1,2})-(\d{1,2})-(\d{3,4})(?![\d-])")
_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"


@cache
def _words(language: Language) -> dict[str, Any]:
    path = Path(__file__).with_name("saying.yml")
    words: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))[language]
    return words


def say(text: str, language: Language = "zh") -> str:
    """The text as it is to be spoken in that language. Never raises; an empty text stays empty."""
    text = unicodedata.normalize("NFKC", _MARKDOWN_LINK.sub(r"\1", text))
    text = _WEB.sub(" ", text)
    text = _without_pictures(text)
    text = _chinese(text) if language == "zh" else _english(text)
    return _tidy(text, language)


def _without_pictures(text: str) -> str:
    """Without emoji, dingbats, control characters and what only steers them; ℃, ° and → are kept to be read."""
    kept = []
    for character in text:
        category = unicodedata.category(character)
        if character in "→°²≥≤×+=&~|^$":
            kept.append(character)
        elif character in "\n\r\t":
            kept.append(" , " if character == "\n" else " ")
        elif (
            category in ("So", "Sk", "Cs", "Co", "Cn", "Cc", "Cf", "Me") or "\ufe00" <= character <= "\ufe0f"
        ):
            kept.append(" ")
        else:
            kept.append(character)
    return "".join(kept)


def _tidy(text: str, language: Language) -> str:
    text = _BRACKETS.sub(" , ", text)
    comma = "，" if language == "zh" else ", "
    text = re.sub(r"[ \u3000]+", " ", text)
    text = re.sub(r"(?<=[一-鿿]) (?=[一-鿿])", "", text)
    text = re.sub(r" ?[,，、] ?(?:[,，、] ?)*", comma, text)
    text = re.sub(rf"{comma.strip()} ?(?=[。！？!?；;.])", "", text)
    text = re.sub(r"([。！？；])[，, ]+", r"\1", text)
    return text.strip(" ,，、;；:：-–—~")


# ── Chinese ──────────────────────────────────────────────────────────────────────────────────────────────────────


def chinese_number(value: int) -> str:
    """A whole number from 0 to 10^16 as it is said: 110 → 一百一十, 10,002 → 一万零二. Beyond, digit by digit."""
    digits: str = _words("zh")["digits"]
    if value >= 10**16:
        return "".join(digits[int(digit)] for digit in str(value))
    if value < 10:
        return digits[value]
    for size, name in ((10**8, "亿"), (10**4, "万"), (1000, "千"), (100, "百"), (10, "十")):
        if value >= size:
            head, rest = divmod(value, size)
            start = "" if size == 10 and head == 1 and value < 20 else chinese_number(head)
            if not rest:
                return start + name
            tail = chinese_number(rest)
            if size > 10 and rest < size // 10:
                tail = digits[0] + tail
            if 10 <= rest < 20:
                tail = tail.replace("十", "一十", 1)
            return start + name + tail
    raise AssertionError("unreachable: every value of 10 or more has a size")


def _one_by_one(digits: str) -> str:
    table: str = _words("zh")["one_by_one"]
    return "".join(table[int(digit)] for digit in digits)


def _plain(number: str) -> str:
    """A number with thousands separators or a point, as it is said; a leading zero makes it a code."""
    whole, _, part = number.replace(",", "").partition(".")
    words = _words("zh")
    said: str = _one_by_one(whole) if len(whole) > 1 and whole.startswith("0") else chinese_number(int(whole))
    if part:
        said += words["point"] + "".join(words["digits"][int(digit)] for digit in part)
    return said


def _clock_zh(match: re.Match[str]) -> str:
    hour, minute = int(match[1]), int(match[2])
    words = _words("zh")
    before = match.string[max(0, match.start() - 4) : match.start()]
    part, less = next((p, less) for start, end, p, less in words["day_parts"] if start <= hour < end)
    named = re.search(
        r"(?:凌晨|早上|早晨|清晨|上午|中午|下午|傍晚|晚上|夜里|半夜|今晚|明早|今早|明晚)\s*$", before
    )
    spoken_hour = hour - less if hour > 12 else hour
    said: str = ("" if named else part) + words["hour"].format(_counted(spoken_hour))
    if minute == 30:
        return said + str(words["half"])
    if minute:
        zero = words["digits"][0] if minute < 10 else ""
        said += zero + words["minute"].format(chinese_number(minute))
    return said


def _counted(value: int) -> str:
    return "两" if value == 2 else chinese_number(value)


def _date_zh(match: re.Match[str]) -> str:
    year, month, day = match[1], int(match[2]), int(match[3])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return "，".join(_plain(part) for part in match.groups())
    words = _words("zh")
    spoken_year = "".join(words["digits"][int(digit)] for digit in year)
    return str(
        words["year"].format(spoken_year)
        + words["month"].format(chinese_number(month))
        + words["day"].format(chinese_number(day))
    )


def _chinese(text: str) -> str:
    words = _words("zh")

    def spell(match: re.Match[str]) -> str:
        return "，".join(_one_by_one(part) for part in match.groups())

    text = _REQUEST_NUMBER.sub(lambda m: f"{m[1]}，{_one_by_one(m[2])}，{_one_by_one(m[3])}", text)
    text = _DATE.sub(_date_zh, text)
    text = re.sub(rf"(?<=\d:[0-5]\d)\s*{_SEPARATED}\s*(?=\d{{1,2}}:)", words["range"], text)
    text = _CLOCK.sub(_clock_zh, text)
    text = _MOBILE.sub(spell, text)
    text = _LANDLINE.sub(spell, text)
    text = _TRIPLE_HOME.sub(lambda m: f"{_plain(m[1])}号楼{_plain(m[2])}单元{_one_by_one(m[3])}", text)
    # a home: 单元 or 楼 before, or 室 / 房 behind, and the emergency and service lines of three and five digits
    text = re.sub(r"(?<=单元)\s*(\d{3,4})(?!\d)", lambda m: _one_by_one(m[1]), text)
    text = re.sub(r"(?<=[楼栋幢])\s*(\d{3,4})(?![\d元块个.])", lambda m: _one_by_one(m[1]), text)
    text = re.sub(r"(?<!\d)(\d{3,4})(?=\s*(?:室|房间|号房))", lambda m: _one_by_one(m[1]), text)
    text = re.sub(
        r"(?<![\d.])(110|119|120|122|12345|12348|12349|12320|95598)(?![\d.]|\s*(?:元|块|米|个|人|平))",
        lambda m: _one_by_one(m[1]),
        text,
    )
    text = re.sub(
        r"(?<=尾号|编号|号码|电话|热线)([是为::]?\s*)(\d+)", lambda m: m[1] + _one_by_one(m[2]), text
    )
    text = re.sub(r"(\d{4})(?=\s*年)", lambda m: "".join(words["digits"][int(d)] for d in m[1]), text)
    text = re.sub(rf"[¥¥$]\s*({_NUMBER})", lambda m: words["currency"].format(m[1]), text)
    text = re.sub(rf"({_NUMBER})\s*%", lambda m: words["percent"].format(_plain(m[1])), text)
    text = re.sub(r"(?<![\d.])(\d{7,})(?![\d.])", lambda m: _one_by_one(m[1]), text)
    text = re.sub(rf"(?<=\d)\s*{_SEPARATED}\s*(?=\d)", words["range"], text)
    text = re.sub(rf"(?<![\w.])-(?={_NUMBER})", words["minus"], text)
    for unit, spoken in words["units"].items():
        unit = unicodedata.normalize("NFKC", unit)
        text = re.sub(rf"(?<=\d)\s*{re.escape(unit)}(?![A-Za-z])", spoken, text)
    measures = "|".join(map(re.escape, words["liang_before"]))
    text = re.sub(rf"(?<![\d.])2(?=\s*(?:{measures}))", "两", text)
    text = re.sub(_NUMBER, lambda m: _plain(m[0]), text)
    for sign, spoken in words["signs"].items():
        text = text.replace(sign, spoken)
    # digits of other scripts that NFKC leaves
    return "".join(
        words["digits"][unicodedata.digit(c)] if unicodedata.digit(c, None) is not None else c for c in text
    )


# ── English ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _spaced(digits: str) -> str:
    table: list[str] = _words("en")["one_by_one"]
    return " ".join(table[int(digit)] for digit in digits)


def _clock_en(match: re.Match[str]) -> str:
    hour, minute = int(match[1]), int(match[2])
    words = _words("en")
    if re.match(r"\s*[ap]\.?m", match.string[match.end() : match.end() + 5], re.IGNORECASE):
        return match[1] if minute == 0 else f"{match[1]} {_minute_en(minute)}"
    if minute == 0 and hour in (0, 12):
        return str(words["midnight"] if hour == 0 else words["oclock_noon"])
    half = words["am"] if hour < 12 else words["pm"]
    said = str((hour - 1) % 12 + 1)
    return f"{said} {half}" if minute == 0 else f"{said} {_minute_en(minute)} {half}"


def _minute_en(minute: int) -> str:
    return f"oh {minute}" if minute < 10 else str(minute)


def _date_en(match: re.Match[str]) -> str:
    month, day = int(match[2]), int(match[3])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return ", ".join(match.groups())
    return f"{_words('en')['months'][month - 1]} {day}, {match[1]}"


def _english(text: str) -> str:
    words = _words("en")

    def spell(match: re.Match[str]) -> str:
        return ", ".join(_spaced(part) for part in match.groups())

    text = _REQUEST_NUMBER.sub(lambda m: f"{m[1]}, {_spaced(m[2])}, {_spaced(m[3])}", text)
    text = _DATE.sub(_date_en, text)
    text = re.sub(rf"(?<=\d:[0-5]\d)\s*{_SEPARATED}\s*(?=\d{{1,2}}:)", f" {words['range']} ", text)
    text = _CLOCK.sub(_clock_en, text)
    text = _MOBILE.sub(spell, text)
    text = _LANDLINE.sub(spell, text)
    before = "|".join(re.escape(word) for word in words["before_room"])
    text = re.sub(
        rf"(?<![A-Za-z])((?:{before})\.?:?\s*)(\d{{3,}})(?!\d)",
        lambda m: m[1] + _spaced(m[2]),
        text,
        flags=re.IGNORECASE,
    )
    text = re.sub(
        r"(?<![\d.,$¥])(110|119|120|122|12345)(?![.,]?\d|\s*(?:yuan|metres|people))",
        lambda m: _spaced(m[1]),
        text,
    )
    text = re.sub(rf"[¥¥]\s*({_NUMBER})", lambda m: words["currency"].format(m[1]), text)
    text = re.sub(r"(?<![\d.])(\d{7,})(?![\d.])", lambda m: _spaced(m[1]), text)
    for unit, spoken in words["units"].items():
        unit = unicodedata.normalize("NFKC", unit)
        text = re.sub(rf"(?<=\d)\s*{re.escape(unit)}(?![A-Za-z])", f" {spoken}", text)
    for sign, spoken in words["signs"].items():
        text = text.replace(sign, f" {spoken} ")
    return text
