"""What is kept about somebody, in words; and putting it right: name, home, phone, language, type, speech (F14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from data import ledger, reminders, resident_edits, residents, rights
from data.models import Consent, Contact
from flows.asking import Asking
from flows.contact_words import relation_of
from flows.declared import Filled, Flow, Given, Slot, Verdict
from flows.meeting import judge_home, judge_name
from flows.messages import Button
from flows.profile_words import called, first_of
from flows.replies import payload
from flows.state import CONFIRM, Frame
from flows.turn import Turn

PURPOSES = ("service", "family", "health", "voice")
"""Purposes of agreements that have a name in the replies."""
_FIELDS = {"name": "name", "home": "place", "phone": "phone"}
"""What can be corrected → its slot."""
_SPEECH_RATE = {"default": 3.25, "step": 0.5, "most": 5.0}  # characters a second
_LOUDNESS = {"default": 1.0, "step": 0.25, "least": 0.5}
_TYPE = {"default": 24, "step": 3, "least": 18}  # pixels
_CONTROL = (
    *("affirm", "deny", "stop", "skip", "repeat", "slower", "louder", "help", "ask_human"),
    *("emergency", "emergency_cancel"),
)


class Profile(Flow):
    """ "What do you know about me?\""""

    name = "profile"
    intents = ("profile",)
    parks = False

    def __init__(self) -> None:
        self.called_by = called(self.name)

    async def run(self, turn: Turn, frame: Frame) -> bool:
        if turn.resident is None:
            turn.say("profile_stranger")
            return True
        await tell_profile(turn)
        turn.say("profile_what_next")
        return True


class Change(Flow):
    """ "I have a new number", "we have moved", "call me Wang"."""

    name = "profile_change"
    intents = ("profile_change",)
    confirms = True
    open_to_strangers = False

    def __init__(self) -> None:
        self.called_by = called(self.name)
        self.slots = (
            Slot(
                name="field",
                ask="profile_ask_field",
                judge=_judge_field,
                choices=_fields,
                when=_nothing_given,
            ),
            Slot(
                name="name", ask="profile_ask_name", entity="person", judge=_judge_name, when=_wants("name")
            ),
            Slot(
                name="place", ask="profile_ask_home", entity="place", judge=_judge_home, when=_wants("home")
            ),
            Slot(
                name="phone",
                ask="profile_ask_phone",
                entity="phone",
                judge=_judge_phone,
                when=_wants("phone"),
            ),
        )

    async def begin(self, turn: Turn, frame: Frame) -> None:
        field = first_of("fields", turn.text) if turn.command is None else turn.command.values.get("field")
        if field in _FIELDS:
            frame.slots["field"] = field

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        """A bare name or address looks like anything to the intent engine."""
        if turn.command is not None or turn.understanding is None or turn.intent(*_CONTROL):
            return False
        if frame.asked in (*_FIELDS.values(), CONFIRM, "field"):
            return await Asking().take_answer(turn, frame, self) if _bare(turn, frame) else False
        return False

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        return {"changes": _changes(turn, frame, spoken=False)}

    async def spoken_facts(self, turn: Turn, frame: Frame) -> dict[str, Any] | None:
        return {"changes": _changes(turn, frame, spoken=True)}

    async def run(self, turn: Turn, frame: Frame) -> bool:
        assert turn.resident is not None  # strangers are met first
        work, slots = turn.work, frame.slots
        facts = {name: slots[name] for name in ("name", "phone") if slots.get(name)}
        if facts:
            await resident_edits.correct(work, turn.resident, facts)
        if place := slots.get("place"):
            home = await residents.home_at(
                work, building=place["building"], unit=place["unit"], room=place["room"]
            )
            await resident_edits.move_home(work, turn.resident, home)
        turn.say(
            "profile_changed",
            changes=_changes(turn, frame, spoken=False),
            spoken=await self.spoken_facts(turn, frame),
        )
        return True


