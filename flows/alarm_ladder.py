"""Who is told of an alarm, when, and how often: the desk and the level's people at once, more after 60 s, all after 180 s.

The table of levels is the product's (intents.md); the figures are `Figures.acknowledge` and `Figures.breach` (E5).
Only a person who acknowledges stops it; taking an alarm back does not (E8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from data import alarms, conversations, residents, roster, timers
from data.models import Alarm, Contact, Conversation, Resident, Staff
from data.work import Work
from flows.due import Due, Handler
from flows.world import Figures, World
from nlu.understanding import Emergency

ACKNOWLEDGE, BREACH = "alarm.acknowledge", "alarm.breach"
DESK = "desk"
ON_RECORD = 5
"""Level of what is only recorded: taken back, or a drill."""

_UNCERTAIN = 4

Audience = Literal["staff", "family"]
Notice = Callable[[Alarm, Resident | None, Audience], str]
"""What is sent to a phone about an alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How people are reached: the community's addresses and the words."""

    notice: Notice
    figures: Figures
    staff_urls: tuple[str, ...] = ()  # Apprise addresses told of every alarm
    sms_url: str | None = None  # Apprise address with {phone}


@dataclass(frozen=True, slots=True, kw_only=True)
class _People:
    """Whom one rung of the ladder names."""

    staff: Sequence[Staff] = ()
    contacts: Sequence[Contact] = ()


def telling(world: World, key: str = "alarm_notice", **facts: Any) -> Telling:
    """The ordinary way: texts from `flows/replies`, reply `<key>_staff` or `<key>_family`."""

    def notice(alarm: Alarm, resident: Resident | None, audience: Audience) -> str:
        language = resident.language if resident is not None and audience == "family" else "zh"
        words = world.replies.render
        back = key == "alarm_notice" and alarm.level == ON_RECORD
        return words(
            f"{key}_back_{audience}" if back else f"{key}_{audience}",
            language,
            number=alarm.number,
            level=alarm.level,
            kind=words(f"alarm_kind_{alarm.kind}", language).text,
            place=world.wording(language).place(alarm.place),
            name=(resident.name if resident else None) or words("alarm_somebody", language).text,
            **facts,
        ).text

    return Telling(notice=notice, figures=world.figures, staff_urls=world.staff_urls, sms_url=world.sms_url)


async def begin(work: Work, how: Telling, alarm: Alarm) -> None:
    """A new alarm: both clocks are set and the level's people are told, in the transaction that raised it."""
    # A conversation in the payload is locked before the timer, which keeps the order of locks.
    payload = {"conversation": alarm.conversation_id} if alarm.conversation_id is not None else {}
    for kind, after in ((ACKNOWLEDGE, how.figures.acknowledge), (BREACH, how.figures.breach)):
        await timers.schedule(
            work,
            key=f"alarm:{alarm.id}:{kind.removeprefix('alarm.')}",
            kind=kind,
            subject=f"alarm:{alarm.id}",
            due_at=alarm.raised_at + after,
            payload=payload,
        )
    await announce(work, how, alarm)


async def announce(work: Work, how: Telling, alarm: Alarm) -> None:
    """Tell whom the level names: when the alarm is new, and again when its level has risen."""
    await _tell(work, how, alarm, await _named_by_level(work, alarm))


async def stop(work: Work, alarm_id: int) -> None:
    """A person has acknowledged: neither clock runs on. Called before the alarm is locked (timer, then alarm)."""
    for kind in (ACKNOWLEDGE, BREACH):
        await timers.cancel(work, subject=f"alarm:{alarm_id}", kind=kind)


async def all_clear(work: Work, how: Telling, alarm: Alarm) -> None:
    """It is over: everybody who was alerted hears so, once each (E6)."""
    told = await alarms.told(work, alarm)
    resident = await _resident(work, alarm)
    staff = {person.id: person for person in await roster.everybody(work)}
    contacts = {f"contact:{contact.id}": contact for contact in await _contacts(work, alarm)}
    sent: set[str] = set()
    for to in sorted(told, key=lambda name: (name != DESK, name)):
        await alarms.step(work, alarm, "all_clear", to=to, by=work.actor)
        person = staff.get(to) or contacts.get(to)
        audience: Audience = "family" if to in contacts else "staff"
        targets = how.staff_urls if to == DESK else _addresses(how, person)
        _send(work, alarm, targets, how.notice(alarm, resident, audience), sent)


async def on_acknowledge(due: Due) -> None:
    """60 s and nobody has acknowledged: everyone on duty, the lead, all family contacts (E5)."""
    alarm = await _unanswered(due)
    if alarm is None:
        return
    work = due.work
    people = _People(staff=await _duty_and_lead(work), contacts=await _family(work, alarm))
    await _tell(work, telling(due.world, "alarm_unanswered"), alarm, people)


async def on_breach(due: Due) -> None:
    """180 s and nobody has acknowledged: everybody reachable, marked for ever; the person hears the truth (E5)."""
    alarm = await _unanswered(due)
    if alarm is None:
        return
    work = due.work
    await alarms.breach(work, alarm)
    people = _People(staff=await roster.everybody(work), contacts=await _family(work, alarm))
    await _tell(work, telling(due.world, "alarm_unanswered"), alarm, people)
    if due.turn is not None and alarm.taken_back_at is None:
        due.turn.say("emergency_nobody_yet")


