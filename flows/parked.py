"""What was begun and waits: offered back, listed when it is several, given up aloud, forgotten after a day (C3, C10)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flows.declared import Flow
from flows.state import Frame
from flows.turn import Turn

MOST = 4
"""Wishes that wait at once; more than that nobody keeps in mind."""
_KEEPS_BURNING = "emergency"  # an alarm never expires by itself


def waiting(flows: Mapping[str, Flow], turn: Turn) -> list[Frame]:
    """What was begun and is worth going on with, the newest first."""
    return [frame for frame in reversed(turn.dialogue.stack) if flows[frame.flow].parks]


def make_room(flows: Mapping[str, Flow], turn: Turn) -> None:
    """A new wish: a question about going on is over, and of many that wait the oldest is given up, aloud (C3)."""
    top = turn.dialogue.active
    if top is not None and flows[top.flow].light:
        turn.dialogue.drop(top)
    for oldest in waiting(flows, turn)[MOST - 1 :]:
        turn.dialogue.drop(oldest)
        turn.say("parked_given_up", what=flows[oldest.flow].title(turn, oldest))


def park(flows: Mapping[str, Flow], turn: Turn) -> None:
    """Nobody answers: whatever is worth it waits for a day, and is offered back with the next message (C10)."""
    for frame in list(turn.dialogue.stack):
        if flows[frame.flow].light:
            turn.dialogue.drop(frame)
        elif flows[frame.flow].parks and frame.asked is not None and not frame.parked:
            frame.parked = turn.work.now.isoformat()


def expire(flows: Mapping[str, Flow], turn: Turn) -> None:
    """Frames that waited longer than a day are dropped: old answers are never used again. So are those of flows
    that this version of the product does not have."""
    oldest = turn.work.now - turn.world.figures.parked
    turn.dialogue.stack = [
        frame
        for frame in turn.dialogue.stack
        if frame.flow in flows and (frame.flow == _KEEPS_BURNING or not _before(frame, oldest))
    ]


async def take_up(flows: Mapping[str, Flow], turn: Turn, frame: Frame) -> bool:
    """Bring a frame to the top again. True: some of what it knew no longer holds, is forgotten, and asked anew."""
    turn.dialogue.drop(frame)
    turn.dialogue.stack.append(frame)
    flow = flows[frame.flow]
    stale = [name for name in await flow.stale(turn, frame) if frame.slots.get(name) is not None]
    frame.tries, frame.touched, frame.parked = 0, turn.work.now.isoformat(), ""
    if not stale:
        return False
    for slot in flow.slots:
        if slot.name in stale:
            for name in (slot.name, *slot.resets):
                frame.slots.pop(name, None)
    frame.memory.pop("confirmed", None)
    frame.asked = None
    turn.say("resume_anew")
    return True


def _before(frame: Frame, moment: datetime) -> bool:
    stamps = [datetime.fromisoformat(stamp) for stamp in (frame.touched, frame.parked) if stamp]
    return bool(stamps) and max(stamps) < moment
