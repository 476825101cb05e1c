"""What one message says in an emergency: danger, a place, who it is about, a plain no, or plainly something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flows.emergency_plan import plan
from flows.turn import Turn

_SERVED = 0.7
"""From this confidence another wish is served while an alarm is open, as in the engine."""
_WISHES = frozenset(
    {
        *("book_service", "report_repair", "check_status", "change_request", "call_contact", "pause_checkin"),
        *("set_reminder", "list_reminders", "cancel_reminder", "complain", "suggest", "volunteer"),
    }
)
_OF_THE_VOICE = frozenset({"repeat", "slower", "louder"})
_ONCE_ASKED = frozenset({"ask_info", "cancel_request"})
"""Served only when no question is open: 「怎么办」 in the middle of an alarm is about the alarm."""
_PART_OF_IT = {"fire", "gas", "water", "trapped"}
"""Kinds in which something broken is the emergency itself."""
_YES_LIKE = ("affirm", "emergency", "feel_unwell", "ask_human")
_HINT, _FAINT, _LONG = 0.3, 0.1, 6
_NO_INTENTS = ("deny", "emergency_cancel", "feel_fine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Danger:
    """What is wrong, as far as the message tells."""

    kind: str  # one of EMERGENCY_KINDS
    level: int  # 1–3
    evidence: tuple[str, ...] = ()  # what spoke for it


def danger_in(turn: Turn) -> Danger | None:
    """The button, or a message judged level 1–3."""
    incoming, command = turn.incoming, turn.command
    if (incoming is not None and incoming.kind == "sos") or (command is not None and command.name == "sos"):
        return Danger(kind="unknown", level=1, evidence=("sos",))
    judged = turn.understanding.emergency if turn.understanding else None
    if judged is None or judged.level > 3:
        return None
    return Danger(kind=judged.kind, level=judged.level, evidence=judged.evidence)


def answered_danger(turn: Turn, asked: str | None) -> Danger | None:
    """The danger in a message while a question of an alarm is open.

    A judgement that rests first on single words heard because of the question gives way to a plain answer to it.
    """
    danger = danger_in(turn)
    if danger is None or asked is None or not danger.evidence:
        return danger
    by_context = danger.evidence[0].split(":", 1)[0] in plan().by_context
    if not by_context:
        return danger
    if asked == "what":
        # Single words tell that it is grave; which kind it is, the words for kinds tell better.
        return replace(danger, kind=plan().kind(spoken_words(turn)) or danger.kind)
    return None if plan().answer(asked, spoken_words(turn)) in ("yes", "no") else danger


def spoken_words(turn: Turn) -> str:
    """What the person wrote or said; nothing for a button or a silence."""
    if turn.command is not None or turn.incoming is None or turn.incoming.kind == "silence":
        return ""
    return turn.text


def place_in(turn: Turn) -> dict[str, Any] | None:
    """The place the message names, as an alarm keeps it: {building, unit, room, name}. The last one named counts."""
    if turn.understanding is None:
        return None
    found: dict[str, Any] | None = None
    for entity in turn.understanding.all("place"):
        value: Mapping[str, Any] = entity.value if isinstance(entity.value, Mapping) else {}
        name = value.get("place")
        if name == "home":
            found = turn.home or found
            continue
        if isinstance(name, str) and name in turn.world.places:
            name = turn.world.places[name].name.of(turn.language)
        detail = "".join(str(entity.extra[part]) for part in ("area", "spot") if entity.extra.get(part))
        found = {
            "building": value.get("building"),
            "unit": value.get("unit"),
            "room": value.get("room"),
            "name": f"{name or ''}{detail}" or None,
        }
    return found if found and any(found.values()) else None


def who_in(turn: Turn, asked: str | None = None) -> str | None:
    """Whether the speaker or somebody else is in need; None when the words do not tell, or tell of something else."""
    if not spoken_words(turn) or (danger_in(turn) is None and asked != "what"):
        return None
    return plan().who(spoken_words(turn))


def takes_back(turn: Turn) -> bool:
    """「没事了,按错了」 (E8)."""
    if turn.intent("emergency_cancel"):
        return True
    suspected = turn.understanding is not None and turn.understanding.emergency is not None
    return not suspected and plan().clear_back.search(spoken_words(turn).lower()) is not None


def others_wish(turn: Turn, kind: str, asked: str | None) -> bool:
    """Whether the message is clearly another wish that is to be served while the alarm stays open."""
    if turn.intent(*_OF_THE_VOICE, "ask_human"):
        return True
    if turn.command is not None:
        name, sure = turn.command.name, True
    elif turn.understanding is not None and turn.understanding.emergency is None:
        top = turn.understanding.intent
        name, sure = top.name, top.confidence >= _SERVED
    else:
        return False
    if name == "report_repair" and kind in _PART_OF_IT and turn.command is None:
        return False
    if asked in ("where", "where_detail") and turn.command is None and place_in(turn) is not None:
        return False  # 「501室，门没锁」 sounds like a repair, and is where help must go
    return sure and (name in _WISHES or (name in _ONCE_ASKED and asked == "standing_by"))


def plain_no(turn: Turn) -> bool:
    """A clear no to "do you need help now?": a pressed no, or a no without any hint of danger in it."""
    if turn.command is not None:
        return turn.command.name in _NO_INTENTS
    if turn.understanding is None or turn.understanding.emergency is not None:
        return False
    return turn.intent(*_NO_INTENTS) or plan().clear_no.match(turn.text.lower()) is not None


def plainly_else(turn: Turn) -> bool:
    """Whether the answer is about something else: neither a yes, nor a hint of distress, nor too garbled to tell."""
    if turn.command is not None:
        return turn.command.name not in (*_YES_LIKE, "sos")
    understood = turn.understanding
    if understood is None:
        return turn.incoming is not None and turn.incoming.kind in ("image", "sticker", "contact")
    if understood.emergency is not None:
        return False
    hint = sum(understood.confidence_in(name) for name in _YES_LIKE)
    if hint >= _HINT:
        return False
    if understood.intent.confidence >= turn.world.figures.sure:
        return True
    return hint < _FAINT and len(turn.text) >= _LONG
