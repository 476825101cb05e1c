"""Complaints and suggestions: heard out, written down with a promise, answered in the conversation (F9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from data import requests, roster
from data.models import Request
from flows.asking import Asking
from flows.complaint_words import (
    SOMEBODY,
    adds,
    is_angry,
    is_violent,
    says_unheard,
    says_what,
    staff_meant,
    topic_of,
)
from flows.declared import Filled, Flow, Given, Slot, Verdict
from flows.lead import lead_for, tell_lead
from flows.messages import Button
from flows.places import FIELDS, as_place
from flows.promises import promised
from flows.reopen import only_displeased
from flows.repair_place import in_own_words, in_words
from flows.replies import payload
from flows.state import CONFIRM, Done, Frame
from flows.turn import Turn

_LONGEST = 1000  # characters of the resident's words that are kept
_SHOWN = {"zh": 60, "en": 140}  # of them in the read-back
_MOST_PICTURES = 5
_SURE_OF_ANOTHER = 0.7  # as in the engine
_PUTS_RIGHT = ("deny", "change_request", "affirm", "complain", "suggest")
_BESIDE_A_PLACE = 4  # characters: 是…, 在…吧, 不是…是…
_CONTROL = (
    *("affirm", "deny", "stop", "skip", "repeat", "slower", "louder", "help", "ask_human", "greet"),
    *("thank", "goodbye", "cancel_request", "emergency", "emergency_cancel"),
)
"""What words that are told to somebody who asked "what is it" may be instead."""


class _Letter(Flow):
    """What both have in common: what, where if it matters, pictures, read back, a number and a promise."""

    confirms = True
    open_to_strangers = False
    pictures = True
    done: str  # reply: number, and by when it is answered (C13)

    def __init__(self, *, what: str, place: str) -> None:
        """`what`, `place`: the replies that ask."""
        self.slots = (
            Slot(name="what", ask=what, judge=_judge_what, free=True),
            Slot(
                name="place",
                ask=place,
                entity="place",
                judge=_judge_place,
                choices=_places,
                optional=True,
                when=_place_matters,
            ),
        )

    async def begin(self, turn: Turn, frame: Frame) -> None:
        _keep_picture(turn, frame)
        if frame.slots.get("what"):
            await self._told(turn, frame, str(frame.slots["what"]))
        elif turn.command is None and says_what(turn.text) and not only_displeased(turn.text):
            await self._told(turn, frame, turn.text)

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        """What is told now belongs to it, whatever it sounds like; pictures are kept."""
        picture = _keep_picture(turn, frame)
        if picture and not turn.text:
            turn.say("complaint_picture")
            await Asking().ask_again(turn, frame, self, short=True)
            return True
        if turn.command is not None or turn.understanding is None or turn.intent(*_CONTROL):
            return False
        if frame.asked == "what":
            return await self._hear_what(turn, frame)
        if frame.asked == CONFIRM and self._goes_on(turn):
            await self._told(turn, frame, turn.text)
            frame.asked = None  # read back anew, with what they added
            return True
        # A place alone looks like anything to the intent engine.
        if frame.asked in ("place", CONFIRM) and _names_little_but_a_place(turn):
            return await Asking().take_answer(turn, frame, self)
        return False

    def _goes_on(self, turn: Turn) -> bool:
        """Whether they tell more of the same after it was read back."""
        if _names_little_but_a_place(turn):
            return False
        return adds(turn.text) or (turn.intent(*self.intents) and says_what(turn.text))

    async def _hear_what(self, turn: Turn, frame: Frame) -> bool:
        if not says_what(turn.text):
            return False
        await self._told(turn, frame, turn.text)
        frame.asked = None
        named = turn.understanding.first("place") if turn.understanding else None
        if named is not None and (place := _place_of(turn, named.value)) is not None:
            frame.slots["place"] = place
        return True

    async def _told(self, turn: Turn, frame: Frame, text: str) -> None:
        """Words that belong to it."""
        _keep_words(turn, frame, text)

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        return _facts(turn, frame, spoken=False)

    async def spoken_facts(self, turn: Turn, frame: Frame) -> dict[str, Any] | None:
        return _facts(turn, frame, spoken=True)

    async def run(self, turn: Turn, frame: Frame) -> bool:
        made = await self._open_case(turn, frame)
        turn.say(
            self.done,
            number=made.number,
            by=promised(turn, made.urgency, "first_answer", kind=made.kind),
            spoken={"number": turn.wording.number_spoken(made.number)},
        )
        turn.dialogue.done = Done(
            flow=self.name,
            subject=f"request:{made.id}",
            title=self.title(turn, frame),
            at=turn.work.now.isoformat(),
        )
        return True

    async def _open_case(self, turn: Turn, frame: Frame, **fields: Any) -> Request:
        return await requests.open_case(
            turn.work,
            kind=self.name,
            resident_id=turn.resident.id if turn.resident else None,
            conversation_id=turn.conversation.id,
            place=frame.slots.get("place"),
            text="\n".join(frame.memory["told"])[:_LONGEST],
            details=_details(frame),
            **fields,
        )


class Complaint(_Letter):
    """ "They make noise every night", "your man was rude"."""

    name = "complaint"
    intents = ("complain",)
    done = "complaint_done"

    def __init__(self) -> None:
        super().__init__(what="complaint_ask_what", place="complaint_ask_place")

    async def begin(self, turn: Turn, frame: Frame) -> None:
        if await self._was_told_before(turn, frame):
            return
        await super().begin(turn, frame)
        if turn.command is None and is_angry(turn.text):
            turn.say("complaint_sorry")  # heard first, before anything is asked
        if turn.command is None and is_violent(turn.text):
            turn.open("emergency_doubt")  # written down afterwards, when nobody is in danger

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        heard = await super().hear(turn, frame)
        if heard and turn.command is None and is_violent(turn.text) and not frame.memory.get("doubted"):
            frame.memory["doubted"] = True
            turn.open("emergency_doubt")
        return heard

    async def run(self, turn: Turn, frame: Frame) -> bool:
        done = await super().run(turn, frame)
        if frame.memory.get("to_lead"):
            turn.say("complaint_to_lead")
        return done

    async def _was_told_before(self, turn: Turn, frame: Frame) -> bool:
        """ "Nobody came", with something open: how that stands, and not the same once more."""
        if turn.command is not None or frame.slots or not says_unheard(turn.text):
            return False
        found = await requests.of_person(
            turn.work,
            resident_id=turn.resident.id if turn.resident else None,
            conversation_id=turn.conversation.id,
        )
        if not found:
            return False
        turn.dialogue.drop(frame)
        turn.open("status")
        return True

    async def _open_case(self, turn: Turn, frame: Frame, **fields: Any) -> Request:
        """What is about a member of staff goes to the lead, and not to whom it is about."""
        urgency = "urgent" if is_violent(" ".join(frame.memory["told"])) else None
        about = frame.memory.get("about")
        if about is None:
            return await super()._open_case(turn, frame, urgency=urgency, **fields)
        lead = await lead_for(turn.work, besides=about)
        made = await super()._open_case(
            turn,
            frame,
            urgency=urgency,
            about_staff=about,
            staff_id=lead.id if lead is not None else None,
            **fields,
        )
        if lead is not None:
            tell_lead(turn.work, turn.world, lead, made, "lead_complaint")
        frame.memory["to_lead"] = True
        return made

    async def _told(self, turn: Turn, frame: Frame, text: str) -> None:
        """Whom of the staff it is about is found while the words are there to be understood."""
        await super()._told(turn, frame, text)
        if frame.memory.get("about") in (None, SOMEBODY):
            everybody = await roster.everybody(turn.work)
            frame.memory["about"] = staff_meant(turn, text, everybody) or frame.memory.get("about")


class Suggestion(_Letter):
    """ "Put a handrail at the gate", "could we have a choir"."""

    name = "suggestion"
    intents = ("suggest",)
    done = "suggestion_done"

    def __init__(self) -> None:
        # No place is asked for; one that is named is kept.
        super().__init__(what="suggestion_ask_what", place="complaint_ask_place")


# Slots


async def _judge_what(turn: Turn, frame: Frame, given: Given) -> Verdict:
    if not given.asked or not given.text or given.value is not None:
        return None
    _keep_words(turn, frame, given.text)
    return Filled(value=frame.slots["what"])


async def _judge_place(turn: Turn, frame: Frame, given: Given) -> Verdict:
    if given.value is not None:
        place = turn.home if given.value == "home" else None
        return Filled(value=place) if place is not None else None
    if given.entity is not None:
        place = _place_of(turn, given.entity.value)
        return Filled(value=_put_right(turn, frame, place)) if place is not None else None
    if turn.intent(*_CONTROL) or not given.text:
        return None
    return in_own_words(given)


async def _places(turn: Turn, frame: Frame) -> Sequence[Button]:
    """Their own home, where it is known; a free answer or none does as well."""
    if turn.home is None:
        return []
    title = turn.world.replies.render("complaint_button_home", turn.language).text
    return [Button(title=title, payload=payload("choose", place="home"))]


def _place_matters(turn: Turn, frame: Frame) -> bool:
    return bool(frame.memory.get("asks"))


# What is known


def _keep_words(turn: Turn, frame: Frame, text: str) -> None:
    """Keep the words, and what follows from them."""
    frame.memory["told"] = [*frame.memory.get("told", []), text]
    whole = " ".join(frame.memory["told"])
    longest = _SHOWN[turn.language]
    frame.slots["what"] = whole if len(whole) <= longest else f"{whole[:longest]}…"
    topic = topic_of(whole)
    frame.memory["topic"] = topic.key if topic is not None else "other"
    where = topic.where if topic is not None and frame.flow == Complaint.name else "none"
    frame.memory["asks"] = where == "ask"
    if where == "home" and turn.home is not None and "place" not in frame.slots:
        frame.slots["place"] = turn.home  # next door, above: theirs is meant, and it is read back (C1)


def _keep_picture(turn: Turn, frame: Frame) -> bool:
    """Whether the message brought a picture, which is kept."""
    incoming = turn.incoming
    if incoming is None or incoming.kind != "image" or not incoming.data:
        return False
    frame.memory["pictures"] = [*frame.memory.get("pictures", []), dict(incoming.data)][-_MOST_PICTURES:]
    return True


def _details(frame: Frame) -> dict[str, Any]:
    details: dict[str, Any] = {"topic": frame.memory.get("topic", "other")}
    pictures = frame.memory.get("pictures")
    if pictures:
        details["picture"], details["pictures"] = pictures[0], pictures
    return details


def _place_of(turn: Turn, value: object) -> dict[str, Any] | None:
    """A building or a shared place is enough; a shared place of every building is that of their own."""
    if not isinstance(value, Mapping):
        return None
    place = as_place(value, turn.home)
    if place is None:
        return None
    made = {field: place.get(field) for field in FIELDS}
    shared = next((one for one in turn.world.places.values() if one.name.zh == made["name"]), None)
    if shared is not None and shared.in_building and not made["building"] and turn.home is not None:
        made.update(building=turn.home["building"], unit=turn.home["unit"])
    return made if any(made.values()) else None


def _put_right(turn: Turn, frame: Frame, place: dict[str, Any]) -> dict[str, Any]:
    """Another building for the landing that was named before: the landing stays."""
    known = (frame.slots.get("place") or {}).get("name")
    in_building = any(one.in_building and one.name.zh == known for one in turn.world.places.values())
    return {**place, "name": known} if in_building and not place["name"] and not place["room"] else place


def _names_little_but_a_place(turn: Turn) -> bool:
    """5号楼; 不是3号楼,是5号楼."""
    if turn.understanding is None:
        return False
    top = turn.understanding.intent
    if top.confidence >= _SURE_OF_ANOTHER and top.name not in _PUTS_RIGHT:
        return False
    covered = sum(one.end - one.start for one in turn.understanding.all("place"))
    return covered > 0 and len(turn.text) - covered <= _BESIDE_A_PLACE


def _facts(turn: Turn, frame: Frame, *, spoken: bool) -> dict[str, Any]:
    place = frame.slots.get("place")
    render = turn.world.replies.render
    where = in_words(turn, place, spoken=spoken) if place else ""
    pictures = len(frame.memory.get("pictures", []))
    parts = {
        "where": render("complaint_where", turn.language, place=where).text if where else "",
        "pictures": render("complaint_with_pictures", turn.language, count=pictures).text if pictures else "",
    }
    gap = " " if turn.language == "en" else ""
    return {
        "what": str(frame.slots.get("what") or ""),
        **{name: part and part + gap for name, part in parts.items()},
    }


FLOWS: tuple[Flow, ...] = (Complaint(), Suggestion())
