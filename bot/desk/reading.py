"""What the desk shows, read in one look and handed on as plain records: alarms, hand-overs, cases."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select

from bot.desk.visit import Visit
from data import alarms, clocks, conversations, handoffs, requests
from data.clocks import Standing
from data.models import (
    Alarm,
    AlarmStep,
    Contact,
    Conversation,
    Handoff,
    Message,
    Outgoing,
    Request,
    RequestEvent,
    Resident,
    Staff,
)
from data.residents import place_of
from data.work import Work
from flows.cases import title
from flows.emergency_plan import plan

_LIST = 200  # rows of a list at the most; the rest is found by the filters
_TALK = 200  # messages of a conversation that are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """One line of an alarm's timeline."""

    at: datetime  # aware
    what: str
    to: tuple[str, ...]  # names of who was told, for the lines of one moment together
    by: str | None  # name of who did it, if staff
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmView:
    """An alarm as the wall shows it."""

    id: int
    number: str
    kind: str
    level: int
    state: str
    place: str | None  # in words; None: nobody knows
    name: str | None  # of the resident
    text: str
    facts: tuple[tuple[str, str, bool], ...]  # what the bot has asked, the answer, whether that is grave
    raised_at: datetime  # aware
    on_site_due: datetime | None  # the promise to be on site, while it runs
    breach: bool
    taken_back: bool
    owner: str | None  # name of who acknowledged
    has_resident: bool
    code: str | None
    note: str | None
    resolved_at: datetime | None
    steps: tuple[StepView, ...]  # newest first

    @property
    def waiting(self) -> bool:
        """Whether no human has it yet."""
        return self.state == alarms.MACHINE.start


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """A hand-over in the list."""

    id: int
    state: str
    urgent: bool
    name: str | None  # of the resident
    place: str | None  # their home, in words
    reason: str
    summary: str
    queued_at: datetime
    staff_id: str | None
    owner: str | None  # name
    due: Standing | None  # the promise of a first answer
    conversation_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """One line of a talk: something said, or a private note."""

    key: str  # m:<id> or n:<id>
    author: str  # resident | bot | staff | note
    name: str | None  # of staff
    text: str
    buttons: tuple[str, ...]
    at: datetime
    delivery: str | None  # sent | seen | pending | failed, for what went to the resident


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """A case in the list."""

    id: int
    number: str
    kind: str
    state: str
    title: str
    place: str | None
    name: str | None
    urgency: str | None
    created_at: datetime
    starts_at: datetime | None
    clocks: tuple[Standing, ...]
    owner: str | None

    @property
    def colour(self) -> str:
        """The worst of its running clocks; a finished case has none."""
        running = {clock.colour for clock in self.clocks if clock.met_at is None}
        return next((colour for colour in ("red", "yellow") if colour in running), "blue")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDetail:
    """Everything of one case that its page shows."""

    case: CaseView
    text: str | None
    phone: str | None
    count: int | None
    ends_at: datetime | None
    me_too: int
    rating: int | None
    moves: tuple[str, ...]  # that are possible now
    history: tuple[StepView, ...]  # newest first


async def open_alarms(work: Work, visit: Visit) -> list[AlarmView]:
    """Alarms that are not over: those nobody has first, then by level, then by age."""
    found = await _alarms(work, visit, Alarm.state != "resolved", limit=_LIST)
    return sorted(found, key=lambda one: (one.level >= 5, not one.waiting, one.level, one.raised_at))


async def resolved_alarms(work: Work, visit: Visit, *, limit: int = 10) -> list[AlarmView]:
    """The last ones that are over, newest first."""
    found = await _alarms(work, visit, Alarm.state == "resolved", limit=limit)
    return sorted(found, key=lambda one: one.resolved_at or one.raised_at, reverse=True)


async def _alarms(work: Work, visit: Visit, condition: ColumnElement[bool], *, limit: int) -> list[AlarmView]:
    rows = (
        await work.session.execute(
            select(Alarm, Resident, Staff)
            .outerjoin(Resident, Resident.id == Alarm.resident_id)
            .outerjoin(Staff, Staff.id == Alarm.staff_id)
            .where(Alarm.community_id == work.community.id, condition)
            .order_by(Alarm.id.desc())
            .limit(limit)
        )
    ).all()
    steps = await _steps(work, visit, [row[0].id for row in rows])
    return [_alarm(visit, alarm, resident, owner, steps.get(alarm.id, ())) for alarm, resident, owner in rows]


