"""What is in the words of somebody who helps: what they want of the time bank, what they offer, how long they helped (F11)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from data.content_reading import plain_yaml
from flows.durations import number_of
from nlu.understanding import Entity

FILE = Path(__file__).with_name("volunteer.yml")
OFFER, REPORT = "offer", "report"
_LEFT = 2  # characters or words from which something is said beside the formula
_DIGITS = r"\d{1,3}(?:\.\d)?"
_HAN = "一二两三四五六七八九十"
_ZH = re.compile(
    rf"(?<![周期拜第])(?P<number>{_DIGITS}|[{_HAN}]{{1,3}}|半)\s*个?(?P<more>半)?\s*(?P<unit>小时|钟头|钟点|点钟|分钟|刻钟|天|上午|下午|晚上)(?P<half>半)?"
)
_WORDS_EN = r"an?|one|two|three|four|five|six|seven|eight|nine|ten|half an"
_EN = re.compile(
    rf"\b(?P<number>{_DIGITS}|{_WORDS_EN})(?P<more> and a half)?\s+(?P<unit>hours?|hrs?|minutes?|mins?)\b(?P<half> and a half)?",
    re.IGNORECASE,
)
_UNITS = {"小时": 60, "钟头": 60, "钟点": 60, "点钟": 60, "分钟": 1, "刻钟": 15, "天": 480}
_PARTS = ("上午", "下午", "晚上")
_HALF_DAY = 240  # minutes of 一上午, 半天


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The content of `volunteer.yml`."""

    wishes: Mapping[str, re.Pattern[str]]
    formula: re.Pattern[str]
    told: re.Pattern[str]
    particles: re.Pattern[str]
    when: re.Pattern[str]
    money: re.Pattern[str]
    goods: re.Pattern[str]
    weekday: re.Pattern[str]
    ahead: re.Pattern[str]


@cache
def words() -> Words:
    """Read once; raises KeyError where a part of the file is missing."""
    content = plain_yaml(FILE)
    return Words(
        wishes={name: _one_of(forms) for name, forms in content["wishes"].items()},
        particles=_one_of([content["particles"]]),
        **{
            name: _one_of(content[name])
            for name in ("formula", "told", "when", "money", "goods", "weekday", "ahead")
        },
    )


def wish_in(text: str) -> str:
    """What is wanted: status, report, gift, dispute, list, redeem, statement, quit, earn, balance, or an offer of help."""
    for name, form in words().wishes.items():
        found = form.search(text)
        if found is not None and (name != REPORT or _reports(text)):
            return name
    return OFFER


def _reports(text: str) -> bool:
    """Hours that were given, and not help that is offered or hours to be spent."""
    if words().wishes["redeem"].search(text) or words().wishes["gift"].search(text):
        return False
    if words().wishes["dispute"].search(text):
        return False
    return minutes_in(text) is not None or len(says_beside(text, words().told)) < _LEFT


def minutes_in(text: str) -> int | None:
    """The first length of time in minutes: 三个半小时, 两小时半, 90分钟, half an hour; None when there is none."""
    found = next((one for one in _ZH.finditer(text) if _is_length(one)), None)
    if found is not None:
        return _zh_minutes(found)
    found = _EN.search(text)
    if found is None:
        return None
    unit = 60 if found["unit"].lower().startswith("h") else 1
    if found["number"].lower() == "half an":
        return 30
    half = 0.5 if found["more"] or found["half"] else 0.0
    return round((_number(found["number"]) + half) * unit)


def _is_length(found: re.Match[str]) -> bool:
    """一下午 is a length; 三下午, of 周三下午, is none."""
    return found["unit"] not in _PARTS or found["number"] in ("一", "1")


def _zh_minutes(found: re.Match[str]) -> int:
    unit, half = found["unit"], bool(found["more"] or found["half"])
    if unit in _PARTS:
        return _HALF_DAY
    if found["number"] == "半":
        return _HALF_DAY if unit == "天" else round(_UNITS[unit] / 2)
    return round((_number(found["number"]) + (0.5 if half else 0.0)) * _UNITS[unit])


def _number(text: str) -> float:
    if text[0].isdigit():
        return float(text)
    return float(number_of(text.lower()))


def says_beside(text: str, formula: re.Pattern[str]) -> str:
    """What is left of a message beside its formula, its particles and its lengths of time."""
    rest = formula.sub(" ", _EN.sub(" ", _ZH.sub(" ", text)))
    return words().particles.sub("", rest) if not rest.strip().isascii() else rest.strip(" .,!?'")


def offered(text: str, times: Iterable[Entity]) -> tuple[bool, str]:
    """Whether an offer says with what, and the words in it that say when ("" for none)."""
    spans = sorted(
        {(one.start, one.end) for one in times} | {one.span() for one in words().when.finditer(text)}
    )
    rest = text
    for start, end in reversed(spans):
        rest = rest[:start] + " " + rest[end:]
    left = says_beside(rest, words().formula)
    says = len(left.split()) >= _LEFT if left.isascii() else len(left) >= _LEFT
    return says, "、".join(text[start:end] for start, end in _apart(spans))


def done_in(text: str, times: Iterable[Entity]) -> str | None:
    """What somebody says they helped with; None when they name nothing."""
    rest = text
    for one in sorted(times, key=lambda entity: entity.start, reverse=True):
        rest = rest[: one.start] + " " + rest[one.end :]
    left = says_beside(rest, words().told).strip()
    return left if len(left) >= _LEFT else None


def _apart(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches that do not overlap: of two that do the earlier."""
    kept: list[tuple[int, int]] = []
    for span in spans:
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept


def _one_of(forms: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{form})" for form in forms), re.IGNORECASE)
