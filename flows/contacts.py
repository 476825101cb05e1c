"""Reaching the people a resident named: their number, a message passed on, and what they answer (F7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from data import conversations, residents, timers
from data.models import Contact, Message, Outgoing
from flows import family
from flows.contact_words import (
    is_dropped,
    is_help,
    is_office,
    meant,
    message_in,
    mode_of,
    name_in,
    named_in,
    person_in,
    put_right,
    relation_of,
)
from flows.declared import Filled, Flow, Given, Slot, Verdict
from flows.due import Due, Handler
from flows.messages import Button
from flows.own_cases import SHOWN, place_in_list
from flows.replies import payload
from flows.state import CONFIRM, Frame
from flows.turn import Command, Turn

_LONGEST = 300  # characters of a message
_CHECK = timedelta(minutes=3)  # when it is looked whether a message has arrived
_CHECK_AGAIN = timedelta(minutes=10)
_ANSWER_WITHIN = timedelta(days=7)
_DELIVERY, _ANSWER = "contact.delivery", "contact.answer"
_COUNTRY = "+86"
_MOBILE = 11  # digits
_NOT_ARRIVED = {
    False: ("contact_under_way", "contact_under_way_number"),
    True: ("contact_failed", "contact_failed_number"),
}
"""Given up or not → what is said without and with the contact's number."""
_KNOWN_WELL = ("doctor", "carer")  # of whom the community's knowledge may have a number
_YES, _NO = "yes", "no"
_CONTROL = (
    *("stop", "skip", "deny", "affirm", "repeat", "slower", "louder", "ask_human", "help"),
    *("emergency", "emergency_cancel"),
)


class Reach(Flow):
    """ "Call my son", "tell my daughter not to come tonight"."""

    name = "contact"
    intents = ("call_contact",)
    confirms = True
    open_to_strangers = False

    def __init__(self) -> None:
        self.slots = (
            Slot(name="who", ask="contact_ask_who", judge=_judge_who, choices=_shown, resets=("callback",)),
            Slot(
                name="message", ask="contact_ask_message", judge=_judge_message, free=True, when=_is_message
            ),
            Slot(
                name="callback",
                ask="contact_ask_callback",
                judge=_judge_callback,
                choices=_yes_no,
                when=_may_call_back,
            ),
        )

    async def begin(self, turn: Turn, frame: Frame) -> None:
        number = turn.understanding.first("phone") if turn.understanding else None
        if number is not None:
            turn.dialogue.drop(frame)
            _tell_number(turn, "contact_number_plain", str(number.value))
            return
        contacts = await _contacts(turn)
        text = turn.text if turn.command is None else ""
        found = meant(contacts, text, turn.understanding) if text else []
        named = named_in(text, turn.understanding)
        if not found and (not contacts or named or is_help(text) or is_office(text)):
            turn.dialogue.drop(frame)
            _not_among(turn, bool(contacts), named)
            return
        _, end = name_in(found, text, turn.understanding)
        message = message_in(text, end) if end else ""
        frame.memory["mode"] = mode_of(text, message) if text else "call"
        if message:
            frame.slots["message"] = message[:_LONGEST]
        frame.memory["shown"] = [one.id for one in (found or contacts)]
        if len(found) == 1:
            _choose(turn, frame, found[0])

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        """What is to be passed on may sound like anything."""
        if turn.command is not None or not turn.text:
            return False
        if frame.asked == CONFIRM and (other := put_right(turn.text)) is not None:
            frame.slots["message"] = other[:_LONGEST]
            frame.asked = None  # read back anew
            return True
        if frame.asked == "message" and not turn.intent(*_CONTROL):
            frame.slots["message"] = (put_right(turn.text) or turn.text)[:_LONGEST]
            frame.asked = None
            return True
        person = person_in(turn.understanding)
        if frame.asked in ("callback", CONFIRM) and turn.intent(*self.intents) and person is not None:
            turn.dialogue.drop(frame)  # somebody else, or something else to be passed on
            turn.open(self.name)
            return True
        if frame.asked == CONFIRM and is_dropped(turn.text):
            turn.command = Command(name="stop", values={})
        return await self._hear_who(turn, frame) if frame.asked == "who" else False

    async def _hear_who(self, turn: Turn, frame: Frame) -> bool:
        """Whom, in a sentence of its own: 给我闺女打; or somebody who is none of them."""
        found = meant(await _listed(turn, frame), turn.text, turn.understanding)
        if len(found) == 1:
            _choose(turn, frame, found[0])
            frame.asked = None
            return True
        named = named_in(turn.text, turn.understanding)
        if found or not (is_help(turn.text) or (turn.intent(*self.intents) and named)):
            return False
        turn.dialogue.drop(frame)
        _not_among(turn, True, named)
        return True

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        shown = (await _listed(turn, frame))[:SHOWN]
        return {
            "who": frame.memory.get("who", ""),
            "message": frame.slots.get("message") or "",
            "people": turn.wording.listed([described(turn, one) for one in shown]),
        }

    async def run(self, turn: Turn, frame: Frame) -> bool:
        contact = await turn.work.session.get(Contact, int(frame.slots["who"]))
        if contact is None:  # struck off the list meanwhile
            turn.say("contact_unknown", who=frame.memory["who"])
            return True
        if frame.memory["mode"] == "message":
            await _send(turn, contact, str(frame.slots["message"]))
        elif frame.slots.get("callback") == _YES:
            await _send(turn, contact, turn.world.replies.render("contact_call_me", turn.language).text)
        elif frame.slots.get("callback") == _NO:
            turn.say("contact_no_callback")
        elif frame.memory.get("no_way"):
            turn.say("contact_no_way", who=described(turn, contact))
            turn.dialogue.drop(frame)
            turn.offer("ask_human")
            return False
        return True