def _alarm(
    visit: Visit, alarm: Alarm, resident: Resident | None, owner: Staff | None, steps: Sequence[StepView]
) -> AlarmView:
    stamps = [
        (name, getattr(alarm, f"{name}_at")) for name in ("acknowledged", "on_way", "on_site", "resolved")
    ]
    standings = clocks.standings(
        visit.house.world.clocks,
        kind="alarm",
        urgency=None,
        history=clocks.of_stamps(alarm.raised_at, stamps),
        now=visit.now,
        zone=visit.zone,
    )
    running = [one for one in standings if one.name == "on_site" and one.met_at is None]
    return AlarmView(
        id=alarm.id,
        number=alarm.number,
        kind=alarm.kind,
        level=alarm.level,
        state=alarm.state,
        place=_place(visit, alarm.place),
        name=resident.name if resident is not None else None,
        text=alarm.text,
        facts=_facts(alarm.facts),
        raised_at=alarm.raised_at,
        on_site_due=running[0].due_at if running and alarm.level < 5 else None,
        breach=alarm.breach,
        taken_back=alarm.taken_back_at is not None,
        owner=owner.name if owner is not None else None,
        has_resident=resident is not None,
        code=alarm.code,
        note=alarm.note,
        resolved_at=alarm.resolved_at,
        steps=tuple(steps),
    )


def _facts(facts: dict[str, Any]) -> tuple[tuple[str, str, bool], ...]:
    """The answers that have a word, in the order they came; grave is what raises the level (flows/emergency.yml)."""
    worse = plan().worse
    return tuple(
        (question, answer, answer in worse.get(question, ()))
        for question, answer in facts.items()
        if answer in ("yes", "no", "unknown")
    )


async def _steps(work: Work, visit: Visit, ids: Collection[int]) -> dict[int, list[StepView]]:
    """Timelines, newest first; who was told at one moment stands in one line."""
    rows = (
        await work.session.scalars(
            select(AlarmStep).where(AlarmStep.alarm_id.in_(ids)).order_by(AlarmStep.id)
        )
    ).all()
    names = await _names(work, visit, {row.to for row in rows if row.to})
    names |= await _staff_names(work, {row.by for row in rows if row.by})
    found: dict[int, list[StepView]] = {}
    for row in rows:
        lines = found.setdefault(row.alarm_id, [])
        to = (names.get(row.to, row.to),) if row.to else ()
        last = lines[-1] if lines else None
        if to and last is not None and last.to and (last.what, last.at) == (row.what, row.at):
            lines[-1] = StepView(
                at=last.at,
                what=last.what,
                to=tuple(dict.fromkeys((*last.to, *to))),
                by=last.by,
                detail=last.detail,
            )
            continue
        by = names.get((row.by or "").removeprefix("staff:"))
        lines.append(StepView(at=row.at, what=row.what, to=to, by=by, detail=row.detail))
    return {alarm: lines[::-1] for alarm, lines in found.items()}


async def _names(work: Work, visit: Visit, keys: set[str]) -> dict[str, str]:
    """Names of whoever was told: staff, contacts, the desk."""
    say = visit.words
    ids = [int(key.removeprefix("contact:")) for key in keys if key.startswith("contact:")]
    contacts = (await work.session.scalars(select(Contact).where(Contact.id.in_(ids)))).all() if ids else ()
    return {
        "desk": say("step.desk"),
        **await _staff_names(work, keys),
        **{
            f"contact:{one.id}": say("step.contact", relation=one.relation, name=one.name) for one in contacts
        },
    }


async def _staff_names(work: Work, keys: set[str]) -> dict[str, str]:
    ids = {key.removeprefix("staff:") for key in keys}
    rows = (
        await work.session.scalars(
            select(Staff).where(Staff.id.in_(ids), Staff.community_id == work.community.id)
        )
    ).all()
    return {member.id: member.name for member in rows}


