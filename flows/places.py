"""A place as an answer: put together from what was said over several turns, with what is still missing asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flows.declared import Ask, Filled, Given, Verdict
from flows.state import Frame
from flows.turn import Turn

FIELDS = ("building", "unit", "room", "name")
_NUMBER = re.compile(r"(\d{1,4})(?:号?楼|栋|幢|单元|室|号)?")
_EDGES = " ，。,.！!吧的"


def as_place(value: Mapping[str, Any], home: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A place entity's value as {building, unit, room, name}; `home` stands for the speaker's own, None if unknown."""
    if value.get("place") == "home":
        return dict(home) if home is not None else None
    return {
        "building": value.get("building"),
        "unit": value.get("unit"),
        "room": value.get("room"),
        "name": value.get("place"),
    }


def bare_part(frame: Frame, given: Given, need: tuple[str, ...]) -> dict[str, str] | None:
    """A number alone after "which building?", "which unit?": just that part, whatever else a number may mean."""
    match = _NUMBER.fullmatch(given.text.strip(_EDGES)) if given.asked and given.entity is None else None
    begun = frame.memory.get("place")
    if match is None or given.value is not None or (begun is None and not frame.memory.get("spot")):
        return None
    missing = next((part for part in need if not (begun or {}).get(part)), None)
    return {missing: match[1]} if missing is not None else None


async def judge_place(
    turn: Turn, frame: Frame, given: Given, *, need: tuple[str, ...], reply: str
) -> Verdict:
    """Take a place, or the missing part of one. `reply` asks for the part named in {missing}; a named place is whole."""
    value = given.value if isinstance(given.value, Mapping) else given.entity.value if given.entity else None
    value = value if value is not None else bare_part(frame, given, need)
    if value is None and given.asked and turn.home is not None and turn.intent("affirm"):
        value = {"place": "home"}
    if not isinstance(value, Mapping) or not all(isinstance(part, str | None) for part in value.values()):
        return None
    place = as_place(value, turn.home)
    if place is None:
        return Ask(reply=f"{reply}_all", facts={"known": ""})
    if not place["name"]:
        begun = frame.memory.get("place") or frame.slots.get("place") or {}
        # A new building makes what was said of the old one void, unless just that was put right (C2: nothing else
        # changes, and it is read back); a unit or room alone completes what is there.
        if not place["building"] or place["building"] == begun.get("building") or _put_right(frame, given):
            place = {field: place.get(field) or begun.get(field) for field in FIELDS}
        if place.get("building"):
            place["name"] = None
    frame.memory["place"] = place
    missing = [field for field in need if not place.get(field)] if not place.get("name") else []
    if missing:
        key = f"{reply}_{missing[0]}"
        return Ask(reply=key, facts={"known": turn.wording.place(place) if place.get("building") else ""})
    frame.memory.pop("place", None)
    return Filled(value={field: place.get(field) for field in FIELDS})


def _put_right(frame: Frame, given: Given) -> bool:
    """Whether a place that was known is corrected: 不是3号楼,是5号楼."""
    corrected = given.entity is not None and bool(given.entity.extra.get("instead_of"))
    return corrected or (not given.asked and bool(frame.slots.get("place")))
