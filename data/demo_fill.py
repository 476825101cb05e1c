"""Fills an empty database with the demo community of `data/demo` (O2), every time counted from now."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from data import alarms, checkins, conversations, handoffs, ledger, reminders, requests, residents
from data.content import Service, load_places, load_services
from data.content_demo import (
    DemoAlarm,
    DemoCase,
    DemoCommunity,
    DemoHandoff,
    DemoHours,
    DemoPlace,
    DemoResident,
    duties,
    moves_until,
)
from data.crypto import blind_index
from data.demo_reading import load_demo
from data.models import Community, Contact, Device, Resident, Shift, Staff
from data.opening import slot_at
from data.staff import hash_password
from data.work import Work

PASSWORD = "anlin-demo"  # noqa: S105  invented, printed at every start, refused outside a demo
"""Sign-in of every member of the demo's invented staff; it opens nothing but a demo."""

ROSTER_DAYS = 60
"""Days of duty that are planned ahead, and a few behind, so that reports have something to count."""
_DAYS_BEHIND = 30
_MOVE_TO = {
    "accepted": "accept",
    "on_site": "on_site",
    "done": "done",
    "answered": "done",
    "closed": "close",
    "cancelled": "cancel",
    "reopened": "reopen",
}
_ALARM_MOVES = {
    "acknowledged": "acknowledge",
    "on_way": "on_way",
    "on_site": "on_site",
    "resolved": "resolve",
}


async def fill(
    session: AsyncSession, *, now: datetime, demo: DemoCommunity | None = None, history: bool = True
) -> Community:
    """Write the community in the given transaction; `now` is aware. The database must be empty.

    `history`: with the cases, alarms, talks and reminders of the days before; without: only people, plans and duty.
    """
    demo = demo or load_demo()
    homes = {part: getattr(demo, part) for part in ("buildings", "units", "floors", "doors")}
    community = Community(
        key=demo.key, name=demo.name.zh, zone=demo.tz.key, demo=True, settings={"homes": homes}
    )
    session.add(community)
    await session.flush()
    filling = _Filling(demo, Work(session=session, now=now, community=community, actor="bot"))
    await filling.staff()
    for person in demo.residents.values():
        await filling.resident(person)
    await filling.plans()
    if not history:
        return community
    for case in demo.cases:
        await filling.case(case)
    for alarm in demo.alarms:
        await filling.alarm(alarm)
    await filling.reminders_and_devices()
    for handoff in demo.handoffs:
        await filling.handoff(handoff)
    for line in demo.hours:
        await filling.hours(line)
    return community


