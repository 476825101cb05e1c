"""Nobody answers: a chat is reminded once and the wish then waits for a day; a voice is asked again, then whether all
is well, and then it is taken for what it may be (C10, E4).

One durable timer for each conversation with an open question, moved by every message. It is only ever written with
the conversation locked, and its handler holds the conversation before the timer (`data.work`): an answer that comes
at the same moment either moved the timer before it could fire, or is heard after it; two workers never both remind.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from data import timers
from flows import parked
from flows.due import Due, Handler
from flows.patterns import AllRight
from flows.state import Frame
from flows.turn import Turn

if TYPE_CHECKING:
    from flows.engine import Engine

TIMER = "question.silence"
_ALARMS = ("emergency", "emergency_doubt")  # they see to silence themselves, more urgently
_SPOKEN = 3.25  # characters a second, as long as a person has not asked for slower
_LATE = timedelta(
    minutes=30
)  # after an outage: whoever spoke to us then is not waiting for the next word now


async def watch(engine: Engine, turn: Turn) -> None:
    """See to it that the question that is open now is not forgotten; a conversation without one needs no timer."""
    if _open(engine, turn) is None:
        if turn.dialogue.watched:
            await timers.cancel(turn.work, key=_key(turn))
            turn.dialogue.watched = ""
        return
    if turn.incoming is not None:
        turn.dialogue.watched = "voice" if turn.spoken else "chat"
    await _set(turn)


async def event(engine: Engine, turn: Turn) -> None:
    """A terminal noticed that nobody answers; flows with a clockwork of their own hear it themselves."""
    frame = turn.dialogue.active
    if frame is None or (turn.conversation.owner != "bot" and frame.flow not in _ALARMS):
        return
    if frame.memory.get("unknown"):
        return  # the doubt's own clock leaves it to an officer
    if frame.flow in _ALARMS or engine.flows[frame.flow].own_silence:
        await engine.hear(turn)
    elif frame.asked is not None:
        await _unanswered(engine, turn, spoken=True)
    await watch(engine, turn)


async def on_silence(due: Due) -> None:
    """The question has been open for long, and nothing came."""
    turn, engine = due.turn, due.engine
    if turn is None:
        return
    spoken = turn.dialogue.watched == "voice"
    turn.dialogue.watched = ""
    parked.expire(engine.flows, turn)
    if _open(engine, turn) is None:
        return
    if due.late > _LATE:
        parked.park(engine.flows, turn)
        return
    more = await _unanswered(engine, turn, spoken=spoken)
    if more and _open(engine, turn) is not None:
        turn.dialogue.watched = "voice" if spoken else "chat"
        await _set(turn)


async def _unanswered(engine: Engine, turn: Turn, *, spoken: bool) -> bool:
    """The next step of the ladder; whether there is one after it."""
    turn.dialogue.silences += 1
    if spoken:
        await _by_voice(engine, turn)
        return True
    if turn.dialogue.silences > 1:
        parked.park(engine.flows, turn)
        return False
    frame = turn.dialogue.active
    if frame is not None and engine.flows[frame.flow].parks:
        turn.say("silence_reminder", what=engine.flows[frame.flow].title(turn, frame))
    else:
        turn.say("silence_reminder_short")
    await engine.ask_again(turn)
    return True


async def _by_voice(engine: Engine, turn: Turn) -> None:
    if turn.dialogue.silences == 1:
        turn.say("silence_again")
        await engine.ask_again(turn)
    elif turn.dialogue.find(AllRight.name) is None:
        turn.open(AllRight.name)
        await engine.advance(turn)
    else:
        await _may_need_help(engine, turn)


async def _may_need_help(engine: Engine, turn: Turn) -> None:
    """As E4: "do you need help now?", and silence to that raises an alarm where we know whose home is silent; of
    somebody unknown, who may simply have walked away from a terminal, an officer hears."""
    passing = turn.dialogue.find(AllRight.name)
    if passing is not None:
        turn.dialogue.drop(passing)
    frame = turn.open("emergency_doubt")
    await engine.advance(turn)
    frame.memory["heard"] = turn.resident is not None
    frame.memory["unknown"] = turn.resident is None


def _open(engine: Engine, turn: Turn) -> Frame | None:
    """The frame whose question waits for an answer that nobody else watches for."""
    frame = turn.dialogue.active
    if frame is None or frame.asked is None or frame.parked or turn.conversation.owner != "bot":
        return None
    if frame.flow in _ALARMS or engine.flows[frame.flow].own_silence:
        return None
    return frame


async def _set(turn: Turn) -> None:
    figures = turn.world.figures
    wait = figures.silence
    if turn.dialogue.watched == "voice":
        wait = figures.voice_silence + _length(turn)
    await timers.schedule(
        turn.work,
        key=_key(turn),
        kind=TIMER,
        subject=f"conversation:{turn.conversation.id}",
        due_at=turn.work.now + wait,
        payload={"conversation": turn.conversation.id},
    )


def _length(turn: Turn) -> timedelta:
    """How long it takes to say what was said: silence counts from its end."""
    kept = turn.resident.preferences if turn.resident else turn.dialogue.preferences
    characters = sum(len(said.speech or said.text) for said in turn.said)
    return timedelta(seconds=round(characters / float(kept.get("speech_rate", _SPOKEN))))


def _key(turn: Turn) -> str:
    return f"silence:{turn.conversation.id}"


TIMERS: Mapping[str, Handler] = {TIMER: on_silence}
"""Timer kind → its handler."""
