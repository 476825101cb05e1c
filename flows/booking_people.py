"""For whom a booking is: oneself, or somebody of the family; services for elders are booked for them by others (F1)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from data.content import Service
from flows.booking_facts import service_of
from flows.declared import Filled, Given, Verdict
from flows.messages import Button
from flows.replies import payload
from flows.state import Frame
from flows.turn import Turn
from nlu.understanding import Entity

ELDER_FROM = 60  # years
_FOR = re.compile(r"(?:给|帮|替|为|代|\bfor)\s*$", re.IGNORECASE)
_OWN = re.compile(
    r"^(?:我们?|咱们?|俺们?|my|our)(?:家|的)?\s*|^(?:他|她|his|her)(?:们)?(?:家|的)?\s*", re.IGNORECASE
)
_LONGEST = 20  # characters of a name
_RELATIONS = ("mother", "father")


def may_book_for_self(turn: Turn, service: Service) -> bool:
    """Whether this person is among those whom the service is for; unknown ages get the benefit of the doubt."""
    resident = turn.resident
    if service.who != "elder" or resident is None or not resident.birth_year:
        return True
    return turn.now.year - int(resident.birth_year) >= ELDER_FROM


def needs_whom(turn: Turn, frame: Frame) -> bool:
    """Whether it has to be asked for whom: an elder's service, and the person who books is none."""
    service = service_of(turn, frame)
    return service is not None and not may_book_for_self(turn, service)


async def judge_whom(turn: Turn, frame: Frame, given: Given) -> Verdict:
    """Somebody of the family who is booked for: 给我妈约, or the answer to the question for whom."""
    if isinstance(given.value, str) and given.value in _RELATIONS:
        return _filled(turn, frame, _relative(turn, given.value), family=True)
    entity = given.entity
    if entity is None:
        return None
    before = turn.text[: entity.start] if turn.command is None else ""
    if not given.asked and _FOR.search(before) is None:
        return None  # 「我女儿陪我去」 names somebody who comes along
    return _filled(turn, frame, _named(entity), family="relation" in entity.extra)


async def elders(turn: Turn, frame: Frame) -> Sequence[Button]:
    """Whom people mostly book for, and the way out."""
    titles = [(_relative(turn, name), name) for name in _RELATIONS]
    return [
        *(Button(title=title, payload=payload("choose", whom=name)) for title, name in titles),
        turn.button("button_leave", "stop"),
    ]


def name_of_whom(frame: Frame) -> str | None:
    """For whom, as it is kept with the booking; None: for the person who books."""
    whom = frame.slots.get("whom")
    return str(whom["name"]) if whom else None


def _filled(turn: Turn, frame: Frame, name: str, *, family: bool) -> Filled:
    if not frame.slots.get("whom") and frame.slots.get("place") == turn.home:
        frame.slots.pop(
            "place", None
        )  # where they live is not known from where we live: asked, if it matters
    return Filled(value={"name": name[:_LONGEST], "family": family})


def _named(entity: Entity) -> str:
    words = _OWN.sub("", entity.text).strip()
    return words if len(words) > 1 else str(entity.value)


def _relative(turn: Turn, name: str) -> str:
    return turn.world.replies.render(f"booking_{name}", turn.language).text
