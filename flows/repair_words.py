"""What is in the words of somebody who reports a repair: which fault, how bad, and whether it is an alarm (F2, E1)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from data.content import Fault
from data.content_reading import plain_yaml
from flows.turn import Turn
from nlu.understanding import Emergency, Entity

FILE = Path(__file__).with_name("repair.yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The content of `repair.yml`."""

    whole: re.Pattern[str]  # the whole building
    urgent: re.Pattern[str]  # worse than the fault alone
    contrary: re.Pattern[str]  # at the end of what stands before: it is not so
    parts: Mapping[str, str]  # part of the flat or house → `home`, or key of a shared place
    spots: Mapping[str, str]  # shared place that is itself what is broken → fault
    alarms: Mapping[str, tuple[str, int]]  # safety advice → kind and level of the alarm


@cache
def words() -> Words:
    """Read once; raises KeyError where a part of the file is missing."""
    content = plain_yaml(FILE)
    contrary = "|".join(re.escape(word) for word in sorted(content["not"], key=len, reverse=True))
    return Words(
        whole=re.compile("|".join(content["whole"]), re.IGNORECASE),
        urgent=re.compile("|".join(content["urgent"]), re.IGNORECASE),
        contrary=re.compile(rf"(?:{contrary})(?:闻到|any |a |the |my )?$", re.IGNORECASE),
        parts=content["parts"],
        spots=content["spots"],
        alarms={advice: (alarm["kind"], int(alarm["level"])) for advice, alarm in content["alarms"].items()},
    )


def says_worse(text: str) -> bool:
    """Water over the floor, the whole building, the only toilet."""
    return _holds(words().urgent, text)


def says_whole(text: str) -> bool:
    """The whole building, not one flat."""
    return _holds(words().whole, text)


def faults_in(turn: Turn) -> Sequence[Entity]:
    """The faults of a message in its order, without those it says it is not: 不是水龙头,是马桶."""
    if turn.understanding is None:
        return ()
    found = turn.understanding.all("fault")
    return [one for one in found if not _denied(turn.understanding.text, one.start)]


def fault_of_spot(turn: Turn) -> str | None:
    """The fault where only a place is named, and the place is what is broken: the lift in building 5 is broken."""
    named = {
        entity.value.get("place")
        for entity in (turn.understanding.all("place") if turn.understanding else ())
    }
    spots = {key: place for key, place in turn.world.places.items() if place.name.zh in named}
    return next((fault for key, fault in words().spots.items() if key in spots), None)


def alarm_in(turn: Turn) -> Fault | None:
    """A fault that is never a ticket: gas, sparks, people in the lift."""
    faults = (turn.world.faults.get(str(entity.value)) for entity in faults_in(turn))
    return next((fault for fault in faults if fault is not None and fault.emergency), None)


def call_alarm(turn: Turn, fault: Fault) -> None:
    """Open the emergency with this fault's kind, where the net has not judged for itself (E1)."""
    kind, level = words().alarms.get(fault.danger or "", ("unknown", 3))
    if turn.understanding is not None and turn.understanding.emergency is None:
        judged = Emergency(kind=kind, level=level, confidence=1.0, evidence=(f"fault:{fault.key}",))
        turn.understanding = replace(turn.understanding, emergency=judged)
    turn.open("emergency")


def _holds(pattern: re.Pattern[str], text: str) -> bool:
    return any(not _denied(text, match.start()) for match in pattern.finditer(text))


def _denied(text: str, start: int) -> bool:
    return words().contrary.search(text[:start]) is not None