class Answer(Flow):
    """What a contact answers to a message that was passed on, in their own conversation."""

    name = "contact_answer"
    intents = ("contact_answer",)
    parks = False

    def __init__(self) -> None:
        self.slots = (Slot(name="answer", ask="contact_answer_ask", judge=_judge_message, free=True),)

    async def begin(self, turn: Turn, frame: Frame) -> None:
        contact = await _asked_by(turn)
        to = await conversations.of_resident(turn.work, contact.resident_id) if contact is not None else None
        if contact is None or to is None:
            turn.dialogue.drop(frame)
            turn.say("contact_answer_over")
            return
        frame.memory.update(contact=contact.id, conversation=to.id)

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        if turn.command is not None or not turn.text or turn.intent("stop", "ask_human", "repeat"):
            return False
        frame.slots["answer"] = turn.text[:_LONGEST]
        frame.asked = None
        return True

    async def run(self, turn: Turn, frame: Frame) -> bool:
        assert turn.message is not None  # a flow runs on somebody's message
        # Their conversation is not locked here: two of them in one turn could wait for each other for ever.
        await timers.schedule(
            turn.work,
            key=f"{_ANSWER}:{turn.message.id}",
            kind=_ANSWER,
            subject=f"contact:{frame.memory['contact']}",
            due_at=turn.work.now,
            payload={
                "conversation": frame.memory["conversation"],
                "message": turn.message.id,
                "contact": frame.memory["contact"],
            },
        )
        turn.say("contact_answer_sent")
        return True


# Who


async def _contacts(turn: Turn) -> Sequence[Contact]:
    return await residents.contacts(turn.work, turn.resident.id) if turn.resident is not None else ()


async def _listed(turn: Turn, frame: Frame) -> list[Contact]:
    shown = frame.memory.get("shown", [])
    return [one for one in await _contacts(turn) if one.id in shown]


def described(turn: Turn, contact: Contact) -> str:
    """A contact as the resident knows them: 女儿李晓燕, your daughter Mary."""
    relation = relation_of(contact.relation)
    words = turn.world.replies.words(turn.language)["relations"]
    in_language = contact.relation.isascii() == (turn.language == "en")
    own = contact.relation if in_language else words.get(relation or "", "")
    if not own or own in contact.name:
        return contact.name
    return turn.world.replies.render("contact_who", turn.language, relation=own, name=contact.name).text


