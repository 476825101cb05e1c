"""Repairs, bookings, complaints, suggestions, visits, offers of help: the only code that opens and moves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from data import ledger, waiting
from data.crypto import blind_index
from data.errors import AnlinError
from data.models import Request, RequestEvent
from data.numbers import next_number
from data.residents import address_key
from data.states import machine
from data.work import Work

_FIELD_WORK = {
    "accept": ("open, reopened", "accepted"),
    "on_site": ("accepted", "on_site"),
    "done": ("on_site", "done"),
    "close": ("done", "closed"),
    "reopen": ("done, closed", "reopened"),
    "cancel": ("open, accepted, on_site, reopened", "cancelled"),
}
_LETTERS = {
    "done": ("open, reopened", "answered"),
    "close": ("answered", "closed"),
    "reopen": ("answered, closed", "reopened"),
    "cancel": ("open, reopened", "cancelled"),
}
MACHINES = {
    "repair": machine("repair", "open", _FIELD_WORK),
    "visit": machine("visit", "open", _FIELD_WORK),
    "booking": machine("booking", "booked", {"done": ("booked", "done"), "cancel": ("booked", "cancelled")}),
    "complaint": machine("complaint", "open", _LETTERS),
    "suggestion": machine("suggestion", "open", _LETTERS),
    "volunteer": machine(
        "volunteer",
        "open",
        {
            "accept": ("open", "accepted"),
            "close": ("accepted", "closed"),
            "cancel": ("open, accepted", "cancelled"),
        },
    ),
    "hours": machine("hours", "open", {"done": ("open", "done"), "cancel": ("open", "cancelled")}),
}
"""Kind → its moves (H7). A complaint's `done` is its answer, a volunteer's `accept` that they are on the list; hours
that are `done` are confirmed and stand in the time bank (F11)."""

REOPEN_WITHIN = timedelta(days=7)
"""How long after its end a resident may have a case taken up again (H8)."""
_LEADS = frozenset({"lead", "admin"})

ENDED = frozenset({"done", "answered", "closed", "cancelled"})


class SlotFull(AnlinError):
    """The wanted slot has no free place left."""

    code = "slot_full"


class DoubleBooking(AnlinError):
    """This resident has a booking of the same service at that time already."""

    code = "double_booking"


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What a booking needs to know of the catalogue."""

    service: str  # key
    starts_at: datetime  # aware
    ends_at: datetime  # aware
    capacity: int  # places (or portions) in this slot
    count: int | None = None  # portions or people, where the service asks for it
    by_count: bool = False  # a booking takes as many places as its count, instead of one
    person: str | None = None  # for whom, when not for the resident: two people may have the same slot
    waiting: int | None = None  # the place on the waiting list that was held for it


async def open_case(
    work: Work,
    *,
    kind: str,
    resident_id: int | None,
    conversation_id: int | None,
    place: dict[str, Any] | None = None,
    text: str | None = None,
    details: dict[str, Any] | None = None,
    **fields: Any,
) -> Request:
    """Open a case of any kind but a booking; gives it its number and tells the live views."""
    return await _insert(
        work,
        kind=kind,
        resident_id=resident_id,
        conversation_id=conversation_id,
        place=place,
        place_index=blind_index(address_key(work.community.id, place)) if place else None,
        text=text,
        details=details or {},
        **fields,
    )


async def book(
    work: Work,
    booking: Booking,
    *,
    resident_id: int,
    conversation_id: int | None,
    place: dict[str, Any] | None = None,
    text: str | None = None,
    details: dict[str, Any] | None = None,
) -> Request:
    """Take a place in a slot. Raises SlotFull when it is gone, DoubleBooking when this person has one already."""
    await lock_slot(work, booking.service, booking.starts_at)
    if await has_booking(
        work,
        resident_id=resident_id,
        service=booking.service,
        starts_at=booking.starts_at,
        person=booking.person,
    ):
        raise DoubleBooking(
            f"{booking.service} at {booking.starts_at.isoformat()} is booked by this resident"
        )
    taken = await places_taken(
        work,
        service=booking.service,
        starts_at=booking.starts_at,
        by_count=booking.by_count,
        besides=booking.waiting,
    )
    if taken + (booking.count or 1 if booking.by_count else 1) > booking.capacity:
        raise SlotFull(
            f"{booking.service} at {booking.starts_at.isoformat()}: {taken} of {booking.capacity} taken",
            free=booking.capacity - taken,
        )
    return await _insert(
        work,
        kind="booking",
        resident_id=resident_id,
        conversation_id=conversation_id,
        service=booking.service,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        count=booking.count,
        place=place,
        place_index=blind_index(address_key(work.community.id, place)) if place else None,
        text=text,
        details=details or {},
    )