async def queue(work: Work, visit: Visit) -> list[QueueView]:
    """Open hand-overs: urgent first, then who has waited longest (H2)."""
    return await _handoffs(work, visit, await handoffs.queue(work, limit=_LIST))


async def handoff(work: Work, visit: Visit, handoff_id: int) -> QueueView | None:
    """One hand-over, also a closed one."""
    found = await handoffs.get(work, str(handoff_id))
    return (await _handoffs(work, visit, [found]))[0] if found is not None else None


async def _handoffs(work: Work, visit: Visit, found: Sequence[Handoff]) -> list[QueueView]:
    people = {one.resident_id for one in found if one.resident_id is not None}
    known = {
        person: await conversations.with_home(work, person) for person in people
    }  # a queue is short; each is one look by key
    names = await _staff_names(work, {one.staff_id for one in found if one.staff_id})
    views = []
    for one in found:
        resident, home = known.get(one.resident_id, (None, None)) if one.resident_id else (None, None)
        stamps = [("first_answer", one.first_answer_at), ("cancelled", one.closed_at)]
        standings = clocks.standings(
            visit.house.world.clocks,
            kind="handoff",
            urgency=None,
            history=clocks.of_stamps(one.queued_at, stamps),
            now=visit.now,
            zone=visit.zone,
        )
        views.append(
            QueueView(
                id=one.id,
                state=one.state,
                urgent=one.urgency == "urgent",
                name=resident.name if resident is not None else None,
                place=_place(visit, place_of(home)),
                reason=one.reason,
                summary=one.summary,
                queued_at=one.queued_at,
                staff_id=one.staff_id,
                owner=names.get(one.staff_id or ""),
                due=standings[0] if standings else None,
                conversation_id=one.conversation_id,
            )
        )
    return views


async def talk(work: Work, handoff_id: int, conversation_id: int) -> list[LineView]:
    """What was said and noted, oldest first. Notes are here, and nowhere that a resident could look."""
    said = await conversations.recent(work, conversation_id, limit=_TALK)
    notes = await handoffs.notes(work, handoff_id)
    conversation = await work.session.get_one(Conversation, conversation_id)
    rows = await work.session.execute(
        select(Outgoing.message_id, Outgoing.state).where(
            Outgoing.message_id.in_([message.id for message in said])
        )
    )
    states = {int(message): state for message, state in rows.all() if message is not None}
    staff = {message.author for message in said if message.author.startswith("staff:")}
    names = await _staff_names(work, staff | {note.staff_id for note in notes})
    lines = [_line(message, names, _delivery(message, conversation, states)) for message in said]
    lines += [
        LineView(
            key=f"n:{note.id}",
            author="note",
            name=names.get(note.staff_id, note.staff_id),
            text=note.text,
            buttons=(),
            at=note.at,
            delivery=None,
        )
        for note in notes
    ]
    return sorted(lines, key=lambda line: line.at)


def _line(message: Message, names: dict[str, str], delivery: str | None) -> LineView:
    buttons = (message.payload or {}).get("buttons") or []
    author = message.author.partition(":")[0]
    return LineView(
        key=f"m:{message.id}",
        author=author,
        name=names.get(message.author.removeprefix("staff:")) if author == "staff" else None,
        text=message.text,
        buttons=tuple(str(each.get("title", "")) for each in buttons),
        at=message.at,
        delivery=delivery,
    )


def _delivery(message: Message, conversation: Conversation, states: dict[int, str]) -> str | None:
    if not message.author.startswith("staff:"):
        return None
    if message.id in states:
        return states[message.id]
    return "seen" if conversation.read_to >= message.id else "sent"


async def open_cases_of(work: Work, visit: Visit, view: QueueView) -> list[CaseView]:
    """The open cases of a hand-over's person (H3)."""
    found = await handoffs.get(work, str(view.id))
    if found is None:
        return []
    rows = await requests.of_person(
        work, resident_id=found.resident_id, conversation_id=found.conversation_id
    )
    seen = [row for row in rows if requests.may_see(row, visit.role, visit.staff_id)]
    return await _cases(work, visit, seen)


