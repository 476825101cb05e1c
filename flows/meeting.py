"""The first meeting: who somebody is, where they live, and whether we may keep that (F13, P4).

The engine puts it on top of the flow a stranger has begun; when it is done the stranger's first words are taken up
again, so that nothing has to be said twice. Emergencies never wait for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import select

from data import conversations, residents
from data.models import Home, Resident
from flows.asking import Asking
from flows.declared import Ask, Filled, Flow, Given, Slot, Verdict
from flows.places import judge_place
from flows.state import Frame
from flows.turn import Turn
from nlu.understanding import Entity, Understanding

_NEEDED = ("building", "unit", "room")
_LONGEST_NAME = 20  # characters
_CONTROL = (
    *("deny", "stop", "skip", "affirm", "repeat", "slower", "louder", "help", "greet", "thank", "goodbye"),
    *("ask_human", "ask_info", "book_service", "report_repair", "check_status", "change_request"),
    *("cancel_request", "complain", "list_reminders"),
)
"""What a short message may be instead of a name."""

_ABOUT = ("fault", "service", "time", "request_no", "score")
"""Entities that show that a message is about something else than who and where."""

_CUE = re.compile(
    r"(?:我的?名字(?:叫|是)|名字(?:叫|是)?|我叫|叫我|就叫|免贵姓|我姓|姓|我是|本人|my name is|my name's|i am|i'm|this is|call me)\s*"
    r"([\u4e00-\u9fff·]{1,6}|[A-Za-z][A-Za-z'.-]*(?: [A-Za-z][A-Za-z'.-]*){0,3})",
    re.IGNORECASE,
)
_PLAIN_CUE = re.compile(
    r"\b(?:my name is|my name's)\s+([A-Za-z][A-Za-z'.-]*(?: [A-Z][A-Za-z'.-]*){0,3})", re.IGNORECASE
)
_BARE = re.compile(r"[\u4e00-\u9fff·]{1,5}|[A-Za-z][A-Za-z'.-]*(?: [A-Za-z][A-Za-z'.-]*){0,3}")
_TAIL = re.compile(r"(?:就行了?|就好了?|好了|[吧呀啊呢哈嘛])+$")
_WRONG = re.compile(r"不对|错|不是这|wrong|not right|incorrect", re.IGNORECASE)
_EDGES = " \t,.!?;:，。！？；：、~～"


class Meeting(Flow):
    """F13."""

    name = "meeting"
    parks = False

    def __init__(self) -> None:
        self.slots = (
            Slot(name="name", ask="meeting_ask_name", entity="person", judge=judge_name),
            Slot(name="place", ask="meeting_ask_place", entity="place", judge=judge_home),
            # Taken when it is said, never asked for.
            Slot(name="phone", ask="meeting_ask_name", entity="phone", judge=_judge_phone, when=_never),
            Slot(name="consent", ask="meeting_ask_consent", judge=_judge_consent),
        )

    async def begin(self, turn: Turn, frame: Frame) -> None:
        if turn.understanding is not None and turn.understanding.language == "en":
            turn.conversation.language = "en"
        _take_over(turn, frame)
        waiting = _waiting(turn, frame)
        if waiting is not None:
            waiting.memory["first_words"] = _kept(turn)

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        return _facts(turn, frame, spoken=False)

    async def spoken_facts(self, turn: Turn, frame: Frame) -> dict[str, Any] | None:
        return _facts(turn, frame, spoken=True)

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        """A plain answer is taken before anybody wonders what else it might mean: to the intent engine a bare name
        or address looks like anything."""
        if frame.asked == "consent":
            return await self._hear_consent(turn, frame)
        if turn.command is not None or turn.understanding is None or _about_something_else(turn):
            return False
        name = _said_name(turn) if frame.asked == "name" else None
        if name is None and turn.understanding.first("place") is None:
            return False
        return await Asking().take_answer(turn, frame, self)

    async def _hear_consent(self, turn: Turn, frame: Frame) -> bool:
        if turn.command is not None and turn.command.name == "change":
            frame.slots.pop(str(turn.command.values.get("slot")), None)
            frame.asked = None
            return True
        place = turn.understanding.first("place") if turn.understanding else None
        name = _told_name(turn)
        if place is not None or name is not None:
            if name is not None:
                frame.slots["name"] = name
            corrected = place is not None and await Asking().take_answer(turn, frame, self)
            if not corrected:
                frame.asked = None  # read back anew, with the change
            return True
        if turn.intent("affirm"):
            frame.slots["consent"] = residents.CONSENT_VERSION
            frame.asked = None
            return True
        if not turn.intent("deny", "stop"):
            return False
        if turn.command is None and _WRONG.search(turn.text):
            turn.say(
                "meeting_what_is_wrong",
                buttons=[
                    turn.button("meeting_change_name", "change", slot="name"),
                    turn.button("meeting_change_place", "change", slot="place"),
                    turn.button("button_leave", "stop"),
                ],
            )
            return True
        turn.dialogue.drop(frame)
        await self.cancelled(turn, frame)
        return True

    async def run(self, turn: Turn, frame: Frame) -> bool:
        waiting = _waiting(turn, frame)
        resident = await _register(turn, frame)
        turn.say("meeting_done", name=resident.name)
        if waiting is not None and (kept := waiting.memory.pop("first_words", None)):
            _restore(turn, kept)
        return True

    async def cancelled(self, turn: Turn, frame: Frame) -> None:
        """Nothing is kept; what waited for it cannot go on."""
        _give_up_waiting(turn)
        turn.say("meeting_cancelled")


class ConsentAgain(Flow):
    """The consent text has changed since somebody agreed to it, or they took it back: asked anew before the next wish."""

    name = "consent_again"
    parks = False

    def __init__(self) -> None:
        self.slots = (Slot(name="consent", ask="consent_again_ask", judge=_judge_consent),)

    async def begin(self, turn: Turn, frame: Frame) -> None:
        waiting = _waiting(turn, frame)
        if waiting is not None:
            waiting.memory["first_words"] = _kept(turn)

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        if turn.intent("affirm"):
            frame.slots["consent"] = residents.CONSENT_VERSION
            frame.asked = None
            return True
        if turn.intent("deny", "stop"):
            turn.dialogue.drop(frame)
            await self.cancelled(turn, frame)
            return True
        return False

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        return {"community": turn.work.community.name}

    async def run(self, turn: Turn, frame: Frame) -> bool:
        assert turn.resident is not None  # only who is known is asked again
        waiting = _waiting(turn, frame)
        version = frame.slots["consent"]
        await residents.consent(turn.work, turn.resident, purpose=residents.SERVICE, version=version)
        turn.work.audit("consent.again", f"resident:{turn.resident.id}", version=version)
        turn.say("consent_again_done")
        if waiting is not None and (kept := waiting.memory.pop("first_words", None)):
            _restore(turn, kept)
        return True

    async def cancelled(self, turn: Turn, frame: Frame) -> None:
        """What waited for it cannot go on; what was kept stays until they say otherwise."""
        _give_up_waiting(turn)
        turn.say("consent_again_cancelled")


# What waits for it


def _take_over(turn: Turn, frame: Frame) -> None:
    """Somebody who changed their mind before this was finished is not asked for their name again."""
    for other in list(turn.dialogue.stack):
        if other is not frame and other.flow == frame.flow:
            frame.slots.update({name: value for name, value in other.slots.items() if name != "consent"})
            turn.dialogue.drop(other)


def _waiting(turn: Turn, frame: Frame) -> Frame | None:
    """The flow that was begun by a stranger and has not asked anything yet."""
    below = [other for other in turn.dialogue.stack if other is not frame]
    return below[-1] if below and not below[-1].memory.get("begun") else None


def _give_up_waiting(turn: Turn) -> None:
    turn.dialogue.stack = [
        other
        for other in turn.dialogue.stack
        if other.memory.get("begun") or "first_words" not in other.memory
    ]


def _kept(turn: Turn) -> dict[str, Any]:
    """The message with which somebody began, to be taken up again."""
    entities = turn.understanding.entities if turn.understanding else ()
    return {"text": turn.text, "entities": [asdict(entity) for entity in entities]}


def _restore(turn: Turn, kept: Mapping[str, Any]) -> None:
    """The first words are what the waiting flow hears, instead of the last "yes"."""
    if turn.incoming is not None:
        turn.incoming = replace(turn.incoming, text=kept["text"])
    turn.command = None
    if turn.understanding is None:
        return
    turn.understanding = Understanding(
        text=kept["text"],
        intent=turn.understanding.intent,
        ranking=turn.understanding.ranking,
        entities=tuple(Entity(**entity) for entity in kept["entities"]),
        language=turn.understanding.language,
    )


# Slots


async def judge_name(turn: Turn, frame: Frame, given: Given) -> Verdict:
    """What somebody wants to be called; asked twice, whatever they say."""
    name = _said_name(turn) if given.asked else _told_name(turn)
    if name is None and given.asked and frame.tries and not _control(turn):
        name = given.text.strip(_EDGES)  # asked twice: whatever they want to be called
    return Filled(value=name[:_LONGEST_NAME]) if name else None


async def judge_home(turn: Turn, frame: Frame, given: Given) -> Verdict:
    """A flat of this community, put together over several turns."""
    value = given.entity.value if given.entity else {}
    if not given.asked and (
        value.get("place") or ("name" not in frame.slots and not all(value.get(part) for part in _NEEDED))
    ):
        return None  # where something is broken, not where they live
    verdict = await judge_place(turn, frame, given, need=_NEEDED, reply="meeting_which_part")
    if not isinstance(verdict, Filled):
        return verdict
    if verdict.value.get("name"):
        return Ask(reply="meeting_which_part_all")
    if not _exists(turn, verdict.value):
        return Ask(
            reply="meeting_no_such_home",
            facts={"place": turn.wording.place(verdict.value), **_homes(turn)},
        )
    return verdict


async def _judge_phone(turn: Turn, frame: Frame, given: Given) -> Verdict:
    return Filled(value=given.entity.value) if given.entity else None


async def _judge_consent(turn: Turn, frame: Frame, given: Given) -> Verdict:
    return None  # `hear` takes it


def _never(turn: Turn, frame: Frame) -> bool:
    return False


# Names


def _told_name(turn: Turn) -> str | None:
    """The name in a message that says it is one, asked for or not: 我叫王秀英, my name is Mary."""
    if turn.understanding is None:
        return None
    named = _named(turn.understanding)
    own = [entity for entity in named if entity.extra.get("self")]
    cue = _CUE.search(turn.text)
    cued = [entity for entity in named if cue is not None and entity.start == cue.start(1)]
    if own or cued:
        return max([*own, *cued], key=lambda entity: len(entity.text)).text
    plain = _PLAIN_CUE.search(turn.text)
    return plain[1] if plain is not None else None


def _said_name(turn: Turn) -> str | None:
    """The name in an answer to "what is your name?": also bare, or with its surname alone."""
    if turn.understanding is None:
        return None
    named = _named(turn.understanding)
    if named:
        return max(named, key=lambda entity: len(entity.text)).text
    words = _without_places(turn.understanding).strip(_EDGES)
    cue = _CUE.match(words)
    words = _TAIL.sub("", cue[1] if cue is not None else words)
    return words if _BARE.fullmatch(words) and not _control(turn) else None


def _named(understanding: Understanding) -> list[Entity]:
    """Those who are named in a message; 我女儿 is no name."""
    return [entity for entity in understanding.all("person") if entity.extra.get("name")]


def _without_places(understanding: Understanding) -> str:
    """What is left of a message when the address and the phone are taken out."""
    text = understanding.text
    for entity in reversed(understanding.entities):
        if entity.entity in ("place", "phone"):
            text = text[: entity.start] + text[entity.end :]
    return re.sub(r"[，,、\s]*(?:住在?|家在|在)\s*$", "", text)


def _control(turn: Turn) -> bool:
    return turn.intent(*_CONTROL)


def _about_something_else(turn: Turn) -> bool:
    """A wish of another kind, that names what it is about."""
    if turn.understanding is None:
        return False
    return any(turn.understanding.first(name) is not None for name in _ABOUT) or turn.intent(
        "deny", "stop", "skip"
    )


# Homes


def _homes(turn: Turn) -> dict[str, Any]:
    """How the community is built: {buildings, units, floors, doors}; empty where nobody wrote it down."""
    return dict(turn.work.community.settings.get("homes") or {})


def _exists(turn: Turn, place: Mapping[str, Any]) -> bool:
    """Whether there is such a flat: building, unit, and a room of floor and two-digit door."""
    built = _homes(turn)
    if not built:
        return True
    building, unit, room = (str(place.get(part) or "") for part in _NEEDED)
    if not all(part.isascii() and part.isdigit() for part in (building, unit, room)):
        return False
    floor, door = divmod(int(room), 100)
    return all(
        1 <= number <= int(built[part])
        for number, part in (
            (int(building), "buildings"),
            (int(unit), "units"),
            (floor, "floors"),
            (door, "doors"),
        )
        if part in built
    )


def _facts(turn: Turn, frame: Frame, *, spoken: bool) -> dict[str, Any]:
    place = frame.slots.get("place")
    wording = turn.wording
    return {
        "community": turn.work.community.name,
        "name": frame.slots.get("name") or "",
        "place": (wording.place_spoken(place) if spoken else wording.place(place)) if place else "",
    }


# Writing it down


async def _register(turn: Turn, frame: Frame) -> Resident:
    """A new resident at that home, tied to this conversation; somebody alike there is for staff to look at."""
    work, place = turn.work, frame.slots["place"]
    home = await residents.home_at(work, building=place["building"], unit=place["unit"], room=place["room"])
    alike = await _alike(turn, home, frame.slots["name"], frame.slots.get("phone"))
    resident = await residents.register(
        work,
        name=frame.slots["name"],
        home=home,
        language=turn.language,
        phone=frame.slots.get("phone"),
    )
    resident.preferences = dict(turn.dialogue.preferences)
    await residents.consent(work, resident, purpose=residents.SERVICE, version=frame.slots["consent"])
    turn.conversation.resident_id = resident.id
    await work.session.flush()
    turn.conversation = await conversations.lock(work, turn.conversation.id)
    work.audit("resident.register", f"resident:{resident.id}", by="first_meeting")
    await work.emit("resident", f"resident:{resident.id}", what="registered")
    if alike:
        # Nobody is made one with another on their word alone: staff look at both.
        work.audit("resident.alike", f"resident:{resident.id}", others=alike)
        await work.emit("resident", f"resident:{resident.id}", what="alike", others=alike)
    return resident


async def _alike(turn: Turn, home: Home, name: str, phone: str | None) -> list[int]:
    """Ids of those written down at that home under the same name or phone."""
    there = await turn.work.session.scalars(
        select(Resident).where(Resident.home_id == home.id, Resident.erased_at.is_(None))
    )
    return [one.id for one in there.all() if one.name == name or (phone is not None and one.phone == phone)]


FLOWS: tuple[Flow, ...] = (Meeting(), ConsentAgain())
