"""What comes without words: empty, a picture, a place, a recording, a sticker; each has an answer (C16)."""

from __future__ import annotations

from collections.abc import Mapping

from flows.asking import Asking
from flows.declared import Flow
from flows.turn import Turn

_ALARMS = ("emergency", "emergency_doubt")
_KNOWN = ("image", "location", "voice", "contact", "sticker")
_EMPTY = ("text", "button", "edited")


def answered(turn: Turn, flows: Mapping[str, Flow], asking: Asking) -> bool:
    """Answer a message without words, unless the open question wants it. Says beforehand what was cut or edited."""
    incoming = turn.incoming
    if incoming is None or incoming.kind in ("sos", "silence") or turn.command is not None:
        return False
    if incoming.data.get("cut_from") and turn.understanding and not turn.understanding.emergency:
        turn.say("too_long")
        return False
    frame = turn.dialogue.active
    if frame is not None and frame.flow in _ALARMS:
        return False  # after an alarm a silence, a place on the map and a picture are answers, too (E3)
    slot = asking.open_slot(flows[frame.flow], frame) if frame is not None else None
    wanted = slot is not None and slot.entity in ("picture", "place") and bool(incoming.data)
    if frame is not None and incoming.kind in ("image", "location"):
        wanted = wanted or flows[frame.flow].pictures
    if turn.text or wanted:
        return False
    if incoming.kind in _EMPTY:
        turn.say("empty")
    elif frame is not None and frame.asked is not None and incoming.kind != "voice":
        turn.say("received")  # what it is for is no question while another is open
    else:
        turn.say(f"got_{incoming.kind if incoming.kind in _KNOWN else 'other'}")
    return True


def asks_itself(turn: Turn) -> bool:
    """Whether the answer to it was a request to say it again; the open question then waits for that."""
    return turn.incoming is None or turn.incoming.kind in (*_EMPTY, "voice")
