"""The people a resident wants to have told: add one, correct a number, strike one off (F14, F7)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from data import resident_edits, residents
from data.models import Contact
from flows.asking import Asking
from flows.contact_words import meant, relation_of
from flows.declared import Filled, Flow, Given, Slot, Verdict
from flows.messages import Button
from flows.profile import relation, shown
from flows.profile_words import called, first_of
from flows.replies import payload
from flows.state import Frame
from flows.turn import Turn

_FAMILY = "family"
_LONGEST = 40  # characters of a relation, a name
_MOST_SHOWN = 3
_BARE = re.compile(r"[\u4e00-\u9fff·]{1,6}|[A-Za-z][A-Za-z'.-]*(?: [A-Za-z][A-Za-z'.-]*){0,3}")
_NAMED = re.compile(
    r"(?:名字|叫|姓名|名)(?:是|叫|做)?\s*([\u4e00-\u9fff·]{2,4})|\b(?:called|named|name is)\s+([A-Za-z][A-Za-z' .-]*)",
    re.IGNORECASE,
)
_EDGES = " \t,.!?;:，。！？；：、~～"
_CONTROL = (
    *("deny", "stop", "skip", "repeat", "slower", "louder", "help", "ask_human", "emergency"),
    *("emergency_cancel", "thank", "goodbye", "greet"),
)


class Add(Flow):
    """ "Put my daughter down as a contact", "my son has a new number".\""""

    name = "people_add"
    intents = ("people_add",)
    confirms = True
    open_to_strangers = False

    def __init__(self) -> None:
        self.called_by = called(self.name)
        self.slots = (
            Slot(name="relation", ask="people_ask_relation", entity="person", judge=_judge_relation),
            Slot(name="person", ask="people_ask_person", judge=_judge_person),
            Slot(name="phone", ask="people_ask_phone", entity="phone", judge=_judge_phone),
            Slot(name="told", ask="people_ask_told", judge=_judge_told, choices=_tellings),
        )

    async def begin(self, turn: Turn, frame: Frame) -> None:
        """Somebody who is on the list already has only a new number."""
        if turn.command is not None or turn.resident is None:
            return
        known = await residents.contacts(turn.work, turn.resident.id)
        found = meant(known, turn.text, turn.understanding) if turn.text else []
        if len(found) == 1:
            one = found[0]
            told = one.told if one.consented_at is not None else "nothing"
            frame.slots.update(relation=one.relation, person=one.name, told=told)

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        """A name, a kin or "only in an emergency" looks like anything to the intent engine."""
        if turn.command is not None or turn.understanding is None or turn.intent(*_CONTROL):
            return frame.asked == "told" and turn.command is None and await self._answer(turn, frame)
        return frame.asked in ("relation", "person", "told") and await self._answer(turn, frame)

    async def _answer(self, turn: Turn, frame: Frame) -> bool:
        if turn.intent("stop", "ask_human", "help", "repeat", "emergency"):
            return False
        return await Asking().take_answer(turn, frame, self)

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        return _facts(turn, frame, spoken=False)

    async def spoken_facts(self, turn: Turn, frame: Frame) -> dict[str, Any] | None:
        return _facts(turn, frame, spoken=True)

    async def run(self, turn: Turn, frame: Frame) -> bool:
        assert turn.resident is not None  # strangers are met first
        slots = frame.slots
        await resident_edits.put_contact(
            turn.work,
            turn.resident,
            name=slots["person"],
            relation=slots["relation"],
            phone=slots["phone"],
            told=slots["told"],
        )
        agreed = await residents.agreed(turn.work, turn.resident.id, purpose=_FAMILY)
        if slots["told"] != "nothing" and agreed is None:
            await residents.consent(turn.work, turn.resident, purpose=_FAMILY)
        facts = _facts(turn, frame, spoken=False)
        turn.say("people_added", spoken=_facts(turn, frame, spoken=True), **facts)
        return True


class Drop(Flow):
    """ "Strike my nephew off the list."."""

    name = "people_drop"
    intents = ("people_drop",)
    confirms = True
    open_to_strangers = False

    def __init__(self) -> None:
        self.called_by = called(self.name)
        self.slots = (Slot(name="who", ask="people_ask_who", judge=_judge_who, choices=_people),)

    async def begin(self, turn: Turn, frame: Frame) -> None:
        known = await _known(turn)
        found = meant(known, turn.text, turn.understanding) if turn.command is None and turn.text else []
        if not known:
            turn.dialogue.drop(frame)
            turn.say("profile_nobody")
        elif len(found) == 1 or len(known) == 1:
            frame.slots["who"] = (found or known)[0].id

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        known = await _known(turn)
        who = next((one for one in known if one.id == frame.slots.get("who")), None)
        return {
            "who": _who(turn, who) if who is not None else "",
            "people": turn.wording.listed([_who(turn, one) for one in known]),
        }

    async def run(self, turn: Turn, frame: Frame) -> bool:
        known = await _known(turn)
        who = next((one for one in known if one.id == frame.slots["who"]), None)
        if who is not None:
            turn.say("people_dropped", who=_who(turn, who))
            await resident_edits.drop_contact(turn.work, who)
        else:
            turn.say("profile_nobody")
        return True


# Slots


async def _judge_relation(turn: Turn, frame: Frame, given: Given) -> Verdict:
    if given.entity is not None and given.entity.extra.get("relation"):
        return Filled(value=str(given.entity.value)[:_LONGEST])
    if not given.asked or turn.command is not None:
        return None
    words = given.text.strip(_EDGES)
    known = relation_of(words) is not None
    return Filled(value=words[:_LONGEST]) if words and (known or frame.tries) else None


async def _judge_person(turn: Turn, frame: Frame, given: Given) -> Verdict:
    named = turn.understanding.all("person") if turn.understanding else ()
    found = next((one.text for one in named if one.extra.get("name") and not one.extra.get("relation")), None)
    if found is None and (called_so := _NAMED.search(turn.text)) is not None:
        found = called_so[1] or called_so[2]
    if found is None and given.asked and turn.command is None:
        words = given.text.strip(_EDGES)
        found = words if _BARE.fullmatch(words) or frame.tries else None
    return Filled(value=found.strip()[:_LONGEST]) if found else None


async def _judge_phone(turn: Turn, frame: Frame, given: Given) -> Verdict:
    return Filled(value=given.entity.value) if given.entity is not None else None


async def _judge_told(turn: Turn, frame: Frame, given: Given) -> Verdict:
    if not given.asked:
        return None
    told = given.value if given.value is not None else first_of("told", given.text)
    if told is None and turn.intent("affirm", "deny"):
        told = "all" if turn.intent("affirm") else "nothing"
    return Filled(value=told) if told in resident_edits.TOLD else None


async def _tellings(turn: Turn, frame: Frame) -> Sequence[Button]:
    return [
        Button(
            title=turn.world.replies.render(f"people_button_{told}", turn.language).text,
            payload=payload("choose", told=told),
        )
        for told in resident_edits.TOLD
    ]


async def _judge_who(turn: Turn, frame: Frame, given: Given) -> Verdict:
    if not given.asked:
        return None
    known = await _known(turn)
    if given.value is not None:
        found = [one for one in known if one.id == given.value]
    else:
        found = meant(known, given.text, turn.understanding)
    return Filled(value=found[0].id) if len(found) == 1 else None


async def _people(turn: Turn, frame: Frame) -> Sequence[Button]:
    return [
        Button(title=_who(turn, one), payload=payload("choose", who=one.id))
        for one in (await _known(turn))[:_MOST_SHOWN]
    ]


async def _known(turn: Turn) -> Sequence[Contact]:
    return await residents.contacts(turn.work, turn.resident.id) if turn.resident else ()


def _who(turn: Turn, contact: Contact) -> str:
    return turn.world.replies.render(
        "people_who", turn.language, relation=relation(turn, contact.relation), name=contact.name
    ).text


def _facts(turn: Turn, frame: Frame, *, spoken: bool) -> dict[str, Any]:
    slots, render = frame.slots, turn.world.replies.render
    phone = shown(slots.get("phone"))
    told = slots.get("told")
    return {
        "relation": relation(turn, str(slots.get("relation") or "")),
        "name": slots.get("person") or "",
        "phone": turn.wording.digits(phone) if spoken else phone,
        "told": render(f"people_told_{told}", turn.language).text if told else "",
    }


FLOWS: tuple[Flow, ...] = (Add(), Drop())
