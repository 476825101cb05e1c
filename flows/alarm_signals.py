"""A button pressed, a fall detected, gas, smoke, no motion: the alarm a device raises, and the word to its resident (E9)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from data import alarms, conversations, residents
from data.models import Alarm, Resident
from data.work import Work
from flows import alarm_ladder as ladder
from flows.emergency_alarm import take_up
from flows.engine import Engine
from flows.turn import Turn
from flows.world import World

KINDS: Mapping[str, tuple[str, int]] = {
    "sos": ("unknown", 1),
    "smoke": ("fire", 1),
    "gas": ("gas", 1),
    "fall": ("fall", 2),
    "no_motion": ("unknown", 3),
    "silent": ("unknown", 4),  # a device past its heartbeat: the officer looks, the resident is left in peace
}
"""Signal type → kind and level of its alarm (intents.md: the button is level 1)."""
_SPOKEN_OF = 3
_PROMPT = timedelta(minutes=2)


async def raise_from_signal(
    work: Work,
    world: World,
    engine: Engine,
    *,
    resident: Resident | None,
    device_key: str,
    type: str,  # noqa: A002 - the field's name in the signal document (interfaces.md)
    at: datetime,
) -> Alarm:
    """Raise an alarm for a device's signal, or join the open one; tell whom its level names; speak to the resident.

    `type` is one of KINDS; `at` is when the device noticed, aware. Nobody's device joins the open alarm of that device.
    Raises KeyError for another type, ValueError for a naive time.
    """
    if at.tzinfo is None:
        raise ValueError("a signal's time needs a zone")
    kind, level = KINDS[type]
    source, words = f"device:{device_key}", _words(work, type, at)
    turn = await _conversation_of(work, world, resident)
    before = await _open(work, resident, source, turn)
    known = before.level if before is not None else None
    if before is not None:
        alarm, new = before, False
        await alarms.join(work, alarm, kind=kind, level=level, text=words)
    else:
        home = (await conversations.with_home(work, resident.id))[1] if resident is not None else None
        alarm, new = await alarms.raise_alarm(
            work,
            kind=kind,
            level=level,
            source=source,
            text=words,
            resident_id=resident.id if resident is not None else None,
            conversation_id=turn.conversation.id if turn is not None else None,
            place=residents.place_of(home),
            facts={"evidence": [type], "device": device_key},
        )
    worse = known is not None and alarm.level < known
    if new:
        await ladder.begin(work, ladder.telling(world), alarm)
    elif worse:
        await ladder.announce(work, ladder.telling(world), alarm)
    if turn is not None and alarm.conversation_id is None:
        alarm.conversation_id = turn.conversation.id
    if turn is not None and level <= _SPOKEN_OF and alarm.conversation_id == turn.conversation.id:
        await take_up(turn, alarm, signal=type, worse=worse)
        await turn.deliver(about=f"alarm:{alarm.id}")
    return alarm


def _words(work: Work, type: str, at: datetime) -> str:  # noqa: A002
    """What happened and when; both times where the report was long under way."""
    words = f"{type} {at.astimezone(work.zone):%Y-%m-%d %H:%M:%S}"
    late = type != "silent" and work.now - at > _PROMPT
    return f"{words} (received {work.local:%Y-%m-%d %H:%M:%S})" if late else words


async def _conversation_of(work: Work, world: World, resident: Resident | None) -> Turn | None:
    """Where the resident was last heard, locked; None for somebody who never wrote."""
    found = await conversations.of_resident(work, resident.id) if resident is not None else None
    return Turn.outside(work, world, await conversations.lock(work, found.id)) if found is not None else None


async def _open(work: Work, resident: Resident | None, source: str, turn: Turn | None) -> Alarm | None:
    if resident is None:
        return await alarms.open_from(work, source)
    return await alarms.open_of(
        work,
        resident_id=resident.id,
        conversation_id=turn.conversation.id if turn is not None else None,
    )
