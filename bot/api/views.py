"""From what is remembered to what the API answers: times on the community's clock, clocks worked out, nothing hidden added."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.api import shapes
from data import alarms as alarm_cases
from data import clocks, conversations, handoffs, listing
from data import requests as cases
from data.content import Service
from data.models import (
    Alarm,
    AlarmStep,
    Audit,
    Checkin,
    Conversation,
    Device,
    Handoff,
    HandoffNote,
    Message,
    Reminder,
    Request,
    RequestEvent,
    Resident,
    Shift,
    Staff,
)
from data.work import Work
from flows.alarm_staff import Dossier
from flows.state import Dialogue
from flows.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How the answers of one request are made: whose clock, which promises."""

    work: Work
    world: World

    def at(self, moment: datetime) -> datetime:
        """A moment on the community's clock."""
        return moment.astimezone(self.work.zone)

    def maybe(self, moment: datetime | None) -> datetime | None:
        """The same for a moment that may be missing."""
        return None if moment is None else self.at(moment)

    # Cases

    async def requests(self, rows: Sequence[Request]) -> list[shapes.RequestOut]:
        """Cases with their clocks."""
        histories = await listing.histories(self.work, [row.id for row in rows])
        return [shapes.RequestOut(**self._request(row, histories.get(row.id, ()))) for row in rows]

    async def request(self, row: Request) -> shapes.RequestFull:
        """One case with its history."""
        history = (await listing.histories(self.work, [row.id])).get(row.id, ())
        moves = [
            shapes.MoveOut(
                at=self.at(event.at),
                actor=event.actor,
                move=event.move,
                before=event.before,
                after=event.after,
                note=event.note,
            )
            for event in history
        ]
        return shapes.RequestFull(**self._request(row, history), history=moves)

    def _request(self, row: Request, history: Sequence[RequestEvent]) -> dict[str, Any]:
        return {
            "id": row.id,
            "number": row.number,
            "kind": row.kind,
            "state": row.state,
            "resident": row.resident_id,
            "conversation": row.conversation_id,
            "staff": row.staff_id,
            "place": place(row.place),
            "fault": row.fault,
            "urgency": row.urgency,
            "service": row.service,
            "starts_at": self.maybe(row.starts_at),
            "ends_at": self.maybe(row.ends_at),
            "count": row.count,
            "text": row.text,
            "details": row.details,
            "clocks": self._clocks(row.kind, row.urgency, history),
            "rating": row.rating,
            "reopened": row.reopened,
            "created_at": self.at(row.created_at),
            "closed_at": self.maybe(row.closed_at),
            "possible": list(cases.MACHINES[row.kind].possible(row.state)),
        }

    def _clocks(
        self, kind: str, urgency: str | None, history: Sequence[clocks.Step]
    ) -> list[shapes.ClockOut]:
        return [
            shapes.ClockOut(name=found.name, due_at=found.due_at, met_at=found.met_at, colour=found.colour)
            for found in clocks.standings(
                self.world.clocks,
                kind=kind,
                urgency=urgency,
                history=history,
                now=self.work.now,
                zone=self.work.zone,
            )
        ]

    # Alarms

    async def alarms(self, rows: Sequence[Alarm]) -> list[shapes.AlarmOut]:
        """Alarms with their timelines."""
        steps = await listing.steps(self.work, [row.id for row in rows])
        return [shapes.AlarmOut(**self._alarm(row, steps.get(row.id, ()))) for row in rows]

    async def acknowledged(self, row: Alarm, dossier: Dossier | None) -> shapes.AcknowledgedOut:
        """An alarm with what helpers need to know."""
        steps = await listing.steps(self.work, [row.id])
        return shapes.AcknowledgedOut(
            **self._alarm(row, steps.get(row.id, ())),
            dossier=None if dossier is None else self.dossier(dossier),
        )

    def dossier(self, found: Dossier) -> shapes.DossierOut:
        """What helpers need to know about a person."""
        return shapes.DossierOut(
            resident=found.resident_id,
            name=found.name,
            phone=found.phone,
            birth_year=found.birth_year,
            lives_alone=found.lives_alone,
            high_risk=found.high_risk,
            home=place(found.home),
            access_note=found.access_note,
            conditions=list(found.conditions),
            medicines=list(found.medicines),
            contacts=[
                shapes.ReachableOut(name=one.name, relation=one.relation, phone=one.phone)
                for one in found.contacts
            ],
        )

    def _alarm(self, row: Alarm, steps: Sequence[AlarmStep]) -> dict[str, Any]:
        stamps = [("acknowledged", row.acknowledged_at), ("on_site", row.on_site_at)]
        if row.resolved_at is not None and row.on_site_at is None:
            stamps.append(("cancelled", row.resolved_at))  # settled without going there: no clock runs on
        history = clocks.of_stamps(row.raised_at, stamps)
        return {
            "id": row.id,
            "number": row.number,
            "kind": row.kind,
            "level": row.level,
            "state": row.state,
            "source": row.source,
            "resident": row.resident_id,
            "conversation": row.conversation_id,
            "staff": row.staff_id,
            "place": place(row.place),
            "text": row.text,
            "raised_at": self.at(row.raised_at),
            "acknowledged_at": self.maybe(row.acknowledged_at),
            "on_way_at": self.maybe(row.on_way_at),
            "on_site_at": self.maybe(row.on_site_at),
            "resolved_at": self.maybe(row.resolved_at),
            "taken_back_at": self.maybe(row.taken_back_at),
            "breach": row.breach,
            "code": row.code,
            "note": row.note,
            "clocks": self._clocks("alarm", None, history),
            "possible": list(alarm_cases.MACHINE.possible(row.state)),
            "steps": [
                shapes.StepOut(
                    at=self.at(step.at), what=step.what, to=step.to, by=step.by, detail=step.detail
                )
                for step in steps
            ],
        }

    # Conversations and hand-overs

    def message(self, row: Message) -> shapes.MessageOut:
        """One thing said."""
        buttons = (row.payload or {}).get("buttons")
        return shapes.MessageOut(
            id=row.id, at=self.at(row.at), author=row.author, text=row.text, buttons=buttons
        )

    def note(self, row: HandoffNote) -> shapes.NoteOut:
        """One private note."""
        return shapes.NoteOut(id=row.id, at=self.at(row.at), staff=row.staff_id, text=row.text)

    def handoff(self, row: Handoff) -> shapes.HandoffOut:
        """A hand-over without its messages."""
        return shapes.HandoffOut(**self._handoff(row))

    async def handoff_full(self, row: Handoff) -> shapes.HandoffFull:
        """A hand-over with what whoever takes it should know (H3)."""
        work = self.work
        talk = await work.session.get(Conversation, row.conversation_id)
        begun = Dialogue.from_json(talk.state if talk is not None else {}).stack
        open_cases = await cases.of_person(
            work, resident_id=row.resident_id, conversation_id=row.conversation_id
        )
        return shapes.HandoffFull(
            **self._handoff(row),
            doing=[shapes.DoingOut(flow=frame.flow, slots=frame.slots) for frame in reversed(begun)],
            open_cases=[case.number for case in open_cases],
            messages=[self.message(one) for one in await conversations.recent(work, row.conversation_id)],
            notes=[self.note(one) for one in await handoffs.notes(work, row.id)],
        )

    def _handoff(self, row: Handoff) -> dict[str, Any]:
        stamps = [("first_answer", row.first_answer_at)]
        if row.first_answer_at is None:
            stamps.append(("cancelled", row.closed_at))  # closed without an answer: the clock stops there
        owner = {"queued": "queue", "closed": "bot"}.get(row.state) or row.staff_id or "queue"
        return {
            "id": row.id,
            "state": row.state,
            "owner": owner,
            "staff": row.staff_id,
            "urgency": row.urgency,
            "reason": row.reason,
            "reference": row.reference,
            "summary": row.summary,
            "resident": row.resident_id,
            "conversation": row.conversation_id,
            "queued_at": self.at(row.queued_at),
            "taken_at": self.maybe(row.taken_at),
            "first_answer_at": self.maybe(row.first_answer_at),
            "closed_at": self.maybe(row.closed_at),
            "rating": row.rating,
            "rating_words": row.rating_words,
            "clocks": self._clocks("handoff", None, clocks.of_stamps(row.queued_at, stamps)),
        }

    def conversation(self, row: Conversation) -> shapes.ConversationOut:
        """A conversation without its messages."""
        return shapes.ConversationOut(**self._conversation(row))

    def conversation_full(self, row: Conversation, messages: Iterable[Message]) -> shapes.ConversationFull:
        """A conversation with its last messages."""
        return shapes.ConversationFull(
            **self._conversation(row), messages=[self.message(one) for one in messages]
        )

    def _conversation(self, row: Conversation) -> dict[str, Any]:
        return {
            "id": row.id,
            "channel": row.channel,
            "resident": row.resident_id,
            "owner": row.staff_id if row.owner == "staff" else row.owner,
            "language": row.language,
            "created_at": self.at(row.created_at),
            "last_in_at": self.maybe(row.last_in_at),
        }

    # People

    async def residents(self, rows: Sequence[Resident]) -> list[shapes.ResidentOut]:
        """Residents with home, contacts and consents."""
        ids = [row.id for row in rows]
        homes = await listing.homes(self.work, [row.home_id for row in rows])
        contacts = await listing.contacts(self.work, ids)
        consents = await listing.consents(self.work, ids)
        return [
            shapes.ResidentOut(
                id=row.id,
                key=row.key,
                name=row.name,
                home=place(homes[row.home_id].address) if row.home_id is not None else None,
                phone=row.phone,
                language=row.language,
                lives_alone=row.lives_alone,
                high_risk=row.high_risk,
                contacts=[
                    shapes.ContactOut(
                        id=one.id,
                        name=one.name,
                        relation=one.relation,
                        phone=one.phone,
                        consented=one.consented_at is not None,
                    )
                    for one in contacts.get(row.id, ())
                ],
                consents=[
                    shapes.ConsentOut(
                        purpose=one.purpose,
                        version=one.version,
                        given_at=self.at(one.given_at),
                        withdrawn_at=self.maybe(one.withdrawn_at),
                    )
                    for one in consents.get(row.id, ())
                ],
                created_at=self.at(row.created_at),
            )
            for row in rows
        ]

    def staff(self, row: Staff, *, on_duty: bool) -> shapes.StaffOut:
        """A member of staff."""
        return shapes.StaffOut(
            id=row.id,
            name=row.name,
            role=row.role,
            skills=row.skills,
            active=row.active,
            on_duty=on_duty,
            seen_at=self.maybe(row.seen_at),
        )

    def shift(self, row: Shift, member: Staff) -> shapes.ShiftOut:
        """One stretch of duty."""
        return shapes.ShiftOut(
            id=row.id,
            staff=row.staff_id,
            name=member.name,
            role=member.role,
            starts_at=self.at(row.starts_at),
            ends_at=self.at(row.ends_at),
        )

    # Small things

    def reminder(self, row: Reminder) -> shapes.ReminderOut:
        """A reminder."""
        return shapes.ReminderOut(
            id=row.id,
            text=row.text,
            next_at=self.maybe(row.next_at),
            rrule=row.rrule,
            until=self.maybe(row.until),
            medicine=row.medicine,
            state=row.state,
            missed=row.missed,
            resident=row.resident_id,
            created_at=self.at(row.created_at),
        )

    def checkin(self, row: Checkin) -> shapes.CheckinOut:
        """A check-in."""
        return shapes.CheckinOut(
            id=row.id,
            resident=row.resident_id,
            due_at=self.at(row.due_at),
            state=row.state,
            asked_at=self.maybe(row.asked_at),
            answered_at=self.maybe(row.answered_at),
            steps=[
                shapes.StepOut(at=datetime.fromisoformat(step["at"]), what=step["what"], to=step.get("to"))
                for step in row.steps
            ],
        )

    def device(self, row: Device) -> shapes.DeviceOut:
        """A device."""
        return shapes.DeviceOut(
            id=row.id,
            key=row.key,
            registered=row.registered_at is not None,
            resident=row.resident_id,
            heartbeat_seconds=row.heartbeat_seconds,
            seen_at=self.maybe(row.seen_at),
            via=row.via,
            battery=row.battery,
        )

    def audit(self, row: Audit) -> shapes.AuditOut:
        """A line of the audit."""
        return shapes.AuditOut(
            id=row.id,
            at=self.at(row.at),
            actor=row.actor,
            action=row.action,
            subject=row.subject,
            detail=row.detail,
        )


def place(found: dict[str, Any] | None) -> shapes.PlaceOut | None:
    """A place as it stands in a case; a field nobody knows is null."""
    if found is None:
        return None
    return shapes.PlaceOut(
        **{
            name: None if found.get(name) is None else str(found[name])
            for name in shapes.PlaceOut.model_fields
        }
    )


def service(found: Service) -> shapes.ServiceOut:
    """A service of the catalogue."""
    days = found.open.days if isinstance(found.open.days, str) else list(found.open.days)
    hours = [f"{_clock(one.opens)}-{_clock(one.closes)}" for one in found.open.hours]
    return shapes.ServiceOut(
        key=found.key,
        name=found.name.zh,
        name_en=found.name.en,
        kind=found.kind.key,
        kind_name=found.kind.name.zh,
        description=found.description.zh,
        open={"days": days, "hours": hours, "holidays": found.open.holidays},
        capacity=found.capacity,
        takes=found.takes,
        slot_minutes=found.slot_minutes,
        notice=found.notice_minutes,
        price={"text": found.price.text.zh, "cents": found.price.cents},
        where=found.where,
        place=found.place,
    )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
