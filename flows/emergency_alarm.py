"""How an emergency conversation begins and ends: the alarm first, then words; taken back; closed by staff (E2, E3, E8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data import alarms, timers
from data.models import Alarm
from flows import alarm_ladder as ladder
from flows.emergency_asking import ask, ask_next, first_words, name_place, silence_key, take_volunteered
from flows.emergency_plan import plan
from flows.emergency_words import Danger, danger_in, place_in, spoken_words, who_in
from flows.state import Frame
from flows.turn import Turn

if TYPE_CHECKING:
    from flows.engine import Engine

NAME, DOUBT = "emergency", "emergency_doubt"
"""The flows' names, as the engine calls them."""
SURE = 3
"""Level of an alarm that begins without a judgement: a doubt not denied, silence."""

_OF_THE_MOMENT = (DOUBT, "resume", "clarify", "checkin", "unwell", "medicine")
"""Questions that an alarm makes pointless; what they were about is offered back afterwards."""


async def begin_alarm(
    turn: Turn, *, kind: str, level: int, lead: str | None = None, source: str | None = None
) -> None:
    """Raise an alarm in this conversation, say the first words and put the first question.

    For flows that learn of danger themselves (a check-in answered with "help", a doubt not denied). `lead` is a
    reply said before the instructions. The frame of the calling flow stays where it is.
    """
    frame = turn.dialogue.find(NAME)
    if frame is None:
        frame = turn.open(NAME)
    else:
        turn.dialogue.drop(frame)
        turn.dialogue.stack.append(frame)
        frame.memory = {}
    frame.memory["begun"] = True
    await begin(turn, frame, danger_in(turn) or Danger(kind=kind, level=level), lead=lead, source=source)


async def take_up(turn: Turn, alarm: Alarm, *, signal: str, worse: bool) -> None:
    """A device raised an alarm: speak to its resident. Says nothing anew when the conversation is about it already."""
    frame = turn.dialogue.find(NAME)
    if frame is not None and frame.memory.get("alarm") == alarm.id and not worse:
        return
    await _clear_the_moment(turn)
    frame = frame or turn.open(NAME)
    if frame.memory.get("alarm") != alarm.id:
        frame.memory, frame.asked = {"begun": True, "alarm": alarm.id}, None
    first = plan().signals.get(signal)
    if first is not None and frame.asked is None:
        await ask(turn, frame, alarm, first)
        return
    first_words(turn, frame, alarm)
    name_place(turn, alarm)
    await ask_next(turn, frame, alarm)


async def take_back(turn: Turn, frame: Frame, alarm: Alarm) -> None:
    """The person's own words that it was nothing: no more questions; staff still call back (E8)."""
    await alarms.take_back(turn.work, alarm, spoken_words(turn))
    await timers.cancel(turn.work, key=silence_key(turn, alarm))
    turn.say("emergency_taken_back")
    end(turn, frame)


async def after_resolved(turn: Turn, engine: Engine) -> None:
    """Staff closed the alarm: the frame goes, and what it interrupted is offered back (C3)."""
    frame = turn.dialogue.find(NAME)
    if frame is None:
        return
    end(turn, frame)
    if turn.dialogue.active is frame:
        await engine.advance(turn)


def end(turn: Turn, frame: Frame) -> None:
    """Done with this frame. The engine drops it and offers back what waits, unless a person owns the conversation."""
    if turn.conversation.owner == "bot" and turn.dialogue.active is frame:
        frame.asked = None
        frame.memory["ended"] = True
    else:
        turn.dialogue.drop(frame)


async def begin(
    turn: Turn, frame: Frame, danger: Danger, *, lead: str | None = None, source: str | None = None
) -> None:
    """The alarm before anything is said (E2), then instructions, then the first question (E3)."""
    doubt = turn.dialogue.find(DOUBT)
    words = [doubt.memory.get("words", "")] if doubt is not None else []
    await _clear_the_moment(turn)
    alarm = await _raise(turn, danger, [*words, spoken_words(turn)], source)
    frame.memory["alarm"] = alarm.id
    if lead is not None:
        turn.say(lead)
    first_words(turn, frame, alarm)
    await take_volunteered(turn, frame, alarm)
    name_place(turn, alarm)
    await ask_next(turn, frame, alarm)


async def _clear_the_moment(turn: Turn) -> None:
    for name in _OF_THE_MOMENT:
        while (passing := turn.dialogue.find(name)) is not None:
            turn.dialogue.drop(passing)
    await timers.cancel(turn.work, key=doubt_key(turn))


async def _raise(turn: Turn, danger: Danger, words: list[str], source: str | None) -> Alarm:
    who = who_in(turn)
    facts: dict[str, Any] = {"evidence": list(danger.evidence)} | ({"who": who} if who else {})
    before = await open_alarm(turn)
    level = before.level if before is not None else None
    alarm, new = await alarms.raise_alarm(
        turn.work,
        kind=danger.kind,
        level=danger.level,
        source=source or (turn.incoming.channel if turn.incoming else "bot"),
        text="\n".join(part for part in words if part),
        resident_id=turn.conversation.resident_id,
        conversation_id=turn.conversation.id,
        place=None if before is not None and before.place else turn.home,
        facts=facts,
    )
    if alarm.conversation_id is None:  # a device had raised it before this person ever wrote
        alarm.conversation_id = turn.conversation.id
    if (place := place_in(turn)) is not None:
        await alarms.join(turn.work, alarm, place=place)
    if new:
        await ladder.begin(turn.work, ladder.telling(turn.world), alarm)
    elif level is not None and alarm.level < level:
        await ladder.announce(turn.work, ladder.telling(turn.world), alarm)
    return alarm


async def join(turn: Turn, alarm: Alarm, danger: Danger | None, asked: str | None) -> bool:
    """Every message belongs to the open alarm. Returns whether its level rose."""
    who = who_in(turn, asked) if "who" not in alarm.facts else None
    location = dict(turn.incoming.data) if turn.incoming and turn.incoming.kind == "location" else None
    facts: dict[str, Any] = ({"who": who} if who else {}) | ({"location": location} if location else {})
    named = plan().kind(spoken_words(turn)) if asked == "what" else None
    return await alarms.join(
        turn.work,
        alarm,
        kind=danger.kind if danger is not None else named or "unknown",
        level=danger.level if danger is not None else None,
        text=spoken_words(turn) or None,
        place=place_in(turn),
        facts=facts or None,
    )


async def open_alarm(turn: Turn) -> Alarm | None:
    return await alarms.open_of(
        turn.work, resident_id=turn.conversation.resident_id, conversation_id=turn.conversation.id
    )


def doubt_key(turn: Turn) -> str:
    return f"doubt:{turn.conversation.id}"
