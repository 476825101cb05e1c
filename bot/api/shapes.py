"""What the API answers with: one record for each resource, as `interfaces.md` names its fields."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Listed(BaseModel, Generic[T]):
    """A part of a list, newest first."""

    items: list[T]
    next: str | None = Field(None, description="Send it as `after` for the next part; null: that was all")


class Problem(BaseModel):
    """RFC 9457: what went wrong, with a stable code."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str = Field(description="Stable, for programs: not_found, illegal_move, handoff_taken, invalid …")
    detail: str = Field(description="One sentence for people")


class PlaceOut(BaseModel):
    """A place: a flat, or a shared one by name."""

    building: str | None = None
    unit: str | None = None
    room: str | None = None
    name: str | None = None


class ClockOut(BaseModel):
    """One promise and how it stands."""

    name: str
    due_at: datetime
    met_at: datetime | None
    colour: str = Field(description="blue in time, yellow from 75 % of the time, red over it")


class MoveOut(BaseModel):
    """One line of a case's history."""

    at: datetime
    actor: str
    move: str
    before: str | None
    after: str
    note: str | None


class RequestOut(BaseModel):
    """A repair, booking, complaint, suggestion or visit."""

    id: int
    number: str
    kind: str
    state: str
    resident: int | None
    conversation: int | None
    staff: str | None
    place: PlaceOut | None
    fault: str | None
    urgency: str | None
    service: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    count: int | None
    text: str | None
    details: dict[str, Any] = Field(description="Note, phone, picture, me-too …, as the flow collected them")
    clocks: list[ClockOut]
    rating: int | None
    reopened: int
    created_at: datetime
    closed_at: datetime | None
    possible: list[str] = Field(description="The moves that are possible now")


class RequestFull(RequestOut):
    """The same with its history."""

    history: list[MoveOut]


class StepOut(BaseModel):
    """One line of an alarm's or a check-in's timeline."""

    at: datetime
    what: str
    to: str | None = None
    by: str | None = None
    detail: str | None = None


class AlarmOut(BaseModel):
    """An alarm and everything that was done about it."""

    id: int
    number: str
    kind: str
    level: int
    state: str
    source: str
    resident: int | None
    conversation: int | None
    staff: str | None
    place: PlaceOut | None
    text: str
    raised_at: datetime
    acknowledged_at: datetime | None
    on_way_at: datetime | None
    on_site_at: datetime | None
    resolved_at: datetime | None
    taken_back_at: datetime | None
    breach: bool
    code: str | None
    note: str | None
    clocks: list[ClockOut]
    possible: list[str]
    steps: list[StepOut]


class ContactOut(BaseModel):
    """Somebody to tell."""

    id: int
    name: str
    relation: str
    phone: str | None
    consented: bool


class ConsentOut(BaseModel):
    """One agreement."""

    purpose: str
    version: str
    given_at: datetime
    withdrawn_at: datetime | None


class ResidentOut(BaseModel):
    """A resident."""

    id: int
    key: str | None
    name: str | None
    home: PlaceOut | None
    phone: str | None
    language: str
    lives_alone: bool
    high_risk: bool
    contacts: list[ContactOut]
    consents: list[ConsentOut]
    created_at: datetime


class ReachableOut(BaseModel):
    """Somebody helpers can call."""

    name: str
    relation: str
    phone: str | None


class DossierOut(BaseModel):
    """What helpers need to know; every look is written to the audit."""

    resident: int
    name: str | None
    phone: str | None
    birth_year: str | None
    lives_alone: bool
    high_risk: bool
    home: PlaceOut | None
    access_note: str | None
    conditions: list[str]
    medicines: list[str]
    contacts: list[ReachableOut]


class AcknowledgedOut(AlarmOut):
    """An alarm after a move, with what helpers need to know."""

    dossier: DossierOut | None


class MessageOut(BaseModel):
    """One thing said."""

    id: int
    at: datetime
    author: str = Field(description="resident, bot or staff:<id>")
    text: str
    buttons: list[dict[str, str]] | None = None


class NoteOut(BaseModel):
    """A private note among staff."""

    id: int
    at: datetime
    staff: str
    text: str


