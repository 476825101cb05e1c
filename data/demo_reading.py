"""Reads the demo community from `data/demo` and checks that everybody and everything named in it exists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from data.content import CATALOGUE_FOLDER, URGENCIES, load_faults, load_places, load_services
from data.content_demo import (
    DemoAlarm,
    DemoCase,
    DemoCommunity,
    DemoContact,
    DemoDevice,
    DemoHandoff,
    DemoHours,
    DemoLine,
    DemoMove,
    DemoPlace,
    DemoPlan,
    DemoQuestion,
    DemoReminder,
    DemoResident,
    DemoShift,
    DemoStaff,
    RelativeTime,
)
from data.content_reading import Entry, read_yaml

DEMO_FOLDER = Path(__file__).parent / "demo"

CASE_KINDS = ("repair", "booking", "complaint", "suggestion", "visit")
ROLES = ("officer", "repairer", "lead", "admin")
CONSENTS = ("service", "family", "health", "voice")
DEVICES = ("sos", "fall", "motion", "gas", "smoke")
CLOSING_CODES = ("helped", "ambulance", "fire_brigade", "police", "false_alarm", "duplicate", "drill")


class _Reader:
    """Reads the demo's files, with what the entries may point at."""

    def __init__(self, catalogue: Path) -> None:
        self.services, self.faults = load_services(catalogue), load_faults(catalogue)
        self.places = load_places(catalogue)
        self.residents: dict[str, DemoResident] = {}
        self.staff: dict[str, DemoStaff] = {}

    def when(self, entry: Entry, key: str) -> RelativeTime:
        part = entry.entry(key)
        ago = part.maybe("ago", part.string)
        if ago is not None:
            found = re.fullmatch(r"(\d+)([mhd])", ago)
            if found is None:
                raise part.wrong("ago", "must be a length of time like 25m, 3h or 2d")
            unit = {"m": "minutes", "h": "hours", "d": "days"}[found[2]]
            moment = RelativeTime(ago=timedelta(**{unit: int(found[1])}))
        elif part.has("day") == part.has("workday"):
            raise entry.wrong(
                key, 'must be like {ago: 25m}, {day: -1, time: "10:00"} or {workday: 1, time: "10:00"}'
            )
        else:
            day, workday = (part.maybe(k, lambda k: part.integer(k, -3660)) for k in ("day", "workday"))
            moment = RelativeTime(day=day, workday=workday, time=part.clock("time"))
        part.finish()
        return moment

    def place(self, entry: Entry, key: str) -> DemoPlace:
        part = entry.entry(key)
        place = DemoPlace(
            building=part.maybe("building", part.string),
            unit=part.maybe("unit", part.string),
            room=part.maybe("room", part.string),
            place=part.maybe("place", lambda k: part.one_of(k, tuple(self.places))),
        )
        part.finish()
        return place

    def resident(self, entry: Entry, key: str = "resident") -> str:
        return entry.one_of(key, tuple(self.residents))

    def moves(self, entry: Entry) -> tuple[DemoMove, ...]:
        return tuple(
            DemoMove(
                state=part.key("state"),
                at=self.when(part, "at"),
                by=self.staff_id(part),
                note=part.maybe("note", part.string),
            )
            for part in entry.entries("moves", f"{entry.label}, move")
        )

    def staff_id(self, entry: Entry, key: str = "by") -> str | None:
        return entry.maybe(key, lambda k: entry.one_of(k, tuple(self.staff)))

    def contact(self, entry: Entry) -> DemoContact:
        return DemoContact(
            id=entry.string("id"),
            name=entry.string("name"),
            relation=entry.text("relation"),
            phone=_phone(entry),
            sender=entry.maybe("sender", entry.string),
            consented=entry.flag("consented"),
            holds_key=entry.flag("holds_key"),
        )

    def person(self, entry: Entry) -> DemoResident:
        consents = entry.strings("consents")
        if unknown := set(consents) - set(CONSENTS):
            raise entry.wrong("consents", f"knows no {unknown.pop()!r}; write {', '.join(CONSENTS)}")
        return DemoResident(
            id=entry.string("id"),
            sender=entry.maybe("sender", entry.string),
            name=entry.string("name"),
            home=self.place(entry, "home"),
            language=entry.optional("language", lambda k: entry.one_of(k, ("zh", "en")), "zh"),
            phone=_phone(entry),
            born=entry.integer("born", 1900),
            lives_alone=entry.flag("lives_alone"),
            risk=entry.optional("risk", lambda k: entry.one_of(k, ("high", "other")), "other"),
            channel=entry.optional("channel", lambda k: entry.one_of(k, ("voice", "web", "telegram")), "web"),
            type_px=entry.optional("type_px", lambda k: entry.integer(k, 12), 24),
            speech_rate=float(entry.optional("speech_rate", entry.decimal, Decimal("3.5"))),
            consents=consents,
            access_note=entry.maybe("access_note", entry.string),
            conditions=entry.strings("conditions"),
            medicines=entry.strings("medicines"),
            contacts=tuple(self.contact(part) for part in entry.entries("contacts", "contact")),
        )

    def employee(self, entry: Entry) -> DemoStaff:
        return DemoStaff(
            id=entry.string("id"),
            name=entry.string("name"),
            role=entry.one_of("role", ROLES),
            phone=_phone(entry),
            skills=entry.strings("skills"),
        )

    def shift(self, entry: Entry) -> DemoShift:
        turns = tuple(
            tuple(turn.split()) for turn in entry.strings("turns", least=1)
        )  # "officer-1 repairer-1" is one group
        if strangers := {name for turn in turns for name in turn} - set(self.staff):
            raise entry.wrong("turns", f"name {strangers.pop()!r}, who is not on the staff list above")
        return DemoShift(key=entry.key(), begins=entry.clock("begins"), ends=entry.clock("ends"), turns=turns)

    def plan(self, entry: Entry) -> DemoPlan:
        paused = entry.maybe("pause", entry.entry)
        plan = DemoPlan(
            resident=self.resident(entry),
            days=entry.weekdays("days") if entry.maybe("days", lambda _: True) else (),
            time=entry.maybe("time", entry.clock),
            visit_every_days=entry.integer("visit_every_days", 1),
            pause_from=self.when(paused, "from") if paused else None,
            pause_until=self.when(paused, "until") if paused else None,
            pause_reason=paused.string("reason") if paused else None,
        )
        if bool(plan.days) != (plan.time is not None):
            raise entry.error("check-ins need both `days` and `time`; leave both out for visits only")
        if paused:
            paused.finish()
        return plan

    def case(self, entry: Entry) -> DemoCase:
        kind, resident = entry.one_of("kind", CASE_KINDS), self.resident(entry)
        case = DemoCase(
            kind=kind,
            resident=resident,
            at=self.when(entry, "at"),
            text=entry.string("text"),
            service=entry.maybe("service", lambda k: entry.one_of(k, tuple(self.services))),
            fault=entry.maybe("fault", lambda k: entry.one_of(k, tuple(self.faults))),
            place=self.place(entry, "place") if entry.has("place") else self.residents[resident].home,
            urgency=entry.maybe("urgency", lambda k: entry.one_of(k, URGENCIES)),
            starts_at=entry.maybe("starts_at", lambda k: self.when(entry, k)),
            count=entry.maybe("count", lambda k: entry.integer(k, 1)),
            moves=self.moves(entry),
            rating=entry.maybe("rating", lambda k: entry.integer(k, 1)),
            rating_words=entry.maybe("rating_words", entry.string),
        )
        if (kind == "booking") != (case.service is not None) or (kind == "repair") != (
            case.fault is not None
        ):
            raise entry.error("a booking names its `service` and a repair its `fault`, the others neither")
        if (kind in ("booking", "visit")) != (case.starts_at is not None):
            raise entry.error("a booking or visit has `starts_at`, the others have not")
        return case

    def alarm(self, entry: Entry) -> DemoAlarm:
        return DemoAlarm(
            kind=entry.key("kind"),
            level=entry.integer("level", 1),
            resident=self.resident(entry),
            at=self.when(entry, "at"),
            text=entry.string("text"),
            moves=self.moves(entry),
            code=entry.one_of("code", CLOSING_CODES),
            note=entry.string("note"),
        )

    def reminder(self, entry: Entry) -> DemoReminder:
        return DemoReminder(
            resident=self.resident(entry),
            text=entry.string("text"),
            starts_at=self.when(entry, "starts_at"),
            rrule=entry.maybe("rrule", entry.string),
            medicine=entry.flag("medicine"),
        )

    def handoff(self, entry: Entry) -> DemoHandoff:
        return DemoHandoff(
            resident=self.resident(entry),
            at=self.when(entry, "at"),
            reason=entry.key("reason"),
            urgency=entry.one_of("urgency", URGENCIES),
            summary=entry.string("summary"),
            lines=tuple(
                DemoLine(
                    who=line.one_of("who", ("resident", "bot", *self.staff)),
                    at=self.when(line, "at"),
                    text=line.string("text"),
                )
                for line in entry.entries("lines", "line")
            ),
            moves=self.moves(entry),
        )

    def ledger_line(self, entry: Entry) -> DemoHours:
        return DemoHours(
            resident=self.resident(entry),
            at=self.when(entry, "at"),
            minutes=entry.integer("minutes", -100_000),
            reason=entry.string("reason"),
        )

    def device(self, entry: Entry) -> DemoDevice:
        return DemoDevice(
            id=entry.string("id"),
            kind=entry.one_of("kind", DEVICES),
            resident=self.resident(entry),
            room=entry.string("room"),
        )

    def question(self, entry: Entry) -> DemoQuestion:
        return DemoQuestion(
            resident=self.resident(entry), at=self.when(entry, "at"), text=entry.string("text")
        )


