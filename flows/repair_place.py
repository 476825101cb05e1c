"""Where something is broken: in somebody's flat, or at a shared place, of which every building may have one (F2, U5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from data import requests
from data.content import Fault, SharedPlace
from data.models import Request
from flows.declared import Ask, Filled, Given, Verdict
from flows.places import FIELDS, bare_part, judge_place
from flows.repair_words import words
from flows.state import Frame
from flows.turn import Turn
from nlu.understanding import Understanding

_FLAT = ("building", "unit", "room")
_LONGEST = 60  # characters of a place in the person's own words

Place = dict[str, Any]
"""{building, unit, room, name}."""


def usual(turn: Turn, fault: Fault | None, *, part: str | None, whole: bool) -> Place | None:
    """Where it must be when nobody says: known facts are offered in the read-back, not asked (C1)."""
    home = turn.home
    if home is None:
        return None
    if whole:
        return _made(building=home["building"])
    where = fault.where if fault is not None else "either"
    spot = words().parts.get(part or "")
    if where == "home" or (where == "either" and spot == "home"):
        return home
    shared = turn.world.places.get(spot or "")
    if shared is not None and shared.in_building:
        return _made(building=home["building"], unit=home["unit"], name=shared.name.zh)
    return None


async def judge_where(turn: Turn, frame: Frame, given: Given, *, fault: Fault | None, reply: str) -> Verdict:
    """A place for this fault. `reply` asks for a missing part (`<reply>_unit` …), `repair_which_building` for a building."""
    value = _mentioned(turn, given) or bare_part(frame, given, _FLAT)
    if value is None:
        return None
    if value.get("place") == "home":
        return _at_home(turn, frame, fault, reply)
    if value.get("place"):
        return _named(turn, frame, value, str(value["place"]))
    if frame.memory.get("spot") and value.get("building"):
        return _named(turn, frame, value, str(frame.memory.pop("spot")))
    if not any(value.get(part) for part in _FLAT):
        return None
    known = frame.slots.get("place") or {}
    if known.get("name") and not value.get("room"):
        return _named(turn, frame, value, str(known["name"]))  # the building is put right, the spot stays
    shared = _spot(turn, frame, fault)
    if not value.get("room") and (
        (fault is not None and fault.where == "shared") or frame.memory.get("whole")
    ):
        named = shared.name.zh if shared is not None and not frame.memory.get("whole") else None
        return Filled(value=_made(building=value.get("building"), unit=value.get("unit"), name=named))
    home = turn.home
    if (
        fault is not None
        and fault.where == "home"
        and home is not None
        and _within(value, home)
        and not known
    ):
        return Filled(value=home)
    return await judge_place(turn, frame, replace(given, value=value), need=_FLAT, reply=reply)


def in_own_words(given: Given) -> Filled:
    """A place that nobody wrote into the catalogue."""
    return Filled(value=_made(name=given.text.strip()[:_LONGEST]))


def where_exactly(understanding: Understanding | None) -> dict[str, str]:
    """What a person says of a spot beyond its name: floor, area."""
    found: dict[str, str] = {}
    for entity in understanding.all("place") if understanding else ():
        found.update({name: str(entity.extra[name]) for name in ("floor", "area") if entity.extra.get(name)})
    return found


def in_words(turn: Turn, place: Mapping[str, Any] | None, *, spoken: bool = False) -> str:
    """The place in the person's language; a shared place by its name there."""
    if place and place.get("name"):
        shared = _by_name(turn, str(place["name"]))
        if shared is not None:
            place = {**place, "name": shared.name.of(turn.language)}
    return turn.wording.place_spoken(place) if spoken else turn.wording.place(place)


async def open_there(turn: Turn, place: Mapping[str, Any], fault: str) -> Request | None:
    """An open repair of this fault there; at a shared place also where the other did not say, or said, the entrance."""
    units: list[str | None] = [place.get("unit")]
    if place.get("name") and place.get("building"):
        most = int((turn.work.community.settings.get("homes") or {}).get("units", 0))
        units += [None] if place.get("unit") else [str(number) for number in range(1, most + 1)]
    for unit in units:
        found = await requests.open_fault_at(turn.work, place={**place, "unit": unit}, fault=fault)
        if found is not None:
            return found
    return None


def _mentioned(turn: Turn, given: Given) -> dict[str, Any] | None:
    """Everything the message says of the place, in one: 电梯 … 5号楼."""
    if isinstance(given.value, str):  # a button: home, or a shared place's key
        shared = turn.world.places.get(given.value)
        if given.value != "home" and shared is None:
            return None
        return {"place": shared.name.zh if shared is not None else "home"}
    if isinstance(given.value, Mapping):
        return dict(given.value)
    found = turn.understanding.all("place") if turn.understanding and given.entity else ()
    merged: dict[str, Any] = {}
    for entity in found:
        value = {name: part for name, part in entity.value.items() if part}
        if value.get("place") == "home" and merged:
            continue  # 我家楼道: the spot is what counts
        if merged.get("place") == "home" and value:
            merged = {}
        merged.update(value)
    return merged if found else None


def _at_home(turn: Turn, frame: Frame, fault: Fault | None, reply: str) -> Verdict:
    home = turn.home
    if home is None:
        return Ask(reply=f"{reply}_all", facts={"known": ""})
    if fault is None or fault.where != "shared":
        return Filled(value=home)
    spot = _spot(turn, frame, fault)
    name = spot.name.zh if spot is not None and spot.in_building else None
    return Filled(value=_made(building=home["building"], unit=home["unit"], name=name))


def _named(turn: Turn, frame: Frame, value: Mapping[str, Any], name: str) -> Verdict:
    """A shared place; where every building has one, its building too: said before, or the person's own."""
    shared, home = _by_name(turn, name), turn.home
    begun = frame.memory.get("place") or {}
    building, unit = value.get("building") or begun.get("building"), value.get("unit")
    if shared is not None and shared.in_building and building is None:
        if home is None:
            frame.memory["spot"] = name
            return Ask(reply="repair_which_building", facts={"known": shared.name.of(turn.language)})
        building, unit = home["building"], unit or home["unit"]
    frame.memory.pop("place", None)
    return Filled(value=_made(building=building, unit=unit, name=name))


def _spot(turn: Turn, frame: Frame, fault: Fault | None) -> SharedPlace | None:
    """The shared place that goes with the fault's part of the house."""
    if fault is not None and fault.group.key == "lift":
        return turn.world.places.get("lift_car")
    return turn.world.places.get(words().parts.get(frame.memory.get("part") or "", ""))


def _by_name(turn: Turn, name: str) -> SharedPlace | None:
    return next((place for place in turn.world.places.values() if place.name.zh == name), None)


def _within(value: Mapping[str, Any], home: Mapping[str, Any]) -> bool:
    return all(not value.get(part) or value[part] == home.get(part) for part in _FLAT)


def _made(**parts: Any) -> Place:
    return {field: parts.get(field) for field in FIELDS}