async def tell_of_doubt(work: Work, how: Telling, conversation: Conversation, text: str) -> None:
    """The officer on duty learns of a question that was not answered (level 4); there is no alarm."""
    sent: set[str] = set()
    subject = f"conversation:{conversation.id}"
    for person in await _officers(work):
        for target in _addresses(how, person):
            if target not in sent:
                sent.add(target)
                alarms.queue_notice(work, about=subject, target=target, text=text)


async def fallback_alarm(
    work: Work,
    *,
    conversation: Conversation,
    text: str,
    judgement: Emergency,
    figures: Figures = Figures(),
    staff_urls: tuple[str, ...] = (),
) -> Alarm:
    """The alarm, its clocks and its notifications, when everything else has failed (C14, E2).

    Uses no reply and no state of the conversation. The notice is the number, the level and the kind.
    """
    how = Telling(notice=_bare_notice, figures=figures, staff_urls=staff_urls)
    resident = conversation.resident
    alarm, new = await alarms.raise_alarm(
        work,
        kind=judgement.kind,
        level=min(judgement.level, 3),
        source="fallback",
        text=text,
        resident_id=conversation.resident_id,
        conversation_id=conversation.id,
        place=residents.place_of(resident.home) if resident is not None else None,
        facts={"evidence": list(judgement.evidence)},
    )
    await (begin(work, how, alarm) if new else announce(work, how, alarm))
    return alarm


def _bare_notice(alarm: Alarm, resident: Resident | None, audience: Audience) -> str:
    return f"{alarm.number} L{alarm.level} {alarm.kind}"


# Who


async def _named_by_level(work: Work, alarm: Alarm) -> _People:
    """The table of intents.md. Nobody on duty: the lead; no lead either: all staff (H9)."""
    if alarm.level >= ON_RECORD:
        return _People()
    contacts: Sequence[Contact] = ()
    if alarm.level <= 3:
        contacts = await _contacts(work, alarm)
    if alarm.level == 1:
        return _People(staff=await _duty_and_lead(work), contacts=contacts)
    if alarm.level == 2:
        return _People(staff=await _on_duty(work), contacts=contacts[:1])
    return _People(staff=await _officers(work), contacts=contacts[:1])


async def _on_duty(work: Work) -> Sequence[Staff]:
    return await roster.on_duty(work) or await roster.leads(work) or await roster.everybody(work)


async def _officers(work: Work) -> Sequence[Staff]:
    on_duty = await roster.on_duty(work)
    officers = [person for person in on_duty if person.role == "officer"]
    return officers or await roster.leads(work) or await _on_duty(work)


async def _duty_and_lead(work: Work) -> Sequence[Staff]:
    found = {person.id: person for person in (*await roster.on_duty(work), *await roster.leads(work))}
    return list(found.values()) or await roster.everybody(work)


async def _contacts(work: Work, alarm: Alarm) -> Sequence[Contact]:
    return await residents.alarm_contacts(work, alarm.resident_id) if alarm.resident_id is not None else ()


async def _family(work: Work, alarm: Alarm) -> Sequence[Contact]:
    """Whom the later rungs add. A device that fell silent (level 4) is a matter for staff: a battery frightens nobody."""
    return () if alarm.level == _UNCERTAIN else await _contacts(work, alarm)


async def _resident(work: Work, alarm: Alarm) -> Resident | None:
    if alarm.resident_id is None:
        return None
    return (await conversations.with_home(work, alarm.resident_id))[0]


# How


async def _tell(work: Work, how: Telling, alarm: Alarm, people: _People) -> None:
    """The desk always; staff each time they are named; a contact once, since each message frightens."""
    told = await alarms.told(work, alarm)
    resident = await _resident(work, alarm)
    sent: set[str] = set()
    await alarms.step(work, alarm, "notified", to=DESK, by="bot")
    words = how.notice(alarm, resident, "staff")
    _send(work, alarm, how.staff_urls, words, sent)
    for person in people.staff:
        # Without an address of their own they see it at the desk, which shows it to everybody on duty.
        await alarms.step(work, alarm, "notified", to=person.id, by="bot")
        _send(work, alarm, _addresses(how, person), words, sent)
    for contact in people.contacts:
        name = f"contact:{contact.id}"
        if name in told:
            continue
        addresses = _addresses(how, contact)
        await alarms.step(work, alarm, "notified" if addresses else "not_reachable", to=name, by="bot")
        _send(work, alarm, addresses, how.notice(alarm, resident, "family"), sent)


def _addresses(how: Telling, person: Staff | Contact | None) -> tuple[str, ...]:
    """Where a person is reached: their own Apprise address, or a text message to their phone."""
    if person is None:
        return ()
    if person.notify_url:
        return (person.notify_url,)
    if person.phone and how.sms_url:
        return (how.sms_url.replace("{phone}", person.phone),)
    return ()


def _send(work: Work, alarm: Alarm, targets: Iterable[str], text: str, sent: set[str]) -> None:
    for target in targets:
        if target not in sent:
            sent.add(target)
            alarms.queue_notification(work, alarm=alarm, target=target, text=text)


async def _unanswered(due: Due) -> Alarm | None:
    """The timer's alarm, if nobody has acknowledged it yet; however late it is, as after an outage (K7)."""
    alarm = await alarms.get(due.work, due.timer.subject.removeprefix("alarm:"), lock=True)
    return alarm if alarm is not None and alarm.state == alarms.MACHINE.start else None


def as_json(alarm: Alarm) -> dict[str, Any]:
    """What a front end may show beside the words."""
    return {"alarm": alarm.number, "kind": alarm.kind, "level": alarm.level}


TIMERS: Mapping[str, Handler] = {ACKNOWLEDGE: on_acknowledge, BREACH: on_breach}
"""Timer kind → its handler."""