class HandoffOut(BaseModel):
    """A conversation that needs a person."""

    id: int
    state: str
    owner: str = Field(description="`queue`, the staff id, or `bot` once it is closed")
    staff: str | None
    urgency: str
    reason: str
    reference: str | None
    summary: str
    resident: int | None
    conversation: int
    queued_at: datetime
    taken_at: datetime | None
    first_answer_at: datetime | None
    closed_at: datetime | None
    rating: int | None
    rating_words: str | None = Field(description="What the resident said with the mark")
    clocks: list[ClockOut]


class DoingOut(BaseModel):
    """Something the resident had begun with the bot, with what was known."""

    flow: str
    slots: dict[str, Any]


class HandoffFull(HandoffOut):
    """The same with what whoever takes it should know: what was begun, open cases, last messages, notes."""

    doing: list[DoingOut]
    open_cases: list[str] = Field(description="Numbers")
    messages: list[MessageOut]
    notes: list[NoteOut]


class ReminderOut(BaseModel):
    """A reminder."""

    id: int
    text: str
    next_at: datetime | None
    rrule: str | None
    until: datetime | None
    medicine: bool
    state: str
    missed: int
    resident: int | None
    created_at: datetime


class CheckinOut(BaseModel):
    """One day's question to an elder, and what came of it."""

    id: int
    resident: int
    due_at: datetime
    state: str
    asked_at: datetime | None
    answered_at: datetime | None
    steps: list[StepOut]


class DeviceOut(BaseModel):
    """A device, registered or not."""

    id: int
    key: str
    registered: bool
    resident: int | None
    heartbeat_seconds: int | None
    seen_at: datetime | None
    via: str | None = Field(description="The way of its last report: http or mqtt")
    battery: int | None = Field(description="Per cent, as it said last")


class SignalOut(BaseModel):
    """What became of a device's report."""

    id: int
    device: str
    registered: bool = Field(
        description="false: nobody has registered this device yet; it is listed for staff"
    )
    type: str
    at: datetime
    received_at: datetime
    duplicate: bool = Field(description="true: heard before, nothing was done again")
    resident: int | None
    resident_unknown: bool = Field(description="true: a resident was named whom nobody knows here")
    alarm: str | None = Field(description="Number of the alarm it raised or joined")


class ServiceOut(BaseModel):
    """A service that residents can book."""

    key: str
    name: str
    name_en: str
    kind: str
    kind_name: str
    description: str
    open: dict[str, Any] = Field(description="days, hours, holidays")
    capacity: int
    takes: str
    slot_minutes: int
    notice: int = Field(description="Minutes before the start by which it must be booked")
    price: dict[str, Any] = Field(description="text and cents (CNY)")
    where: str
    place: str | None


class StaffOut(BaseModel):
    """A member of staff."""

    id: str
    name: str
    role: str
    skills: list[str]
    active: bool
    on_duty: bool
    seen_at: datetime | None


class ShiftOut(BaseModel):
    """One stretch of duty."""

    id: int
    staff: str
    name: str
    role: str
    starts_at: datetime
    ends_at: datetime


class ConversationOut(BaseModel):
    """A conversation: who is in it and who answers."""

    id: int
    channel: str
    resident: int | None
    owner: str = Field(description="`bot`, `queue` or the staff id")
    language: str
    created_at: datetime
    last_in_at: datetime | None


class ConversationFull(ConversationOut):
    """The same with its last messages, oldest first."""

    messages: list[MessageOut]


class AuditOut(BaseModel):
    """Who did or saw what."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


class QuestionOut(BaseModel):
    """A question that found no answer."""

    id: int
    at: datetime
    conversation: int
    text: str = Field(description="In the resident's words")


class KindReport(BaseModel):
    """The cases of one kind in a period."""

    kind: str
    total: int
    states: dict[str, int]


class RatesOut(BaseModel):
    """The three rates, 0–1; null where nothing was counted."""

    responded: float | None = Field(description="Of the cases with a first promise: how many met it in time")
    resolved: float | None = Field(
        description="Of the cases not called off: done or closed, and not reopened"
    )
    satisfied: float | None = Field(description="Of the marks given: 4 or 5")


class AlarmReport(BaseModel):
    """The alarms of a period (E10)."""

    total: int
    kinds: dict[str, int]
    acknowledged_60s: float | None
    acknowledged_180s: float | None
    on_site_30min: float | None
    false_alarms: int


class ReportOut(BaseModel):
    """Figures of a week, month or quarter."""

    period: str
    starts_at: datetime
    ends_at: datetime
    requests: list[KindReport]
    rates: RatesOut
    alarms: AlarmReport
    handoffs: int
    checkins: dict[str, int]
