"""What staff do about an alarm: acknowledge, on the way, on site, resolve; each told to the resident in plain words (E6, E7).

Every move locks the conversation first, then the alarm's timers, then the alarm: the order that all work keeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data import alarms, conversations, residents, timers
from data.errors import NotFound
from data.models import Alarm, Staff
from data.work import Work
from flows import alarm_ladder as ladder
from flows.emergency_alarm import NAME, after_resolved
from flows.engine import Engine
from flows.turn import Turn
from flows.world import World


class AlarmNotFound(NotFound):
    """There is no alarm with this id or number in this community."""

    code = "alarm_not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reachable:
    """Somebody to call."""

    name: str
    relation: str  # daughter, son, neighbour …
    phone: str | None  # E.164


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """What helpers need to know about a person (E7). Personal data: every look is written to the audit."""

    resident_id: int
    name: str | None
    phone: str | None  # E.164
    birth_year: str | None
    lives_alone: bool
    high_risk: bool
    home: dict[str, Any] | None  # {building, unit, room, name}
    access_note: str | None  # how to get in: keyholder, lock box, dog
    conditions: Sequence[str]
    medicines: Sequence[str]
    contacts: Sequence[Reachable]  # whom the resident agreed to be told, in their order


async def acknowledge(
    work: Work, world: World, engine: Engine, alarm_ref: str, staff_id: str | None, note: str | None = None
) -> Alarm:
    """A human has it: the ladder stops, the person hears who. Raises AlarmNotFound, IllegalMove."""
    return await _move(work, world, engine, alarm_ref, "acknowledge", staff_id, note)


async def on_way(
    work: Work, world: World, engine: Engine, alarm_ref: str, staff_id: str | None, note: str | None = None
) -> Alarm:
    """Somebody has set out. Raises AlarmNotFound, IllegalMove."""
    return await _move(work, world, engine, alarm_ref, "on_way", staff_id, note)


async def on_site(
    work: Work, world: World, engine: Engine, alarm_ref: str, staff_id: str | None, note: str | None = None
) -> Alarm:
    """Somebody is there. Raises AlarmNotFound, IllegalMove."""
    return await _move(work, world, engine, alarm_ref, "on_site", staff_id, note)


async def resolve(
    work: Work,
    world: World,
    engine: Engine,
    alarm_ref: str,
    staff_id: str | None,
    *,
    code: str | None,
    note: str | None,
) -> Alarm:
    """It is over: all-clear to everybody who was alerted, no timer left, what was interrupted is offered back.

    Raises AlarmNotFound, IllegalMove, ClosingCodeMissing.
    """
    return await _move(work, world, engine, alarm_ref, "resolve", staff_id, note, code)


async def dossier(work: Work, alarm: Alarm) -> Dossier | None:
    """Reveal what helpers need; None when nobody knows whose alarm it is. The look is audited."""
    if alarm.resident_id is None:
        return None
    resident, home = await conversations.with_home(work, alarm.resident_id)
    contacts = await residents.alarm_contacts(work, resident.id)
    health = resident.health or {}
    work.audit("alarm.dossier", f"alarm:{alarm.id}", number=alarm.number, resident=resident.id)
    return Dossier(
        resident_id=resident.id,
        name=resident.name,
        phone=resident.phone,
        birth_year=resident.birth_year,
        lives_alone=resident.lives_alone,
        high_risk=resident.high_risk,
        home=residents.place_of(home),
        access_note=home.access_note if home is not None else None,
        conditions=tuple(health.get("conditions", ())),
        medicines=tuple(health.get("medicines", ())),
        contacts=tuple(
            Reachable(name=contact.name, relation=contact.relation, phone=contact.phone)
            for contact in contacts
        ),
    )


async def _move(
    work: Work,
    world: World,
    engine: Engine,
    alarm_ref: str,
    move: str,
    staff_id: str | None,
    note: str | None,
    code: str | None = None,
) -> Alarm:
    seen = await alarms.get(work, alarm_ref)
    if seen is None:
        raise AlarmNotFound(f"no alarm {alarm_ref}")
    turn = await _conversation_of(work, world, seen)
    if move == "resolve":
        await timers.cancel(work, subject=f"alarm:{seen.id}")
    else:
        await ladder.stop(work, seen.id)
    alarm = await alarms.get(work, str(seen.id), lock=True)
    if alarm is None:
        raise AlarmNotFound(f"no alarm {alarm_ref}")
    await alarms.move(work, alarm, move, staff_id=staff_id, code=code, note=note)
    if move == "resolve":
        closing = world.replies.render(f"alarm_code_{code}", "zh").text
        await ladder.all_clear(work, ladder.telling(world, "alarm_all_clear", code=closing), alarm)
    if turn is not None:
        await _tell_resident(turn, engine, alarm, move, staff_id)
    return alarm


async def _conversation_of(work: Work, world: World, alarm: Alarm) -> Turn | None:
    if alarm.conversation_id is None:
        return None
    return Turn.outside(work, world, await conversations.lock(work, alarm.conversation_id))


async def _tell_resident(turn: Turn, engine: Engine, alarm: Alarm, move: str, staff_id: str | None) -> None:
    """In plain words: who is coming, on the way, here, over."""
    who = (
        await turn.work.session.get(Staff, staff_id or alarm.staff_id) if staff_id or alarm.staff_id else None
    )
    name = who.name if who is not None else turn.world.replies.render("alarm_staff", turn.language).text
    turn.say(f"emergency_told_{move}", name=name)
    frame = turn.dialogue.find(NAME)
    if move == "resolve" and frame is not None and frame.memory.get("alarm") == alarm.id:
        await after_resolved(turn, engine)
    await turn.deliver(about=f"alarm:{alarm.id}")
