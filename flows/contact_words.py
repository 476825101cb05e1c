"""Whom somebody names among their contacts, and what they want passed on (F7)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from data.content_reading import plain_yaml
from data.models import Contact
from nlu.understanding import Entity, Understanding

FILE = Path(__file__).with_name("contacts.yml")
Mode = Literal["call", "message"]
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_EDGES = " \t,.!?;:，。！？；：、“”\"'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The content of `contacts.yml`."""

    kin: Mapping[str, str]  # word → relation
    wider: Mapping[str, frozenset[str]]  # word for several → relations
    order: re.Pattern[str]
    say: re.Pattern[str]
    lead: re.Pattern[str]
    lead_en: re.Pattern[str]
    empty: re.Pattern[str]
    yes_lead: re.Pattern[str]
    help: re.Pattern[str]
    mine: re.Pattern[str]
    offices: re.Pattern[str]
    drop: re.Pattern[str]


@cache
def words() -> Words:
    """Read once; raises KeyError where a part of the file is missing."""
    content = plain_yaml(FILE)
    patterns = {
        name: re.compile(content[name], re.IGNORECASE)
        for name in (
            "order",
            "say",
            "lead",
            "lead_en",
            "empty",
            "yes_lead",
            "help",
            "mine",
            "offices",
            "drop",
        )
    }
    return Words(
        kin={word: relation for relation, forms in content["relations"].items() for word in forms},
        wider={word: frozenset(relations) for word, relations in content["wider"].items()},
        **patterns,
    )


def relation_of(text: str) -> str | None:
    """Which relation a description means (对门邻居, eldest daughter); None when none is known."""
    lower = text.lower()
    found = [word for word in words().kin if word in lower]
    return words().kin[max(found, key=len)] if found else None


def person_in(understanding: Understanding | None) -> Entity | None:
    """Whom the message is for: the first person it names."""
    return understanding.first("person") if understanding else None


def meant(contacts: Sequence[Contact], text: str, understanding: Understanding | None) -> list[Contact]:
    """The contacts that a message may name: by name before by relation; several where it does not tell."""
    named = [one for one in contacts if _names(one, text, understanding)]
    if named:
        return named
    person = person_in(understanding)
    if person is None:
        relation = relation_of(text)
        return [one for one in contacts if relation is not None and relation_of(one.relation) == relation]
    wanted = words().wider.get(str(person.value)) or {relation_of(str(person.value))}
    found = [one for one in contacts if (own := relation_of(one.relation)) is not None and own in wanted]
    return _narrowed(found, person)


def name_in(contacts: Sequence[Contact], text: str, understanding: Understanding | None) -> tuple[int, int]:
    """Where in the text the person stands: (start, end); (0, 0) when nowhere."""
    for one in contacts:
        for form in _forms(one.name):
            if (at := text.lower().find(form)) >= 0:
                return at, at + len(form)
    person = person_in(understanding)
    if person is not None:
        return person.start, person.end
    found = [word for word in words().kin if word in text.lower()]
    if not found:
        return 0, 0
    word = max(found, key=len)
    at = text.lower().find(word)
    return at, at + len(word)


def message_in(text: str, end: int) -> str:
    """What is to be passed on: what follows the person, without the words of passing on; "" when nothing does."""
    rest = text[end:]
    lead = (words().lead_en if text.isascii() else words().lead).match(rest)
    rest = rest[lead.end() :] if lead else rest
    rest = rest.strip(_EDGES)
    return "" if words().empty.fullmatch(rest) else rest


def put_right(text: str) -> str | None:
    """Another message instead of the one that was read back: 改成…; None when it is none."""
    lead = words().yes_lead.match(text)
    rest = text[lead.end() :].strip(_EDGES) if lead else ""
    return rest or None


def mode_of(text: str, message: str) -> Mode:
    """Whether somebody wants to speak with them, or to have something passed on."""
    return "message" if message or words().say.search(text) else "call"


def named_in(text: str, understanding: Understanding | None) -> str:
    """Whom a message names, as it says it: 儿子, 张大夫; "" when nobody."""
    person = person_in(understanding)
    if person is not None:
        return words().mine.sub("", person.text).strip() or person.text
    found = [word for word in words().kin if word in text.lower()]
    return max(found, key=len) if found else ""


def is_office(text: str) -> bool:
    """Whether it is somewhere the community knows about, and no person."""
    return words().offices.search(text) is not None


def is_dropped(text: str) -> bool:
    """Whether nothing is to be sent after all."""
    return words().drop.search(text) is not None


def is_help(text: str) -> bool:
    """Whether an ambulance, the fire brigade or the police is to be called."""
    return words().help.search(text) is not None


def _names(contact: Contact, text: str, understanding: Understanding | None) -> bool:
    lower = text.lower()
    if any(form in lower for form in _forms(contact.name)):
        return True
    for person in understanding.all("person") if understanding else ():
        surname = person.extra.get("surname")
        if surname and contact.name.startswith(str(surname)):
            return True
    return False


def _forms(name: str) -> list[str]:
    """How people are called: 李晓燕, 晓燕, 小燕; Mary Smith, Mary."""
    lower = name.lower().strip()
    if not _CHINESE.search(lower):
        return [lower, *(part for part in lower.split() if len(part) > 2)]
    forms = [lower]
    if len(lower) == 3:
        forms.append(lower[1:])
    forms += [prefix + lower[-1] for prefix in ("小", "阿") if len(lower) in (2, 3)]
    return forms


def _narrowed(found: list[Contact], person: Entity) -> list[Contact]:
    """Of two sons the elder, where that was said and is written down."""
    order = words().order.search(person.text)
    if len(found) < 2 or order is None:
        return found
    return [one for one in found if order[0].lower() in one.relation.lower()] or found