def _phone(entry: Entry, key: str = "phone") -> str:
    value = entry.string(key)
    if not re.fullmatch(r"\+\d{8,15}", value):
        raise entry.wrong(key, f"must be a number like '+8613800000000', not {value!r}")
    return value


def _by_id(entries: Iterable[tuple[Entry, str]]) -> None:
    seen: set[str] = set()
    for entry, name in entries:
        if name in seen:
            raise entry.error(f"{name!r} is used twice; give one of the two another")
        seen.add(name)


@cache
def load_demo(folder: Path = DEMO_FOLDER, catalogue: Path = CATALOGUE_FOLDER) -> DemoCommunity:
    """The demo community; its services, faults and places are those of the catalogue.

    Raises:
        ContentError: naming file, line, entry and what to change.
    """
    reader = _Reader(catalogue)
    top, people, staff = (read_yaml(folder / f"{name}.yml") for name in ("community", "residents", "staff"))
    cases, events = (read_yaml(folder / f"{name}.yml") for name in ("cases", "events"))
    residents = [(entry, reader.person(entry)) for entry in people.entries("residents", "resident")]
    _by_id((entry, person.id) for entry, person in residents)
    _by_id((entry, person.sender) for entry, person in residents if person.sender)
    reader.residents.update((person.id, person) for _, person in residents)
    employees = [(entry, reader.employee(entry)) for entry in staff.entries("staff", "member of staff")]
    _by_id((entry, employee.id) for entry, employee in employees)
    reader.staff.update((employee.id, employee) for _, employee in employees)
    phones, homes = top.entry("phones"), top.entry("homes")
    community = DemoCommunity(
        key=top.key(),
        name=top.text("name"),
        tz=ZoneInfo(top.string("tz")),
        phones=MappingProxyType({name: _phone(phones, name) for name in phones.members()}),
        **{part: homes.integer(part, 1) for part in ("buildings", "units", "floors", "doors")},
        places=reader.places,
        residents=MappingProxyType(reader.residents),
        plans=tuple(reader.plan(entry) for entry in people.entries("plans", "plan")),
        staff=MappingProxyType(reader.staff),
        shifts=tuple(reader.shift(entry) for entry in staff.entries("shifts", "shift")),
        cases=tuple(reader.case(entry) for entry in cases.entries("cases", "case")),
        alarms=tuple(reader.alarm(entry) for entry in events.entries("alarms", "alarm")),
        reminders=tuple(reader.reminder(entry) for entry in events.entries("reminders", "reminder")),
        handoffs=tuple(reader.handoff(entry) for entry in events.entries("handoffs", "handoff")),
        hours=tuple(reader.ledger_line(entry) for entry in events.entries("hours", "line")),
        devices=tuple(reader.device(entry) for entry in events.entries("devices", "device")),
        unanswered=tuple(reader.question(entry) for entry in events.entries("unanswered", "question")),
    )
    for part in (homes, top, people, staff, cases, events):
        part.finish()
    return community