class Adjust(Flow):
    """The language, smaller type, faster or quieter speech, and back to normal: done at once (C7 has the others)."""

    name = "adjust"
    intents = ("adjust",)
    parks = False

    def __init__(self) -> None:
        self.called_by = called(self.name)

    async def run(self, turn: Turn, frame: Frame) -> bool:
        how = first_of("adjust", turn.text) if turn.command is None else str(turn.command.values.get("how"))
        if how in ("language_en", "language_zh"):
            await _speak(turn, how.removeprefix("language_"))
        elif how in _ADJUSTED:
            await _prefer(turn, _ADJUSTED[how])
        else:
            turn.say("button_over")
            return True
        turn.say(f"adjust_{how}")
        return True


async def _speak(turn: Turn, language: str) -> None:
    turn.conversation.language = language
    if turn.resident is not None:
        await resident_edits.correct(turn.work, turn.resident, {"language": language})


async def _prefer(turn: Turn, names: Sequence[str]) -> None:
    """Step down, or back to how it is for everybody."""
    kept = turn.resident.preferences if turn.resident else turn.dialogue.preferences
    changes = {name: _STEPS[name](kept) if len(names) == 1 else None for name in names}
    if turn.resident is not None:
        await resident_edits.prefer(turn.work, turn.resident, changes)
        return
    stays = {**kept, **changes}
    turn.dialogue.preferences = {name: value for name, value in stays.items() if value is not None}


def _smaller(kept: Mapping[str, Any]) -> float:
    return max(_TYPE["least"], float(kept.get("type_size", _TYPE["default"])) - _TYPE["step"])


def _faster(kept: Mapping[str, Any]) -> float:
    return min(
        _SPEECH_RATE["most"], float(kept.get("speech_rate", _SPEECH_RATE["default"])) + _SPEECH_RATE["step"]
    )


def _quieter(kept: Mapping[str, Any]) -> float:
    return max(_LOUDNESS["least"], float(kept.get("loudness", _LOUDNESS["default"])) - _LOUDNESS["step"])


_STEPS = {"type_size": _smaller, "speech_rate": _faster, "loudness": _quieter}
_ADJUSTED = {
    "type_smaller": ("type_size",),
    "faster": ("speech_rate",),
    "quieter": ("loudness",),
    "reset": ("type_size", "speech_rate", "loudness"),
}


# What is kept, in words


async def tell_profile(turn: Turn) -> None:
    """Everything that is kept, a message for each part; the numbers in it are spoken digit by digit."""
    resident = turn.resident
    assert resident is not None
    wording, render = turn.wording, turn.world.replies.render
    unknown = render("profile_unknown", turn.language).text
    phone = shown(resident.phone)
    turn.say(
        "profile_who",
        name=resident.name or unknown,
        place=wording.place(turn.home) if turn.home else unknown,
        phone=phone or unknown,
        spoken={
            "place": wording.place_spoken(turn.home) if turn.home else unknown,
            "phone": wording.digits(phone) if phone else unknown,
        },
    )
    if resident.health and any(resident.health.values()):
        known = [str(one) for part in resident.health.values() for one in part]
        turn.say("profile_health", health=wording.listed(known))
    await _tell_people(turn, resident.id)
    await _tell_agreements(turn, resident.id)
    waiting = await reminders.of_person(
        turn.work, resident_id=resident.id, conversation_id=turn.conversation.id
    )
    turn.say(
        "profile_rest",
        cases=await rights.open_cases(turn.work, resident.id),
        reminders=len(waiting),
        minutes=await ledger.balance(turn.work, resident.id),
    )


async def _tell_people(turn: Turn, resident_id: int) -> None:
    people = await residents.contacts(turn.work, resident_id)
    if people:
        turn.say("profile_people", people=turn.wording.listed([in_words(turn, one) for one in people]))
    else:
        turn.say("profile_nobody")


async def _tell_agreements(turn: Turn, resident_id: int) -> None:
    given = await agreements(turn, resident_id)
    if given:
        turn.say("profile_consents", consents=turn.wording.listed([agreement(turn, one) for one in given]))


