"""What the demo community is made of: people, staff, duties and cases; every time in them is counted from now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from data.content import SharedPlace
from data.content_reading import Text, Weekday
from data.opening import nth_workday


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativeTime:
    """A moment counted from now, so that a demo is fresh on any day: either `ago`, or a day with a time."""

    ago: timedelta | None = None  # that long before now
    day: int | None = None  # days after today; negative: before
    workday: int | None = None  # working days after today; negative: before
    time: time | None = None  # on that day, by the community's clock

    def at(self, now: datetime) -> datetime:
        """That moment; `now` is aware and in the community's zone."""
        if self.ago is not None:
            return (now.astimezone(UTC) - self.ago).astimezone(now.tzinfo)
        assert self.time is not None
        if self.workday is not None:
            return datetime.combine(nth_workday(now.date(), self.workday), self.time, tzinfo=now.tzinfo)
        return datetime.combine(now.date() + timedelta(days=self.day or 0), self.time, tzinfo=now.tzinfo)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlace:
    """A home, a building, or a shared place; empty parts are not known."""

    building: str | None = None  # 1–12
    unit: str | None = None  # 1–3
    room: str | None = None  # floor and door in digits: 1203
    place: str | None = None  # key of a shared place


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoContact:
    """Somebody to call for a resident."""

    id: str  # e.g. contact-elder-1
    name: str
    relation: Text  # 女儿 / daughter
    phone: str  # E.164
    sender: str | None  # the channel address they can be written to
    consented: bool  # agreed to be told about check-ins and alarms
    holds_key: bool  # has a key to the home


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResident:
    """One invented resident."""

    id: str  # e.g. elder-1
    sender: str | None  # how they write, demo:elder-1; None: known to the desk only, writes on no channel
    name: str
    home: DemoPlace
    language: str  # zh or en
    phone: str  # E.164
    born: int  # year
    lives_alone: bool
    risk: str  # high (weekly visits) or other (monthly visits, when living alone)
    channel: str  # voice, web or telegram: where they are spoken to
    type_px: int  # type size on their screen, pixels
    speech_rate: float  # characters a second
    consents: tuple[str, ...]  # purposes agreed to: service, family, health, voice
    access_note: str | None  # dossier: how to get in
    conditions: tuple[str, ...]  # dossier
    medicines: tuple[str, ...]  # dossier
    contacts: tuple[DemoContact, ...]  # in the order in which they are called


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlan:
    """The check-ins and visits of one elder (K1)."""

    resident: str  # id
    days: tuple[Weekday, ...]  # on which days it is asked; empty: visits only
    time: time | None  # when it is asked; None: visits only
    visit_every_days: int  # 7 for high risk, 30 for the others
    pause_from: RelativeTime | None  # no check-ins from here …
    pause_until: RelativeTime | None  # … to here (K6)
    pause_reason: str | None  # why


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoStaff:
    """One invented member of staff."""

    id: str  # e.g. officer-1
    name: str
    role: str  # officer, repairer, lead or admin
    phone: str  # E.164
    skills: tuple[str, ...]  # what they can take: repair groups, talk, elders, english …


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoShift:
    """A duty that several people take in turn, a day each."""

    key: str  # day or night
    begins: time  # by the community's clock
    ends: time  # on the next day when not after `begins`
    turns: tuple[tuple[str, ...], ...]  # who is on duty together, one group a day, then from the start again


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoMove:
    """One step in the life of a case. A step later than now has not happened yet."""

    state: str  # the state after it
    at: RelativeTime
    by: str | None  # staff id; None: the resident or the bot
    note: str | None  # what was written down


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoCase:
    """One invented request: a repair, booking, complaint, suggestion or visit."""

    kind: str  # repair, booking, complaint, suggestion or visit
    resident: str  # id
    at: RelativeTime  # when it was made
    text: str  # in the resident's words
    service: str | None  # key, for a booking
    fault: str | None  # key, for a repair
    place: DemoPlace  # the resident's home unless said otherwise
    urgency: str | None  # for a repair
    starts_at: RelativeTime | None  # for a booking or a visit
    count: int | None  # portions or people
    moves: tuple[DemoMove, ...]  # in order
    rating: int | None  # 1–5
    rating_words: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAlarm:
    """One invented alarm, long over: a demo never starts with a cry for help."""

    kind: str  # one of EMERGENCY_KINDS
    level: int  # 1–5
    resident: str  # id
    at: RelativeTime
    text: str  # what was heard
    moves: tuple[DemoMove, ...]  # acknowledged, on_way, on_site, resolved
    code: str  # closing code
    note: str  # closing note


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReminder:
    """One invented reminder (F5)."""

    resident: str  # id
    text: str
    starts_at: RelativeTime
    rrule: str | None  # None: once
    medicine: bool  # asks "taken?"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoLine:
    """One line of an invented conversation."""

    who: str  # resident, bot, or a staff id
    at: RelativeTime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoHandoff:
    """One invented conversation that a person took over (H2)."""

    resident: str  # id
    at: RelativeTime  # queued
    reason: str
    urgency: str
    summary: str
    lines: tuple[DemoLine, ...]
    moves: tuple[DemoMove, ...]  # active, closed


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoHours:
    """One line of the time bank's ledger (F11)."""

    resident: str  # id
    at: RelativeTime
    minutes: int  # given: above 0; redeemed: below
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoDevice:
    """One invented device in a home (E9)."""

    id: str  # e.g. sos-3-2-501
    kind: str  # sos, fall, motion, gas, smoke
    resident: str  # id
    room: str  # where in the flat


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoQuestion:
    """A question that nobody could answer, listed for staff (F8)."""

    resident: str  # id
    at: RelativeTime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoCommunity:
    """The whole demo: one community with homes, people, staff and cases, all invented."""

    key: str
    name: Text
    tz: ZoneInfo
    phones: Mapping[str, str]  # desk, lead, property, clinic …: numbers people can call
    buildings: int  # 1 … this
    units: int  # of each building
    floors: int  # of each unit
    doors: int  # of each floor
    places: Mapping[str, SharedPlace]
    residents: Mapping[str, DemoResident]  # by id
    plans: tuple[DemoPlan, ...]
    staff: Mapping[str, DemoStaff]  # by id
    shifts: tuple[DemoShift, ...]
    cases: tuple[DemoCase, ...]
    alarms: tuple[DemoAlarm, ...]
    reminders: tuple[DemoReminder, ...]
    handoffs: tuple[DemoHandoff, ...]
    hours: tuple[DemoHours, ...]
    devices: tuple[DemoDevice, ...]
    unanswered: tuple[DemoQuestion, ...]

    def homes(self) -> Iterator[DemoPlace]:
        """Every home of the community, occupied or not, in order."""
        for building in range(1, self.buildings + 1):
            for unit in range(1, self.units + 1):
                for floor in range(1, self.floors + 1):
                    for door in range(1, self.doors + 1):
                        yield DemoPlace(building=str(building), unit=str(unit), room=f"{floor}{door:02d}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One person's duty on one day."""

    staff: str  # id
    shift: str  # key of the shift
    begins: datetime  # aware, in the community's zone
    ends: datetime  # aware, in the community's zone


def duties(shifts: Sequence[DemoShift], first: date, days: int, tz: tzinfo) -> tuple[Duty, ...]:
    """Who is on duty from `first` on for that many days; whose turn it is depends on the date alone."""
    found = []
    for day in (first + timedelta(days=n) for n in range(days)):
        for shift in shifts:
            last = day if shift.ends > shift.begins else day + timedelta(days=1)
            for staff in shift.turns[day.toordinal() % len(shift.turns)]:
                found.append(
                    Duty(
                        staff=staff,
                        shift=shift.key,
                        begins=datetime.combine(day, shift.begins, tzinfo=tz),
                        ends=datetime.combine(last, shift.ends, tzinfo=tz),
                    )
                )
    return tuple(found)


def moves_until(moves: Sequence[DemoMove], now: datetime) -> tuple[DemoMove, ...]:
    """The steps that have happened by now."""
    return tuple(move for move in moves if move.at.at(now).astimezone(UTC) <= now.astimezone(UTC))
