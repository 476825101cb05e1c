"""Which of their own cases somebody means: by number, by what it was about, or the last one (F4)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from data import requests
from data.content_reading import plain_yaml
from data.models import Request
from flows.cases import title
from flows.declared import Given
from flows.repair_place import in_words
from flows.turn import Turn
from nlu.timevalues import TimeValueError, parse_value

FILE = Path(__file__).with_name("status.yml")
SHOWN = 3
"""How many are offered to choose from."""

_KINDS = ("repair", "booking", "complaint", "suggestion", "volunteer", "hours")
_LOOK_BACK = 50


@cache
def _content() -> dict[str, Any]:
    loaded: dict[str, Any] = plain_yaml(FILE)
    return loaded


def says(name: str, text: str) -> bool:
    """Whether the words of a list of `status.yml` are in a text: `last`, `just`."""
    return _any(_content()[name], text)


def narrowed(turn: Turn, among: Sequence[Request]) -> list[Request]:
    """Those of a number, service or fault that the message names; none where it names another. Words for a kind
    (the repairman, my complaint) and a day only choose where there is something to choose."""
    numbered = turn.understanding.first("request_no") if turn.understanding else None
    if numbered is not None:
        return [one for one in among if one.number.endswith(str(numbered.value).upper())]
    found, named = _about(turn, among)
    return _on_day(turn, found) if named else _on_day(turn, _of_kind(turn, found) or found)


async def meant(turn: Turn, *, open_only: bool) -> Sequence[Request]:
    """The cases that this message may mean, newest first; all of the person's when it says nothing of them.

    Empty when it names one (a number, a service, a fault) that is not there. Never somebody else's.
    """
    numbered = turn.understanding.first("request_no") if turn.understanding else None
    mine = await _mine(turn, open_only=open_only and numbered is None)
    if numbered is not None:
        return [one for one in mine if one.number.endswith(str(numbered.value).upper())]
    found, named = _about(turn, mine)
    if not named:
        found = _of_kind(turn, mine)
    found = _on_day(turn, found)
    return found[:1] if says("last", turn.text) else found


def picked(turn: Turn, shown: Sequence[Request]) -> Request | None:
    """The one of those shown that an answer means: a number, its place in the list, or what it is about."""
    numbered = turn.understanding.first("request_no") if turn.understanding else None
    if numbered is not None:
        return next((one for one in shown if one.number.endswith(str(numbered.value).upper())), None)
    found, named = _about(turn, shown)
    found = _on_day(turn, found if named else _of_kind(turn, shown))
    if len(found) == 1 and len(shown) > 1:
        return found[0]
    index = place_in_list(turn.text, len(shown))
    return shown[index] if index is not None else None


def chosen(turn: Turn, given: Given, shown: Sequence[Request]) -> Request | None:
    """The one of those shown that an answer to "which one?" means, by its button or in words."""
    if not given.asked:
        return None
    if given.value is not None:
        return next((one for one in shown if str(one.id) == str(given.value)), None)
    return picked(turn, shown)


def place_in_list(text: str, length: int) -> int | None:
    """Which of so many that were named: 0 for the first one; None when the words name no place in a list."""
    found = next((at for at, forms in enumerate(_content()["picked"]) if _any(forms, text)), None)
    return min(found, length - 1) if found is not None and length else None


def what(turn: Turn, request: Request) -> str:
    """What a case is about, in the person's language."""
    return title(turn.world, request, turn.language)


def when(turn: Turn, request: Request) -> str:
    """When it takes place, or when it was asked for."""
    if request.starts_at is not None:
        return turn.wording.moment(request.starts_at.astimezone(turn.work.zone), turn.now)
    return turn.wording.day(request.created_at.astimezone(turn.work.zone), turn.now)


def describe(turn: Turn, request: Request) -> str:
    """A case in a few words, for a button or a read-back."""
    place = in_words(turn, request.place) if request.place else ""
    key = "case_in_words_place" if request.kind == "repair" and place else "case_in_words"
    if request.kind in ("complaint", "suggestion") and request.text:
        return what(turn, request)  # in their own words it is known without its day
    facts: dict[str, Any] = {"what": what(turn, request), "place": place, "when": when(turn, request)}
    return turn.world.replies.render(key, turn.language, **facts).text


async def _mine(turn: Turn, *, open_only: bool) -> list[Request]:
    found = await requests.of_person(
        turn.work,
        resident_id=turn.resident.id if turn.resident else None,
        conversation_id=turn.conversation.id,
        open_only=open_only,
        limit=_LOOK_BACK,
    )
    return [one for one in found if one.kind in _KINDS]


def _about(turn: Turn, among: Sequence[Request]) -> tuple[list[Request], bool]:
    """Those of a service or fault that the message names, and whether it names any."""
    entities = turn.understanding.entities if turn.understanding else ()
    services = {str(entity.value) for entity in entities if entity.entity == "service"}
    faults = {str(entity.value) for entity in entities if entity.entity == "fault"}
    if not services and not faults:
        return list(among), False
    return [one for one in among if one.service in services or one.fault in faults], True


def _of_kind(turn: Turn, among: Sequence[Request]) -> list[Request]:
    kinds = [kind for kind, forms in _content()["kinds"].items() if _any(forms, turn.text)]
    found = [one for one in among if one.kind in kinds]
    return found if kinds else list(among)


def _on_day(turn: Turn, among: Sequence[Request]) -> list[Request]:
    """Those on a day that the message names; all when none is, for the day may be the new one."""
    days = set(days_in(turn))
    found = [
        one
        for one in among
        if one.starts_at is not None and one.starts_at.astimezone(turn.work.zone).date() in days
    ]
    return found or list(among)


def days_in(turn: Turn) -> Iterable[date]:
    """The days that a message names."""
    for entity in turn.understanding.all("time") if turn.understanding else ():
        try:
            value = parse_value(str(entity.value))
        except TimeValueError:
            continue
        if value.day is not None:
            yield value.day


def starts(turn: Turn, request: Request) -> datetime | None:
    """When a booking begins, on the community's clock."""
    return request.starts_at.astimezone(turn.work.zone) if request.starts_at else None


def _any(forms: Sequence[str], text: str) -> bool:
    return any(re.search(form, text, re.IGNORECASE) for form in forms)
