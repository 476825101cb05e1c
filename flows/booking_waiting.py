"""The waiting list: put on it when a slot is full, told when a place becomes free, half an hour to say yes (F1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from data import opening, requests, waiting
from data.content import Service
from data.models import Waiting
from data.timers import schedule
from flows.booking_facts import count_of, place_of, service_of
from flows.booking_people import name_of_whom
from flows.declared import Flow
from flows.due import Due, Handler
from flows.state import Done, Frame
from flows.turn import Turn, question_of

NAME = "waiting_offer"
_TAKE = "take"
"""`Frame.asked` while a place is offered."""
_WANTED = re.compile(
    r"排队|排上|排着|候补|等位|等空位|有空位|空出来|(?:有|空)了?(?:位|号)|名单|wait(?:ing)?[- ]?list|\bwait for\b|put me (?:on|down)|"
    r"if (?:it|one|something|a place) (?:opens|frees|comes)",
    re.IGNORECASE,
)
_LATER = timedelta(minutes=5)  # an emergency is not disturbed
_ALARMS = ("emergency", "emergency_doubt")


def asked_for(turn: Turn, frame: Frame) -> bool:
    """Whether somebody who was told that a slot is full wants to wait for it."""
    if frame.memory.get("full") is None:
        return False
    if turn.command is not None:
        return turn.command.values.get("time") == "wait"
    return _WANTED.search(turn.text) is not None


def waits(frame: Frame) -> bool:
    """Whether this is about the waiting list and not about a booking."""
    return bool(frame.memory.get("wait")) and frame.memory.get("wait") == frame.slots.get("time")


async def join(turn: Turn, frame: Frame, service: Service) -> None:
    """Put them on the list, and say when they hear of it (C13)."""
    assert turn.resident is not None  # nobody books before the first meeting
    slot = opening.slot_at(service, datetime.fromisoformat(frame.slots["time"]).astimezone(turn.work.zone))
    assert slot is not None  # it was full, so it is there
    row, before = await waiting.join(
        turn.work,
        service=service.key,
        starts_at=slot.start,
        ends_at=slot.end,
        until=slot.start - timedelta(minutes=service.notice_minutes),
        count=count_of(turn, frame),
        resident_id=turn.resident.id,
        conversation_id=turn.conversation.id,
        details={
            "place": place_of(turn, frame, service),
            "for": name_of_whom(frame),
            **{name: frame.slots[name] for name in ("item", "person") if frame.slots.get(name)},
        },
    )
    # A place may have become free while we talked.
    await waiting.look(turn.work, f"joined:{row.id}", service=row.service, starts_at=row.starts_at)
    key = "waiting_joined_first" if before == 0 else "waiting_joined"
    turn.say(key, before=before, **_facts(turn, service, row))
    title = turn.world.replies.render("waiting_title", turn.language, **_facts(turn, service, row)).text
    turn.dialogue.done = Done(
        flow="booking", subject=f"waiting:{row.id}", title=title, at=turn.work.now.isoformat()
    )


class WaitingOffer(Flow):
    """ "A place has become free, do you want it?", opened by the clock with the slot `waiting`."""

    name = NAME
    parks = False
    own_silence = True

    async def begin(self, turn: Turn, frame: Frame) -> None:
        row = await waiting.get(turn.work, int(frame.slots["waiting"]))
        service = turn.world.services.get(row.service) if row is not None else None
        if row is None or service is None or row.state != "held":
            turn.dialogue.drop(frame)
            return
        said = turn.say(
            "waiting_offer", hold=turn.wording.duration(waiting.HOLD), **_facts(turn, service, row)
        )
        frame.asked = _TAKE
        frame.memory["question"] = question_of(said)

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        yes, no = turn.intent("affirm"), turn.intent("deny", "stop", "cancel_request")
        if not yes and not no:
            return False
        row = await waiting.get(turn.work, int(frame.slots["waiting"]), lock=True)
        frame.asked = None
        if row is None or row.state != "held":
            turn.say("waiting_gone")
        elif yes:
            await self._take(turn, row)
        else:
            await waiting.settle(turn.work, row, "left")
            turn.say("waiting_left")
        return True

    async def cancelled(self, turn: Turn, frame: Frame) -> None:
        """Leaving is a no: whoever is next is told."""
        row = await waiting.get(turn.work, int(frame.slots["waiting"]), lock=True)
        if row is not None and row.state == "held":
            await waiting.settle(turn.work, row, "left")
        turn.say("waiting_left")

    async def _take(self, turn: Turn, row: Waiting) -> None:
        service = turn.world.services[row.service]
        booking = requests.Booking(
            service=row.service,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            capacity=service.capacity,
            count=row.count,
            by_count=service.takes == "count",
            person=row.details.get("for"),
            waiting=row.id,
        )
        try:
            made = await requests.book(
                turn.work,
                booking,
                resident_id=row.resident_id,
                conversation_id=row.conversation_id,
                place=row.details.get("place"),
                details={name: value for name, value in row.details.items() if name != "place" and value},
            )
        except (requests.SlotFull, requests.DoubleBooking):  # booked by another way meanwhile
            await waiting.settle(turn.work, row, "over")
            turn.say("waiting_gone")
            return
        await waiting.settle(turn.work, row, "booked")
        spoken = {"number": turn.wording.number_spoken(made.number)}
        facts = _facts(turn, service, row)
        turn.say("waiting_booked", number=made.number, spoken=spoken, **facts)
        turn.dialogue.done = Done(
            flow="booking",
            subject=f"request:{made.id}",
            title=turn.world.replies.render("booking_title_of", turn.language, service=facts["service"]).text,
            at=turn.work.now.isoformat(),
        )


async def on_freed(due: Due) -> None:
    """A place may be free: as many as fit are kept for those who have waited longest, each is told by its own timer."""
    key, starts_at = due.timer.payload["service"], datetime.fromisoformat(due.timer.payload["starts_at"])
    service = due.world.services.get(key)
    if service is None or starts_at < opening.earliest_start(service, due.work.local):
        return
    by_count = service.takes == "count"
    await requests.lock_slot(due.work, key, starts_at)
    taken = await requests.places_taken(due.work, service=key, starts_at=starts_at, by_count=by_count)
    free = service.capacity - taken
    while free > 0:
        fits = free if by_count else None
        row = await waiting.next_in_line(due.work, service=key, starts_at=starts_at, fits=fits)
        if row is None:
            return
        await waiting.hold(due.work, row)
        free -= (row.count or 1) if by_count else 1


async def on_offer(due: Due) -> None:
    """Tell who is next, unless they are in danger just now."""
    turn, row = due.turn, await waiting.get(due.work, int(due.timer.payload["waiting"]), lock=True)
    if turn is None or row is None or row.state != "held":
        return
    active = turn.dialogue.active
    if active is not None and active.flow in _ALARMS and active.asked != "standing_by":
        await schedule(
            due.work,
            key=due.timer.key,
            kind=due.timer.kind,
            subject=due.timer.subject,
            due_at=due.work.now + _LATER,
            payload=due.timer.payload,
        )
        return
    await waiting.told(due.work, row)
    await due.engine.start(turn, NAME, waiting=row.id)


async def on_lapse(due: Due) -> None:
    """Nobody answered in time: the place goes to whoever is next."""
    await _close(due, "held", "waiting_lapsed")


async def on_over(due: Due) -> None:
    """No place became free in time."""
    await _close(due, "waiting", "waiting_over")


async def _close(due: Due, state: str, key: str) -> None:
    turn, row = due.turn, await waiting.get(due.work, int(due.timer.payload["waiting"]), lock=True)
    if row is None or row.state != state:
        return
    await waiting.settle(due.work, row, "over")
    service = due.world.services.get(row.service)
    if turn is None or service is None:
        return
    for frame in [one for one in turn.dialogue.stack if one.flow == NAME and one.slots["waiting"] == row.id]:
        turn.dialogue.drop(frame)
    turn.say(key, **_facts(turn, service, row))


def _facts(turn: Turn, service: Service, row: Waiting) -> dict[str, Any]:
    start = row.starts_at.astimezone(turn.work.zone)
    return {"service": service.name.of(turn.language), "when": turn.wording.moment(start, turn.now)}


def start_of(turn: Turn, frame: Frame) -> tuple[Service, datetime] | None:
    """The full slot that was spoken of last, if its service is still the one."""
    service, full = service_of(turn, frame), frame.memory.get("full")
    if service is None or full is None or full["service"] != service.key:
        return None
    return service, datetime.fromisoformat(full["start"])


FLOWS: tuple[Flow, ...] = (WaitingOffer(),)
TIMERS: Mapping[str, Handler] = {
    waiting.FREED: on_freed,
    waiting.OFFER: on_offer,
    waiting.LAPSE: on_lapse,
    waiting.OVER: on_over,
}
"""Timer kind → its handler."""