async def lock_slot(work: Work, service: str, starts_at: datetime) -> None:
    """Let nobody else count or take the places of a slot until this work ends."""
    name = f"slot:{work.community.id}:{service}:{starts_at.timestamp():.0f}"
    await work.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def places_taken(
    work: Work, *, service: str, starts_at: datetime, by_count: bool, besides: int | None = None
) -> int:
    """How many places of a slot are taken: bookings, or the sum of their counts, and what is held for people on the
    waiting list (`besides`: not counting that row of it)."""
    places = func.coalesce(func.sum(func.coalesce(Request.count, 1)), 0) if by_count else func.count()
    taken = await work.session.scalar(
        select(places).where(
            Request.community_id == work.community.id,
            Request.kind == "booking",
            Request.service == service,
            Request.starts_at == starts_at,
            Request.state != "cancelled",
        )
    )
    held = await waiting.places_held(
        work, service=service, starts_at=starts_at, by_count=by_count, besides=besides
    )
    return int(taken or 0) + held


async def has_booking(
    work: Work, *, resident_id: int, service: str, starts_at: datetime, person: str | None = None
) -> bool:
    """Whether this resident has that slot already, for themselves or for that person."""
    found = await work.session.scalars(
        select(Request).where(
            Request.resident_id == resident_id,
            Request.kind == "booking",
            Request.service == service,
            Request.starts_at == starts_at,
            Request.state == "booked",
        )
    )
    return any(one.details.get("for") == person for one in found)


async def bookings_between(work: Work, *, resident_id: int, start: datetime, end: datetime) -> list[Request]:
    """What this resident has booked for themselves that takes place in that time, the first first."""
    found = await work.session.scalars(
        select(Request)
        .where(
            Request.resident_id == resident_id,
            Request.kind == "booking",
            Request.state == "booked",
            Request.starts_at < end,
            Request.ends_at > start,
        )
        .order_by(Request.starts_at)
    )
    return [one for one in found if not one.details.get("for")]


async def open_fault_at(work: Work, *, place: dict[str, Any], fault: str) -> Request | None:
    """An open repair of the same fault at the same place, for "me too" (F2)."""
    return await work.session.scalar(
        select(Request)
        .where(
            Request.community_id == work.community.id,
            Request.kind == "repair",
            Request.place_index == blind_index(address_key(work.community.id, place)),
            Request.fault == fault,
            Request.state.not_in(ENDED),
        )
        .order_by(Request.id)
        .limit(1)
    )


async def me_too(work: Work, request: Request, *, resident_id: int | None, text: str | None) -> None:
    """Somebody else has the same fault: noted on the open case instead of a second one."""
    others = [
        *request.details.get("me_too", []),
        {"resident": resident_id, "text": text, "at": work.now.isoformat()},
    ]
    request.details = {**request.details, "me_too": others}
    await _record(work, request, move="me_too", before=request.state, after=request.state, note=text)


async def told_more(work: Work, request: Request, *, text: str | None = None, **details: Any) -> None:
    """The resident said more about an open case: their words are added, and what they wish is noted. Lock it first."""
    if text:
        request.text = f"{request.text}\n{text}" if request.text else text
    request.details = {**request.details, **details}
    await _record(work, request, move="told_more", before=request.state, after=request.state, note=text)


async def relocate(work: Work, request: Request, *, place: dict[str, Any]) -> None:
    """It is somewhere else than was said (F4): the new place, with the old one in the history. Lock it first."""
    address = address_key(work.community.id, request.place)
    request.place = place
    request.place_index = blind_index(address_key(work.community.id, place))
    await _record(work, request, move="relocated", before=request.state, after=request.state, note=address)


async def move(work: Work, request: Request, name: str, *, note: str | None = None) -> Request:
    """Move a case (accept, on_site, done, close, reopen, cancel); raises IllegalMove. Lock it first with `get`."""
    before = request.state
    after = MACHINES[request.kind].after(before, name)
    request.state = after
    if after in ENDED:
        request.closed_at = work.now
    if name == "reopen":
        request.reopened += 1
        request.closed_at = None
    if name == "accept" and work.actor.startswith("staff:"):
        request.staff_id = work.actor.removeprefix("staff:")
    await _settle(work, request, name)
    await _record(work, request, move=name, before=before, after=after, note=note)
    return request