class _Filling:
    """The demo under way: who and what is in the database already."""

    def __init__(self, demo: DemoCommunity, work: Work) -> None:
        self._demo, self._work = demo, work
        self._residents: dict[str, Resident] = {}
        self._homes: dict[str, dict[str, Any] | None] = {}

    def _at(self, moment: datetime, actor: str) -> Work:
        return replace(self._work, now=moment, actor=actor)

    async def staff(self) -> None:
        """Staff with one password hash between them (each costs 50 ms), and their duty."""
        hashed = hash_password(PASSWORD)
        for member in self._demo.staff.values():
            self._work.session.add(
                Staff(
                    id=member.id,
                    community_id=self._work.community.id,
                    name=member.name,
                    role=member.role,
                    password=hashed,
                    phone=member.phone,
                    skills=list(member.skills),
                )
            )
        await self._work.session.flush()
        first = self._work.local.date() - timedelta(days=_DAYS_BEHIND)
        planned = duties(self._demo.shifts, first, _DAYS_BEHIND + ROSTER_DAYS, self._demo.tz)
        await self._work.session.execute(
            insert(Shift),
            [{"staff_id": duty.staff, "starts_at": duty.begins, "ends_at": duty.ends} for duty in planned],
        )

    async def resident(self, person: DemoResident) -> None:
        home = await residents.home_at(
            self._work, building=str(person.home.building), unit=person.home.unit, room=person.home.room
        )
        home.access_note = person.access_note
        made = Resident(
            community_id=self._work.community.id,
            key=person.id,
            home_id=home.id,
            name=person.name,
            phone=person.phone,
            phone_index=blind_index(f"phone:{person.phone}"),
            birth_year=str(person.born),
            health={"conditions": list(person.conditions), "medicines": list(person.medicines)},
            language=person.language,
            preferences={"type_size": person.type_px, "speech_rate": float(person.speech_rate)},
            lives_alone=person.lives_alone,
            high_risk=person.risk == "high",
            created_at=self._work.now,
        )
        self._work.session.add(made)
        await self._work.session.flush()
        self._residents[person.id] = made
        self._homes[person.id] = residents.place_of(home)
        for purpose in person.consents:
            await residents.consent(self._work, made, purpose=purpose)
        for position, contact in enumerate(person.contacts):
            self._work.session.add(
                Contact(
                    resident_id=made.id,
                    name=contact.name,
                    relation=contact.relation.zh,
                    phone=contact.phone,
                    notify_url=f"anlin://{contact.sender}" if contact.sender else None,
                    position=position,
                    consented_at=self._work.now if contact.consented else None,
                )
            )

    async def plans(self) -> None:
        """Check-in plans, asked in the conversation the resident writes in."""
        for plan in self._demo.plans:
            person = self._demo.residents[plan.resident]
            conversation = await conversations.enter(
                self._work, channel="terminal", sender=person.sender or f"demo:{person.id}"
            )
            rule = None
            if plan.days and plan.time is not None:
                days = ",".join(day[:2].upper() for day in plan.days)
                rule = (
                    f"FREQ=WEEKLY;BYDAY={days};BYHOUR={plan.time.hour};BYMINUTE={plan.time.minute};BYSECOND=0"
                )
            made = await checkins.plan(
                self._work,
                resident_id=self._residents[plan.resident].id,
                conversation_id=conversation.id,
                rrule=rule,
                visit_every_days=plan.visit_every_days,
            )
            if plan.pause_from is not None:
                until = plan.pause_until
                await checkins.pause(
                    self._work,
                    made,
                    first=plan.pause_from.at(self._work.local).date(),
                    last=until.at(self._work.local).date() if until else None,
                )

    async def case(self, case: DemoCase) -> None:
        """A case with its history, each move at its time by the function that makes such moves every day."""
        opened = self._at(case.at.at(self._work.local), "resident")
        place = self._place(case.place) or self._homes[case.resident]
        starts_at = case.starts_at.at(self._work.local) if case.starts_at else None
        if case.kind == "booking" and case.service is not None and starts_at is not None:
            made = await self._booking(opened, case, load_services()[case.service], starts_at)
            if made is None:
                return
        else:
            made = await requests.open_case(
                opened,
                kind=case.kind,
                resident_id=self._residents[case.resident].id,
                conversation_id=None,
                place=place,
                text=case.text,
                fault=case.fault,
                urgency=case.urgency,
                starts_at=starts_at,
            )
        for move in moves_until(case.moves, self._work.local):
            actor = f"staff:{move.by}" if move.by else "resident"
            work = self._at(move.at.at(self._work.local), actor)
            await requests.move(work, made, _MOVE_TO[move.state], note=move.note)
        if case.rating is not None and made.state in requests.ENDED:
            await requests.rate(opened, made, case.rating)

    async def _booking(self, opened: Work, case: DemoCase, service: Service, starts_at: datetime) -> Any:
        slot = slot_at(service, starts_at)
        if slot is None:
            return None  # a holiday: the demo then simply has one booking less
        return await requests.book(
            opened,
            requests.Booking(
                service=service.key,
                starts_at=slot.start,
                ends_at=slot.end,
                capacity=service.capacity,
                count=case.count,
                by_count=service.takes == "count",
            ),
            resident_id=self._residents[case.resident].id,
            conversation_id=None,
            place=self._homes[case.resident] if service.where == "home" else self._shared(service.place),
            text=case.text,
        )

    async def alarm(self, alarm: DemoAlarm) -> None:
        raised = self._at(alarm.at.at(self._work.local), "resident")
        made, _ = await alarms.raise_alarm(
            raised,
            kind=alarm.kind,
            level=alarm.level,
            source="demo",
            text=alarm.text,
            resident_id=self._residents[alarm.resident].id,
            place=self._homes[alarm.resident],
        )
        await alarms.step(raised, made, "notified", to="desk")
        for move in moves_until(alarm.moves, self._work.local):
            await alarms.move(
                self._at(move.at.at(self._work.local), f"staff:{move.by}"),
                made,
                _ALARM_MOVES[move.state],
                staff_id=move.by,
                code=alarm.code if move.state == "resolved" else None,
                note=alarm.note if move.state == "resolved" else move.note,
            )

    async def reminders_and_devices(self) -> None:
        for reminder in self._demo.reminders:
            conversation = await self._conversation(reminder.resident)
            await reminders.create(
                self._work,
                conversation,
                text=reminder.text,
                at=reminder.starts_at.at(self._work.local),
                rrule=reminder.rrule,
                medicine=reminder.medicine,
            )
        for device in self._demo.devices:
            self._work.session.add(
                Device(
                    community_id=self._work.community.id,
                    key=device.id,
                    resident_id=self._residents[device.resident].id,
                    registered_at=self._work.now,
                )
            )

    async def handoff(self, handoff: DemoHandoff) -> None:
        """A talk of the past with its lines, given back to the bot at its end."""
        conversation = await self._conversation(handoff.resident)
        lines = list(handoff.lines)
        for line in [
            line
            for line in lines
            if line.who != "resident" or line.at.at(self._work.local) <= self._work.local
        ]:
            work = self._at(line.at.at(self._work.local), "resident" if line.who == "resident" else "bot")
            if line.who == "resident":
                await conversations.hear(
                    work, conversation, external_id=None, text=line.text, payload=None, via="rest"
                )
            else:
                author = "bot" if line.who == "bot" else f"staff:{line.who}"
                await conversations.say(work, conversation, text=line.text, author=author)
        queued = self._at(handoff.at.at(self._work.local), "resident")
        made, _ = await handoffs.open_handoff(
            queued, conversation, reason=handoff.reason, summary=handoff.summary, urgency=handoff.urgency
        )
        for move in moves_until(handoff.moves, self._work.local):
            work = self._at(move.at.at(self._work.local), f"staff:{move.by}")
            if move.state == "active":
                await handoffs.take(work, made, conversation, staff_id=str(move.by))
                await handoffs.answered(work, made)
            else:
                await handoffs.close(work, made, conversation)

    async def hours(self, line: DemoHours) -> None:
        """A line of the time bank: given above zero, redeemed below."""
        work = self._at(line.at.at(self._work.local), "bot")
        who, minutes = self._residents[line.resident].id, abs(line.minutes)
        key = f"demo:{line.resident}:{work.now.isoformat()}"
        book = ledger.give if line.minutes > 0 else ledger.redeem
        await book(work, who, minutes, key=key, note=line.reason, about=None)

    async def _conversation(self, resident: str) -> Any:
        sender = self._demo.residents[resident].sender or f"demo:{resident}"
        return await conversations.enter(self._work, channel="rest", sender=sender)

    def _place(self, place: DemoPlace) -> dict[str, Any] | None:
        if not (place.building or place.place):
            return None
        shared = load_places().get(place.place or "")
        return {
            "building": place.building,
            "unit": place.unit,
            "room": place.room,
            "name": shared.name.zh if shared else None,
        }

    def _shared(self, key: str | None) -> dict[str, Any] | None:
        shared = load_places().get(key or "")
        return {"building": None, "unit": None, "room": None, "name": shared.name.zh} if shared else None