def _choose(turn: Turn, frame: Frame, contact: Contact) -> None:
    """Whom it is for; whoever wants to speak with them hears the number at once."""
    who = described(turn, contact)
    reachable = family.address(turn.world, contact) is not None
    frame.slots["who"] = str(contact.id)
    frame.memory.update(who=who, reachable=reachable, no_way=not reachable and not contact.phone)
    if frame.memory["mode"] == "message" and not reachable:
        frame.memory["mode"] = "call"
        frame.slots.pop("message", None)
        if contact.phone:
            _tell_number(turn, "contact_no_message", contact.phone, who=who)
    elif frame.memory["mode"] == "call" and contact.phone:
        turn.work.audit("contact.number", family.name_of(contact))
        _tell_number(turn, "contact_number", contact.phone, who=who, dial=not reachable)
        frame.memory["phone"] = contact.phone  # under the question that follows
    elif frame.memory["mode"] == "call" and reachable:
        turn.say("contact_no_number", who=who)
    if frame.memory["mode"] == "call":
        frame.memory["confirmed"] = True  # a number costs nothing; a message is asked for by itself


def _not_among(turn: Turn, has_contacts: bool, who: str) -> None:
    """Nobody whom we know: what the community knows of doctors and offices, else a person, and how to add them."""
    if is_help(turn.text):
        turn.open("emergency_doubt")
        return
    if relation_of(who or turn.text) in _KNOWN_WELL or is_office(turn.text):
        found = turn.world.knowledge.find(turn.text, turn.language, limit=1)
        if found:
            best = found[0]
            turn.say("knowledge_answer", answer=best.answer, source=best.source, date=best.date)
            return
    turn.say("contact_unknown" if has_contacts and who else "contact_none", who=who)
    turn.offer("ask_human")


def _tell_number(turn: Turn, key: str, phone: str, *, dial: bool = True, **facts: Any) -> None:
    """In groups for the eye, with a button that dials; digit by digit for the ear."""
    pause = turn.world.replies.render("contact_pause", turn.language).text
    aloud = pause.join(turn.wording.digits(group) for group in _groups(phone))
    buttons = [_dial(turn, phone)] if dial else []
    turn.say(key, number=" ".join(_groups(phone)), spoken={"number": aloud}, buttons=buttons, **facts)


def _groups(phone: str) -> list[str]:
    local = phone.removeprefix(_COUNTRY)
    return [local[:3], local[3:7], local[7:]] if len(local) == _MOBILE else [local]


def _dial(turn: Turn, phone: str) -> Button:
    """A payload that is an address: front ends that can dial do, the others show the number."""
    number = " ".join(_groups(phone))
    title = turn.world.replies.render("contact_button_dial", turn.language, number=number).text
    return Button(title=title, payload=f"tel:{phone}")


# Passing on


async def _send(turn: Turn, contact: Contact, message: str) -> None:
    """Queue it for the contact's own channel, and look later whether it arrived."""
    target = family.address(turn.world, contact)
    assert target is not None  # nothing is asked to be passed on otherwise
    assert turn.resident is not None
    language = turn.resident.language
    own = target.startswith(family.OWN)
    name = family.called(turn.world, turn.resident)
    key = "contact_passed_on" if own else "contact_passed_on_outside"
    text = turn.world.replies.render(key, language, name=name, message=message).text
    outgoing = Outgoing(
        community_id=turn.work.community.id,
        channel="notify",
        target=target,
        body={"text": text},
        about=family.name_of(contact),
        due_at=turn.work.now,
        created_at=turn.work.now,
    )
    turn.work.session.add(outgoing)
    await turn.work.session.flush()
    if own:  # they can answer in their own conversation
        title = turn.world.replies.render("contact_button_answer", language).text
        button = {"title": title, "payload": payload("contact_answer", message=outgoing.id)}
        outgoing.body = {"text": text, "buttons": [button]}
    turn.work.audit("contact.message", family.name_of(contact), outgoing=outgoing.id)
    await timers.schedule(
        turn.work,
        key=f"{_DELIVERY}:{outgoing.id}",
        kind=_DELIVERY,
        subject=family.name_of(contact),
        due_at=turn.work.now + _CHECK,
        payload={"conversation": turn.conversation.id, "outgoing": outgoing.id, "contact": contact.id},
    )
    turn.say("contact_sent", who=described(turn, contact))


