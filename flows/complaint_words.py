"""What is in the words of somebody who complains or suggests: what it is about, how angry they are, of whom they speak (F9)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from data.content_reading import plain_yaml
from data.models import Staff
from flows.turn import Turn

FILE = Path(__file__).with_name("complaint.yml")
SOMEBODY = "somebody"
"""`Request.about_staff` where it is about a member of staff, nobody knows which."""
_EDGES = " \t\n,.!?;:，。！？；：、"
_LEFT_OF_FORMULA = 4  # characters beside "I want to complain" from which it says about what
_LEFT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One kind of thing that people complain of."""

    key: str
    where: str  # ask | home | none
    words: re.Pattern[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The content of `complaint.yml`."""

    formula: re.Pattern[str]
    particles: re.Pattern[str]
    topics: Sequence[Topic]
    anger: re.Pattern[str]
    staff: re.Pattern[str]
    conduct: re.Pattern[str]
    others: re.Pattern[str]
    violence: re.Pattern[str]
    more: re.Pattern[str]
    unheard: re.Pattern[str]


@cache
def words() -> Words:
    """Read once; raises KeyError where a part of the file is missing."""
    content = plain_yaml(FILE)
    return Words(
        formula=_one_of(content["formula"]),
        particles=_one_of([content["particles"]]),
        topics=tuple(
            Topic(key=row["key"], where=row["where"], words=_one_of(row["words"]))
            for row in content["topics"]
        ),
        anger=_one_of(content["anger"]),
        staff=_one_of(content["staff"]),
        conduct=_one_of(content["conduct"]),
        others=_one_of([content["others"]]),
        violence=_one_of(content["violence"]),
        more=_one_of([content["more"]]),
        unheard=_one_of(content["unheard"]),
    )


def says_what(text: str) -> bool:
    """Whether it says what it is about, and not only that somebody wants to complain or suggest."""
    announced = words().formula.search(text) is not None
    left = words().particles.sub("", words().formula.sub("", text))
    if left.isascii():
        return len(re.findall(r"[a-z]{2,}", words().formula.sub("", text), re.IGNORECASE)) >= _LEFT
    return len(left) >= (_LEFT_OF_FORMULA if announced else _LEFT)


def adds(text: str) -> bool:
    """Whether it begins as something that is added: and another thing."""
    begins = words().more.search(text)
    return begins is not None and says_what(text[begins.end() :])


def subject_of(text: str) -> str:
    """Without what only announces it at its beginning: 我要投诉楼上吵 → 楼上吵."""
    announced = words().formula.match(text)
    rest = text[announced.end() :] if announced else text
    return rest.strip(_EDGES) or text.strip(_EDGES)


def topic_of(text: str) -> Topic | None:
    """What it is about; None when nothing in it is known."""
    return next((topic for topic in words().topics if topic.words.search(text)), None)


def is_angry(text: str) -> bool:
    """Whether somebody has had enough."""
    return words().anger.search(text) is not None


def is_violent(text: str) -> bool:
    """Whether somebody is or was hurt by somebody."""
    return words().violence.search(text) is not None


def says_unheard(text: str) -> bool:
    """Whether it is only that nothing came of what was asked for before."""
    return words().unheard.search(text) is not None and topic_of(text) is None


def staff_meant(turn: Turn, text: str, staff: Sequence[Staff]) -> str | None:
    """The member of staff whose conduct it is about: their id, SOMEBODY, or None when it is about nobody of them."""
    named = {member.id for member in staff if _names(turn, text, member)}
    if named:
        return named.pop() if len(named) == 1 else SOMEBODY
    found = words().staff.search(text)
    if found is None or words().others.search(text[: found.start()]):
        return None
    return SOMEBODY if words().conduct.search(text) else None


def _names(turn: Turn, text: str, member: Staff) -> bool:
    """Their name, or 小李 and 李师傅 where that surname is theirs; a neighbour of that name is somebody else."""
    if member.name in text:
        return True
    for person in turn.understanding.all("person") if turn.understanding else ():
        surname = person.extra.get("surname")
        if not surname or words().others.search(text[: person.start]):
            continue
        if str(surname) in member.name[:2]:
            return True
    return False


def _one_of(forms: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{form})" for form in forms), re.IGNORECASE)