async def cases(work: Work, visit: Visit, *, kind: str | None, ended: bool) -> list[CaseView]:
    """Cases of the kinds this role sees: overdue first, then nearly due, then the oldest; ended ones newest first."""
    kinds = [each for each in visit.kinds if kind in (None, each)]
    finished = Request.state.in_(requests.ENDED)
    rows = (
        await work.session.scalars(
            select(Request)
            .where(
                Request.community_id == work.community.id,
                Request.kind.in_(kinds),
                requests.for_eyes_of(visit.role, visit.staff_id),
                finished if ended else ~finished,
            )
            .order_by(Request.id.desc())
            .limit(_LIST)
        )
    ).all()
    views = await _cases(work, visit, rows)
    if ended:
        return views
    order = {"red": 0, "yellow": 1, "blue": 2}
    return sorted(views, key=lambda one: (order[one.colour], one.starts_at or one.created_at))


async def case_detail(work: Work, visit: Visit, reference: str) -> CaseDetail | None:
    """One case; None when there is none or this role does not see its kind."""
    found = await requests.get(work, reference)
    if found is None or found.kind not in visit.kinds:
        return None
    if not requests.may_see(found, visit.role, visit.staff_id):
        return None
    history = (
        await work.session.scalars(
            select(RequestEvent).where(RequestEvent.request_id == found.id).order_by(RequestEvent.id)
        )
    ).all()
    names = await _staff_names(work, {event.actor for event in history})
    resident = await work.session.get(Resident, found.resident_id) if found.resident_id is not None else None
    return CaseDetail(
        case=(await _cases(work, visit, [found]))[0],
        text=found.text,
        phone=found.details.get("phone") or (resident.phone if resident is not None else None),
        count=found.count,
        ends_at=found.ends_at,
        me_too=len(found.details.get("me_too", ())),
        rating=found.rating,
        moves=requests.MACHINES[found.kind].possible(found.state),
        history=tuple(
            StepView(
                at=event.at,
                what=event.move,
                to=(),
                by=names.get(event.actor.removeprefix("staff:"), event.actor),
                detail=event.note,
            )
            for event in reversed(history)
        ),
    )


async def case_counts(work: Work, visit: Visit) -> dict[str, dict[str, int]]:
    """How many unfinished cases there are: kind → colour → number."""
    counts = {kind: {"red": 0, "yellow": 0, "blue": 0} for kind in visit.kinds}
    for one in await cases(work, visit, kind=None, ended=False):
        counts[one.kind][one.colour] += 1
    return counts


async def waiting_count(work: Work) -> int:
    """How many hand-overs nobody has taken."""
    return int(
        await work.session.scalar(
            select(func.count()).where(Handoff.community_id == work.community.id, Handoff.state == "queued")
        )
        or 0
    )


async def _cases(work: Work, visit: Visit, rows: Sequence[Request]) -> list[CaseView]:
    ids = [row.id for row in rows]
    events = (
        await work.session.scalars(
            select(RequestEvent).where(RequestEvent.request_id.in_(ids)).order_by(RequestEvent.id)
        )
    ).all()
    history: dict[int, list[RequestEvent]] = {}
    for event in events:
        history.setdefault(event.request_id, []).append(event)
    residents = await work.session.execute(
        select(Resident.id, Resident.name).where(Resident.id.in_({row.resident_id for row in rows}))
    )
    people: dict[int | None, str | None] = {int(key): name for key, name in residents.all()}
    staff = await _staff_names(work, {row.staff_id for row in rows if row.staff_id})
    world = visit.house.world
    return [
        CaseView(
            id=row.id,
            number=row.number,
            kind=row.kind,
            state=row.state,
            title=title(world, row, visit.language),
            place=_place(visit, row.place),
            name=people.get(row.resident_id),
            urgency=row.urgency,
            created_at=row.created_at,
            starts_at=row.starts_at,
            clocks=tuple(
                clocks.standings(
                    world.clocks,
                    kind=row.kind,
                    urgency=row.urgency,
                    history=history.get(row.id, ()),
                    now=visit.now,
                    zone=visit.zone,
                )
            ),
            owner=staff.get(row.staff_id or ""),
        )
        for row in rows
    ]


def _place(visit: Visit, place: dict[str, Any] | None) -> str | None:
    return visit.wording.place(place) if place and any(place.values()) else None