async def _asked_by(turn: Turn) -> Contact | None:
    """The contact to whom the message under the pressed button was sent; None when it is not this person's, or old."""
    reference = turn.command.values.get("message") if turn.command is not None else None
    sent = await turn.work.session.get(Outgoing, reference) if isinstance(reference, int) else None
    if sent is None or sent.community_id != turn.work.community.id or not sent.about:
        return None
    if (
        sent.target != family.OWN + turn.conversation.sender
        or turn.conversation.channel != conversations.DIRECT
    ):
        return None
    if sent.created_at < turn.work.now - _ANSWER_WITHIN:
        return None
    return await turn.work.session.get(Contact, int(sent.about.removeprefix("contact:")))


async def on_delivery(due: Due) -> None:
    """A message that is under way for minutes, or was given up, is owned up to; one that came late as well."""
    sent = await due.work.session.get(Outgoing, due.timer.payload["outgoing"])
    contact = await due.work.session.get(Contact, due.timer.payload["contact"])
    if sent is None or contact is None or due.turn is None:
        return
    told = bool(due.timer.payload.get("told"))
    who = described(due.turn, contact)
    if sent.state == "sent":
        if told:
            due.turn.say("contact_arrived_late", who=who)
        return
    if sent.state == "failed" or not told:
        bare_key, with_number = _NOT_ARRIVED[sent.state == "failed"]
        if contact.phone:
            _tell_number(due.turn, with_number, contact.phone, who=who)
        else:
            due.turn.say(bare_key, who=who)
    if sent.state != "failed":
        await timers.schedule(
            due.work,
            key=due.timer.key,
            kind=_DELIVERY,
            subject=due.timer.subject,
            due_at=due.work.now + _CHECK_AGAIN,
            payload={**due.timer.payload, "told": True},
        )


async def on_answer(due: Due) -> None:
    """What a contact answered, in the resident's conversation."""
    message = await due.work.session.get(Message, due.timer.payload["message"])
    contact = await due.work.session.get(Contact, due.timer.payload["contact"])
    if message is None or contact is None or due.turn is None:
        return
    if due.turn.conversation.resident_id != contact.resident_id:
        return
    due.turn.say("contact_answered", who=described(due.turn, contact), answer=message.text)


# Slots


async def _judge_who(turn: Turn, frame: Frame, given: Given) -> Verdict:
    if not given.asked:
        return None
    shown = await _listed(turn, frame)
    if given.value is not None:
        found = [one for one in shown if str(one.id) == str(given.value)]
    else:
        found = meant(shown, given.text, turn.understanding)
        index = place_in_list(given.text, min(len(shown), SHOWN))
        if len(found) != 1 and index is not None:
            found = [shown[index]]
    if len(found) != 1:
        return None
    _choose(turn, frame, found[0])
    return Filled(value=str(found[0].id))


async def _judge_message(turn: Turn, frame: Frame, given: Given) -> Verdict:
    return Filled(value=given.text[:_LONGEST]) if given.asked and given.text else None


async def _judge_callback(turn: Turn, frame: Frame, given: Given) -> Verdict:
    if not given.asked:
        return None
    if turn.intent("affirm"):
        return Filled(value=_YES)
    return Filled(value=_NO) if turn.intent("deny", "stop") else None


def _is_message(turn: Turn, frame: Frame) -> bool:
    return frame.memory.get("mode") == "message"


def _may_call_back(turn: Turn, frame: Frame) -> bool:
    return frame.memory.get("mode") == "call" and bool(frame.memory.get("reachable"))


async def _shown(turn: Turn, frame: Frame) -> Sequence[Button]:
    return [
        Button(title=described(turn, one), payload=payload("choose", who=str(one.id)))
        for one in (await _listed(turn, frame))[:SHOWN]
    ]


async def _yes_no(turn: Turn, frame: Frame) -> Sequence[Button]:
    phone = frame.memory.get("phone")
    dial = [_dial(turn, str(phone))] if phone else []
    return [
        *dial,
        turn.button("contact_button_ask_back", "affirm"),
        turn.button("contact_button_not_now", "deny"),
    ]


FLOWS: tuple[Flow, ...] = (Reach(), Answer())
TIMERS: Mapping[str, Handler] = {_DELIVERY: on_delivery, _ANSWER: on_answer}
"""Timer kind → its handler."""