async def _settle(work: Work, request: Request, name: str) -> None:
    """What a move means for the time bank: confirmed hours are credited, a booking called off gives back its own."""
    if request.kind == "hours" and name == "done" and request.resident_id is not None:
        await ledger.give(
            work,
            request.resident_id,
            int(request.details["minutes"]),
            key=f"given:request:{request.id}",
            note=request.details.get("what"),
            about=f"request:{request.id}",
        )
    if request.kind == "booking" and name == "cancel":
        await waiting.freed(work, request)
        await ledger.give_back(work, f"request:{request.id}")


async def rate(
    work: Work, request: Request, score: int, *, words: str | None = None, change: bool = False
) -> bool:
    """A mark of 1–5 and words for a finished case, once (F10); `change`: in the place of an earlier one. Lock it first.

    False: it has a mark already and nothing was done.
    """
    if request.rating is not None and not change:
        return False
    note = str(score) if request.rating in (None, score) else f"{request.rating} → {score}"
    request.rating = score
    if words:
        request.details = {**request.details, "rating_words": words}
    await _record(work, request, move="rated", before=request.state, after=request.state, note=note)
    return True


def for_eyes_of(role: str, staff_id: str | None) -> ColumnElement[bool]:
    """Which cases somebody of that role sees: a complaint about staff goes to leads, and never to whom it is about (F9)."""
    if role not in _LEADS:
        return Request.about_staff.is_(None)
    return or_(Request.about_staff.is_(None), Request.about_staff != (staff_id or ""))


def may_see(request: Request, role: str, staff_id: str | None) -> bool:
    """The same for one case."""
    about = request.about_staff
    return about is None or (role in _LEADS and about != (staff_id or ""))


async def get(work: Work, reference: str, *, lock: bool = False) -> Request | None:
    """A case by id or number, in this community."""
    condition = Request.number == reference.upper()
    if reference.isascii() and reference.isdigit() and len(reference) < 19:
        condition = Request.id == int(reference)
    statement = select(Request).where(Request.community_id == work.community.id, condition)
    if lock:
        # What the session read before the lock may be stale by now.
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return await work.session.scalar(statement)


async def of_person(
    work: Work, *, resident_id: int | None, conversation_id: int, open_only: bool = True, limit: int = 20
) -> Sequence[Request]:
    """A person's cases, newest first: by resident where known, else by conversation."""
    mine = Request.resident_id == resident_id if resident_id else Request.conversation_id == conversation_id
    statement = select(Request).where(Request.community_id == work.community.id, mine)
    if open_only:
        statement = statement.where(Request.state.not_in(ENDED))
    return (await work.session.scalars(statement.order_by(Request.id.desc()).limit(limit))).all()


async def ended_of_person(
    work: Work, *, resident_id: int | None, conversation_id: int, within: timedelta = REOPEN_WITHIN
) -> Sequence[Request]:
    """A person's cases that were finished (not called off) within that time, the last finished first."""
    mine = Request.resident_id == resident_id if resident_id else Request.conversation_id == conversation_id
    return (
        await work.session.scalars(
            select(Request)
            .where(
                Request.community_id == work.community.id,
                mine,
                Request.state.in_(ENDED - {"cancelled"}),
                Request.closed_at >= work.now - within,
            )
            .order_by(Request.closed_at.desc(), Request.id.desc())
        )
    ).all()


async def _insert(work: Work, *, kind: str, **fields: Any) -> Request:
    request = Request(
        number=await next_number(work, kind),
        community_id=work.community.id,
        kind=kind,
        state=MACHINES[kind].start,
        reopened=0,
        created_at=work.now,
        **fields,
    )
    work.session.add(request)
    await work.session.flush()
    await _record(work, request, move="created", before=None, after=request.state, note=None)
    return request


async def _record(
    work: Work, request: Request, *, move: str, before: str | None, after: str, note: str | None
) -> None:
    work.session.add(
        RequestEvent(
            request_id=request.id,
            at=work.now,
            actor=work.actor,
            move=move,
            before=before,
            after=after,
            note=note,
        )
    )
    await work.session.flush()
    await work.emit("request", f"request:{request.id}", number=request.number, state=after, move=move)
