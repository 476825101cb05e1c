"""What people may ask of their own data: to have it all, to take an agreement back, to be forgotten (P4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, Update, delete, func, select, update

from data import ledger, timers, waiting
from data.crypto import blind_index
from data.errors import AnlinError
from data.models import (
    Alarm,
    AlarmStep,
    Checkin,
    CheckinPlan,
    Consent,
    Contact,
    Conversation,
    Device,
    Handoff,
    HandoffNote,
    Home,
    LedgerAccount,
    LedgerTransfer,
    Message,
    Outgoing,
    Reminder,
    Request,
    RequestEvent,
    Resident,
    Timer,
    Waiting,
)
from data.requests import ENDED
from data.work import Work

SCRUB = "rights.scrub"
"""Timer kind: what was open when somebody was erased is looked at again."""
SCRUB_EVERY = timedelta(days=1)
_NOT_THEIRS = ("me_too",)  # of a case's details: other people's words
_ALL_LINES = 100_000


class AlarmOpen(AnlinError):
    """Somebody whose alarm is not over cannot be erased: help may be on its way to them."""

    code = "alarm_open"


# To have it all


async def gather(work: Work, resident: Resident) -> dict[str, Any]:
    """Everything kept about a resident as JSON: facts, people, agreements, cases, alarms, hours, what was said.

    Without the private notes of staff, and without what other people said in a shared case.
    """
    home = await work.session.get(Home, resident.home_id) if resident.home_id is not None else None
    return {
        "exported_at": work.local.isoformat(),
        "community": work.community.name,
        "resident": {
            "name": resident.name,
            "phone": resident.phone,
            "home": dict(home.address) if home is not None else None,
            "birth_year": resident.birth_year,
            "language": resident.language,
            "preferences": resident.preferences,
            "health": resident.health,
            "lives_alone": resident.lives_alone,
            "high_risk": resident.high_risk,
            "since": _at(work, resident.created_at),
        },
        "contacts": [
            {
                "name": one.name,
                "relation": one.relation,
                "phone": one.phone,
                "told": one.told if one.consented_at is not None else "nothing",
                "agreed_at": _at(work, one.consented_at),
            }
            for one in await _all(work, select(Contact).where(Contact.resident_id == resident.id))
        ],
        "consents": [
            {
                "purpose": one.purpose,
                "version": one.version,
                "given_at": _at(work, one.given_at),
                "withdrawn_at": _at(work, one.withdrawn_at),
            }
            for one in await consents(work, resident.id)
        ],
        **await _cases(work, resident.id),
        **await _care(work, resident.id),
        "hours": await _hours(work, resident.id),
        "messages": await _messages(work, resident.id),
    }


async def consents(work: Work, resident_id: int) -> Sequence[Consent]:
    """Every agreement, also those taken back, the first given first."""
    return await _all(
        work,
        select(Consent).where(Consent.resident_id == resident_id).order_by(Consent.given_at, Consent.id),
    )


async def _cases(work: Work, resident_id: int) -> dict[str, Any]:
    requests = await _all(work, select(Request).where(Request.resident_id == resident_id))
    alarms = await _all(work, select(Alarm).where(Alarm.resident_id == resident_id))
    talks = await _all(work, select(Handoff).where(Handoff.resident_id == resident_id))
    return {
        "requests": [
            {
                "number": one.number,
                "kind": one.kind,
                "state": one.state,
                "text": one.text,
                "place": one.place,
                "service": one.service,
                "fault": one.fault,
                "starts_at": _at(work, one.starts_at),
                "count": one.count,
                "details": {name: value for name, value in one.details.items() if name not in _NOT_THEIRS},
                "rating": one.rating,
                "created_at": _at(work, one.created_at),
                "closed_at": _at(work, one.closed_at),
            }
            for one in requests
        ],
        "alarms": [
            {
                "number": one.number,
                "kind": one.kind,
                "level": one.level,
                "state": one.state,
                "text": one.text,
                "facts": one.facts,
                "place": one.place,
                "raised_at": _at(work, one.raised_at),
                "resolved_at": _at(work, one.resolved_at),
                "code": one.code,
                "note": one.note,
            }
            for one in alarms
        ],
        "handoffs": [
            {
                "reason": one.reason,
                "summary": one.summary,
                "queued_at": _at(work, one.queued_at),
                "closed_at": _at(work, one.closed_at),
                "rating": one.rating,
                "words": one.rating_words,
            }
            for one in talks
        ],
    }


async def _care(work: Work, resident_id: int) -> dict[str, Any]:
    reminders = await _all(work, select(Reminder).where(Reminder.resident_id == resident_id))
    checkins = await _all(work, select(Checkin).where(Checkin.resident_id == resident_id))
    devices = await _all(work, select(Device).where(Device.resident_id == resident_id))
    places = await _all(work, select(Waiting).where(Waiting.resident_id == resident_id))
    return {
        "reminders": [
            {
                "text": one.text,
                "next_at": _at(work, one.next_at),
                "rrule": one.rrule,
                "state": one.state,
                "created_at": _at(work, one.created_at),
            }
            for one in reminders
        ],
        "checkins": [
            {"due_at": _at(work, one.due_at), "state": one.state, "answered_at": _at(work, one.answered_at)}
            for one in checkins
        ],
        "waiting": [
            {"service": one.service, "starts_at": _at(work, one.starts_at), "state": one.state}
            for one in places
        ],
        "devices": [{"device": one.key, "seen_at": _at(work, one.seen_at)} for one in devices],
    }


async def _hours(work: Work, resident_id: int) -> dict[str, Any]:
    return {
        "minutes": await ledger.balance(work, resident_id),
        "lines": [
            {"at": _at(work, one.at), "minutes": one.minutes, "reason": one.reason, "note": one.note}
            for one in await ledger.statement(work, resident_id, limit=_ALL_LINES)
        ],
    }


async def _messages(work: Work, resident_id: int) -> list[dict[str, Any]]:
    rows = await _all(
        work,
        select(Message)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Conversation.resident_id == resident_id)
        .order_by(Message.id),
    )
    return [{"at": _at(work, one.at), "from": one.author.partition(":")[0], "text": one.text} for one in rows]


# To take an agreement back


async def withdraw(work: Work, resident: Resident, *, purpose: str) -> bool:
    """Take an agreement back, with what was kept or done only because of it; False when there was none.

    `family`: nobody is told of alarms and check-ins any more; `health`: what is known of their health is deleted.
    """
    found = await work.session.execute(
        update(Consent)
        .where(Consent.resident_id == resident.id, Consent.purpose == purpose, Consent.withdrawn_at.is_(None))
        .values(withdrawn_at=work.now)
        .returning(Consent.id)
    )
    if not found.all():
        return False
    if purpose == "family":
        await work.session.execute(
            update(Contact).where(Contact.resident_id == resident.id).values(consented_at=None)
        )
    if purpose == "health":
        resident.health = None
    await work.session.flush()
    work.audit("consent.withdraw", f"resident:{resident.id}", purpose=purpose)
    await work.emit("resident", f"resident:{resident.id}", what="consent")
    return True


# To be forgotten


async def open_cases(work: Work, resident_id: int) -> int:
    """How many cases and hand-overs of theirs are not over; what is needed for them stays until they are."""
    cases = await work.session.scalar(
        select(func.count()).where(Request.resident_id == resident_id, Request.state.not_in(ENDED))
    )
    talks = await work.session.scalar(
        select(func.count()).where(Handoff.resident_id == resident_id, Handoff.state != "closed")
    )
    return int(cases or 0) + int(talks or 0)


async def alarm_open(work: Work, resident_id: int) -> bool:
    """Whether an alarm of theirs is not over."""
    found = await work.session.scalar(
        select(Alarm.id).where(Alarm.resident_id == resident_id, Alarm.state != "resolved").limit(1)
    )
    return found is not None


async def erase(work: Work, resident: Resident, *, spare: Message | None = None) -> None:
    """Delete what is known of a resident, at once; their row stays as an empty one, so that figures still add up.

    What is over keeps its kind and its times and loses every word; what is still open keeps what it needs and is
    looked at again every day (`scrub`). `spare`: the message being answered, whose conversation goes on as a
    stranger's. Raises AlarmOpen. Conversations of theirs are locked before.
    """
    if await alarm_open(work, resident.id):
        raise AlarmOpen(f"an alarm of resident {resident.id} is open")
    await _forget_talk(work, resident.id, spare)
    await _forget_care(work, resident.id)
    await ledger.forfeit(work, resident.id)
    home = resident.home_id
    resident.key = resident.name = resident.phone = resident.phone_index = None
    resident.birth_year = resident.health = resident.home_id = None
    resident.preferences, resident.lives_alone, resident.high_risk = {}, False, False
    resident.erased_at = work.now
    await work.session.execute(
        update(Consent)
        .where(Consent.resident_id == resident.id, Consent.withdrawn_at.is_(None))
        .values(withdrawn_at=work.now)
    )
    await work.session.flush()
    await _leave_home(work, home)
    work.audit("resident.erase", f"resident:{resident.id}")
    await work.emit("resident", f"resident:{resident.id}", what="erased")
    if not await scrub(work, resident.id):
        await watch(work, resident.id)


async def watch(work: Work, resident_id: int) -> None:
    """Look again tomorrow at what was open."""
    await timers.schedule(
        work,
        key=f"{SCRUB}:{resident_id}",
        kind=SCRUB,
        subject=f"resident:{resident_id}",
        due_at=work.now + SCRUB_EVERY,
    )


async def scrub(work: Work, resident_id: int) -> bool:
    """Take the words out of everything of an erased resident that is over; True when nothing is left open."""
    over = select(Request.id).where(Request.resident_id == resident_id, Request.state.in_(ENDED))
    await _blank(work, update(RequestEvent).where(RequestEvent.request_id.in_(over)).values(note=None))
    for request in await _all(
        work, select(Request).where(Request.id.in_(over)).order_by(Request.id).with_for_update()
    ):
        request.text = request.place = request.place_index = None
        request.details = {}
    alarms = select(Alarm.id).where(Alarm.resident_id == resident_id)
    await _blank(work, update(AlarmStep).where(AlarmStep.alarm_id.in_(alarms)).values(detail=None))
    for alarm in await _all(work, select(Alarm).where(Alarm.id.in_(alarms)).with_for_update()):
        alarm.text, alarm.facts, alarm.place, alarm.note = "", {}, None, None
        await work.session.execute(delete(Outgoing).where(Outgoing.about == f"alarm:{alarm.id}"))
    talks = select(Handoff.id).where(Handoff.resident_id == resident_id, Handoff.state == "closed")
    await work.session.execute(delete(HandoffNote).where(HandoffNote.handoff_id.in_(talks)))
    for talk in await _all(work, select(Handoff).where(Handoff.id.in_(talks)).with_for_update()):
        talk.summary, talk.rating_words = "", None
    await work.session.flush()
    return not await open_cases(work, resident_id)


async def _forget_talk(work: Work, resident_id: int, spare: Message | None) -> None:
    """What was said, and over which channels; a conversation that is not going on belongs to nobody afterwards."""
    theirs = await _all(
        work,
        select(Conversation)
        .where(Conversation.resident_id == resident_id)
        .order_by(Conversation.id)
        .with_for_update(key_share=True),
    )
    ids = [one.id for one in theirs]
    await work.session.execute(delete(Outgoing).where(Outgoing.conversation_id.in_(ids)))
    spoken = delete(Message).where(Message.conversation_id.in_(ids))
    await work.session.execute(spoken if spare is None else spoken.where(Message.id != spare.id))
    await work.session.execute(
        update(Request)
        .where(Request.conversation_id.in_(ids), Request.resident_id.is_(None))
        .values(resident_id=resident_id)  # what they asked for before they were known goes with the rest
    )
    for one in theirs:
        one.resident_id, one.state = None, {}
        if spare is None or one.id != spare.conversation_id:
            one.sender = f"erased:{one.id}"
            one.sender_index = blind_index(f"erased:{one.id}")
    await work.session.flush()


async def _forget_care(work: Work, resident_id: int) -> None:
    """Reminders, check-ins, people to tell, devices, and the words in the time bank."""
    reminders = await _ids(work, select(Reminder.id).where(Reminder.resident_id == resident_id))
    plans = await _ids(work, select(CheckinPlan.id).where(CheckinPlan.resident_id == resident_id))
    checkins = await _ids(work, select(Checkin.id).where(Checkin.resident_id == resident_id))
    contacts = await _ids(work, select(Contact.id).where(Contact.resident_id == resident_id))
    subjects = [
        *(f"reminder:{one}" for one in reminders),
        *(f"checkin-plan:{one}" for one in plans),
        *(f"checkin:{one}" for one in checkins),
        *(f"contact:{one}" for one in contacts),
    ]
    await work.session.execute(delete(Timer).where(Timer.subject.in_(subjects)))
    await work.session.execute(delete(Outgoing).where(Outgoing.about.in_(subjects)))
    for place in await waiting.of_resident(work, resident_id):
        await waiting.settle(work, place, "left")
    await work.session.execute(delete(Waiting).where(Waiting.resident_id == resident_id))
    for table, ids in ((Reminder, reminders), (Checkin, checkins), (CheckinPlan, plans), (Contact, contacts)):
        await work.session.execute(delete(table).where(table.id.in_(ids)))
    await work.session.execute(
        update(Device).where(Device.resident_id == resident_id).values(resident_id=None)
    )
    account = select(LedgerAccount.id).where(LedgerAccount.resident_id == resident_id).scalar_subquery()
    mine = (LedgerTransfer.source_id == account) | (LedgerTransfer.target_id == account)
    await _blank(work, update(LedgerTransfer).where(mine).values(note=None))


async def _leave_home(work: Work, home_id: int | None) -> None:
    """How to get in is forgotten where nobody else who is known lives."""
    if home_id is None:
        return
    left = await work.session.scalar(
        select(func.count()).where(Resident.home_id == home_id, Resident.erased_at.is_(None))
    )
    home = await work.session.get(Home, home_id)
    if home is not None and not left:
        home.access_note = None
        await work.session.flush()


async def _blank(work: Work, statement: Update) -> None:
    """Take sealed words out of many rows; what the session has of them is read anew when it is needed."""
    await work.session.execute(statement, execution_options={"synchronize_session": False})


async def _all(work: Work, statement: Select[Any]) -> Sequence[Any]:
    return (await work.session.scalars(statement)).all()


async def _ids(work: Work, statement: Select[Any]) -> list[int]:
    return [int(one) for one in (await work.session.scalars(statement)).all()]


def _at(work: Work, moment: datetime | None) -> str | None:
    return moment.astimezone(work.zone).isoformat() if moment is not None else None