async def agreements(turn: Turn, resident_id: int) -> Sequence[Consent]:
    """The agreements that hold, the newest for each purpose."""
    newest = {
        one.purpose: one for one in await rights.consents(turn.work, resident_id) if one.withdrawn_at is None
    }
    return [newest[purpose] for purpose in PURPOSES if purpose in newest]


def agreement(turn: Turn, consent: Consent) -> str:
    """One agreement in words: for what, since when, in which version."""
    render = turn.world.replies.render
    purpose = render(f"purpose_{consent.purpose}", turn.language).text
    given = turn.wording.day(consent.given_at.astimezone(turn.work.zone), turn.now)
    return render(
        "profile_consent", turn.language, purpose=purpose, given=given, version=consent.version
    ).text


def in_words(turn: Turn, contact: Contact) -> str:
    """One person to tell: who they are, and of what they hear."""
    told = contact.told if contact.consented_at is not None else "nothing"
    render = turn.world.replies.render
    return render(
        "profile_person",
        turn.language,
        relation=relation(turn, contact.relation),
        name=contact.name,
        phone=shown(contact.phone) or render("profile_no_phone", turn.language).text,
        told=render(f"people_told_{told}", turn.language).text,
    ).text


def relation(turn: Turn, written: str) -> str:
    """A relation in the person's language where it is one that everybody has; else as it was written."""
    key = relation_of(written)
    known = turn.world.replies.words(turn.language)["relations"]
    return str(known[key]) if turn.language != "zh" and key in known else written


def shown(phone: str | None) -> str:
    """A number as people know it: without their own country's code."""
    return (phone or "").removeprefix("+86")


# Slots


async def _judge_field(turn: Turn, frame: Frame, given: Given) -> Verdict:
    if not given.asked:
        return None
    field = given.value if given.value is not None else first_of("fields", given.text)
    return Filled(value=field) if field in _FIELDS else None


async def _judge_name(turn: Turn, frame: Frame, given: Given) -> Verdict:
    return await judge_name(turn, frame, given)


async def _judge_home(turn: Turn, frame: Frame, given: Given) -> Verdict:
    whole = given if frame.slots.get("field") != "home" else _as_asked(given)
    return await judge_home(turn, frame, whole)


def _as_asked(given: Given) -> Given:
    """An address in "we have moved to …" is the answer to a question that need not be asked."""
    return Given(entity=given.entity, text=given.text, value=given.value, asked=True)


async def _judge_phone(turn: Turn, frame: Frame, given: Given) -> Verdict:
    return Filled(value=given.entity.value) if given.entity is not None else None


async def _fields(turn: Turn, frame: Frame) -> Sequence[Button]:
    return [
        Button(
            title=turn.world.replies.render(f"profile_field_{field}", turn.language).text,
            payload=payload("choose", field=field),
        )
        for field in _FIELDS
    ]


def _nothing_given(turn: Turn, frame: Frame) -> bool:
    return not any(frame.slots.get(slot) for slot in _FIELDS.values())


def _wants(field: str) -> Any:
    def wanted(turn: Turn, frame: Frame) -> bool:
        return frame.slots.get("field") == field

    return wanted


def _bare(turn: Turn, frame: Frame) -> bool:
    """Whether it is hardly more than the name, address or number that is asked for."""
    if frame.asked in ("name", "field"):
        return True
    return any(
        turn.understanding is not None and turn.understanding.first(name) is not None
        for name in ("place", "phone")
    )


def _changes(turn: Turn, frame: Frame, *, spoken: bool) -> str:
    slots, wording, render = frame.slots, turn.wording, turn.world.replies.render
    parts = []
    if slots.get("name"):
        parts.append(render("profile_new_name", turn.language, name=slots["name"]).text)
    if place := slots.get("place"):
        words = wording.place_spoken(place) if spoken else wording.place(place)
        parts.append(render("profile_new_home", turn.language, place=words).text)
    if slots.get("phone"):
        number = shown(slots["phone"])
        parts.append(
            render(
                "profile_new_phone", turn.language, phone=wording.digits(number) if spoken else number
            ).text
        )
    return wording.listed(parts)


FLOWS: tuple[Flow, ...] = (Profile(), Change(), Adjust())
