"""When: what a time says for a service, which slots are free, and the nearest ones where it is full or closed (F1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from data import opening, requests
from data.content import Service
from data.opening import Slot as OpenSlot
from flows import booking_waiting
from flows.booking_facts import service_of
from flows.booking_people import name_of_whom
from flows.declared import Ask, Filled, Given, Verdict
from flows.messages import Button
from flows.replies import payload
from flows.state import Frame
from flows.turn import Turn
from nlu.timevalues import TimeValueError, parse_value

_LOOK_AT = 40  # slots looked at to find free ones
_HOURS = ("零", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二")
_HOUR = re.compile(r"(?:(\d{1,2})|(十[一二]?|[一二三四五六七八九]))(半)?")
_FULL = ("booking_full", "booking_full_that_day")
"""Refusals after which one may wait for a place."""


async def judge_time(turn: Turn, frame: Frame, given: Given) -> Verdict:
    """A moment, a day or a part of one; or the wish to wait for the one that is full."""
    service = service_of(turn, frame)
    if given.asked and booking_waiting.asked_for(turn, frame):
        full = booking_waiting.start_of(turn, frame)
        if full is not None:
            frame.memory["wait"] = full[1].isoformat()
            return Filled(value=frame.memory["wait"])
    written = given.value if given.value is not None else given.entity.value if given.entity else None
    if service is not None and written is None and given.asked:
        return await _bare_hour(turn, frame, service, given.text)
    if service is None or not isinstance(written, str):
        return None
    try:
        value = parse_value(written)
    except TimeValueError:
        return None
    if value.repeat is not None:
        return Ask(reply="booking_one_at_a_time")
    assert value.day is not None
    day = _day_meant(frame, given, value.day)
    if value.clock is None and value.part is None and frame.slots.get("time"):
        # Only the day is put right: the time of day stays (C2).
        before = datetime.fromisoformat(frame.slots["time"]).astimezone(turn.work.zone)
        return await _at_clock(turn, frame, service, datetime.combine(day, before.time(), turn.work.zone))
    if value.clock is None:
        return await _on_day(turn, frame, service, day, value.part)
    moment = datetime.combine(day, value.clock, turn.work.zone)
    if "half" in _guessed(given) and _day_known(frame, given):
        moment = _half_meant(service, moment)
    return await _at_clock(turn, frame, service, moment)


async def _bare_hour(turn: Turn, frame: Frame, service: Service, text: str) -> Verdict:
    """A number alone, after a day was named: 「5」 is five o'clock, whichever half of the day the service is open."""
    match, day = _HOUR.fullmatch(text.strip(" ，。,.!！吧呗")), frame.memory.get("day")
    if match is None or day is None:
        return None
    hour = int(match[1]) if match[1] else _HOURS.index(match[2])
    if hour > 23:
        return None
    at = time(hour, 30 if match[3] else 0)
    moment = datetime.combine(date.fromisoformat(day), at, turn.work.zone)
    return await _at_clock(turn, frame, service, _half_meant(service, moment) if hour <= 12 else moment)


def _guessed(given: Given) -> Sequence[str]:
    """Which parts of a time nobody said: its `day`, or which `half` of the day."""
    return given.entity.extra.get("guessed", ()) if given.entity is not None else ()


def _day_known(frame: Frame, given: Given) -> bool:
    return bool(frame.memory.get("day") or frame.slots.get("time")) or "day" not in _guessed(given)


def _day_meant(frame: Frame, given: Given, day: date) -> date:
    """A bare clock time after a day was named belongs to that day."""
    named = (frame.slots.get("time") or "")[:10] or frame.memory.get("day")
    return date.fromisoformat(named) if named and "day" in _guessed(given) else day


def _half_meant(service: Service, moment: datetime) -> datetime:
    """Nine o'clock on a named day is nine in the morning or in the evening: the one at which the service is open."""
    morning = moment.replace(hour=moment.hour % 12)
    halves = (moment, morning, morning.replace(hour=morning.hour + 12))
    return next((half for half in halves if opening.slot_at(service, half) is not None), moment)


async def _at_clock(turn: Turn, frame: Frame, service: Service, moment: datetime) -> Verdict:
    frame.memory["day"] = moment.date().isoformat()
    if moment <= turn.now:
        return await alternatives(turn, frame, service, turn.now, "booking_past")
    if moment < opening.earliest_start(service, turn.now):
        return await alternatives(turn, frame, service, moment, "booking_too_soon")
    slot = opening.slot_at(service, moment)
    if slot is None:
        return await alternatives(turn, frame, service, moment, "booking_closed")
    if slot.start < opening.earliest_start(service, turn.now):
        return await alternatives(turn, frame, service, moment, "booking_too_soon")  # it runs already
    if turn.resident is not None and await requests.has_booking(
        turn.work,
        resident_id=turn.resident.id,
        service=service.key,
        starts_at=slot.start,
        person=name_of_whom(frame),
    ):
        return await alternatives(turn, frame, service, slot.start, "booking_have_it")
    if not await is_free(turn, frame, service, slot):
        return await alternatives(turn, frame, service, slot.start, "booking_full")
    return Filled(value=slot.start.isoformat())


async def _on_day(turn: Turn, frame: Frame, service: Service, day: date, part: str | None) -> Verdict:
    """A day or a part of one: the only free slot in it is taken, of several the person chooses."""
    frame.memory["day"] = day.isoformat()
    midnight = datetime.combine(day, datetime.min.time(), turn.work.zone)
    earliest = opening.earliest_start(service, turn.now)
    if day < turn.now.date():
        return await alternatives(turn, frame, service, turn.now, "booking_past")
    found = [
        slot
        for slot in opening.slots_on(service, day, turn.work.zone)
        if slot.start >= earliest and opening.in_part(slot.start.time(), part)
    ]
    if not found:
        # The part may be closed while the day is open: the nearest slots will say so.
        wanted = max(midnight + timedelta(hours=9), earliest)
        return await alternatives(turn, frame, service, wanted, "booking_closed_that_day")
    free = [slot for slot in found[:_LOOK_AT] if await is_free(turn, frame, service, slot)]
    if not free:
        return await alternatives(turn, frame, service, found[0].start, "booking_full_that_day")
    if len(free) == 1:
        return Filled(value=free[0].start.isoformat())
    shown = _spread(free, 3)
    return Ask(
        reply="booking_ask_clock",
        facts={
            "day": turn.wording.day(midnight, turn.now),
            "service": service.name.of(turn.language),
            "times": turn.wording.listed([turn.wording.clock(slot.start) for slot in shown]),
        },
        buttons=tuple(_slot_button(turn, slot, day_known=True) for slot in shown),
    )


async def is_free(turn: Turn, frame: Frame, service: Service, slot: OpenSlot) -> bool:
    by_count = service.takes == "count"
    taken = await requests.places_taken(
        turn.work, service=service.key, starts_at=slot.start, by_count=by_count
    )
    wanted = (frame.slots.get("count") or 1) if by_count else 1
    return taken + int(wanted) <= service.capacity


async def alternatives(turn: Turn, frame: Frame, service: Service, wanted: datetime, reply: str) -> Ask:
    """Why not, and the nearest free slots to choose from."""
    local = wanted.astimezone(turn.work.zone)
    earliest = opening.earliest_start(service, turn.now)
    full = reply in _FULL
    if full:
        frame.memory["full"] = {"service": service.key, "start": local.isoformat()}
    free: list[OpenSlot] = []
    for slot in opening.nearest_slots(service, local, earliest, limit=_LOOK_AT):
        if await is_free(turn, frame, service, slot):
            free.append(slot)
        if len(free) == (2 if full else 3):  # three choices at most, and one is to wait
            break
    free.sort(key=lambda slot: slot.start)
    facts = {
        "service": service.name.of(turn.language),
        "wanted": turn.wording.moment(local, turn.now),
        "day": turn.wording.day(local, turn.now),
        "notice": turn.wording.duration(timedelta(minutes=service.notice_minutes)),
        "times": turn.wording.moments([slot.start for slot in free], turn.now),
    }
    if not free:
        return Ask(
            reply="booking_nothing_free",
            facts=facts,
            buttons=(*_wait_button(turn, full), turn.button("button_person", "ask_human")),
            offers="ask_human",
        )
    buttons = (*(_slot_button(turn, slot) for slot in free), *_wait_button(turn, full))
    return Ask(reply=reply, facts=facts, buttons=buttons)


def _wait_button(turn: Turn, full: bool) -> tuple[Button, ...]:
    return (turn.button("waiting_button", "choose", time="wait"),) if full else ()


def _slot_button(turn: Turn, slot: OpenSlot, day_known: bool = False) -> Button:
    title = turn.wording.clock(slot.start) if day_known else turn.wording.moment_short(slot.start, turn.now)
    return Button(title=title, payload=payload("choose", time=f"{slot.start:%Y-%m-%dT%H:%M}"))


def _spread(slots: Sequence[OpenSlot], count: int) -> list[OpenSlot]:
    """A few of many, over the whole stretch: the first, one in the middle, the last."""
    if len(slots) <= count:
        return list(slots)
    step = (len(slots) - 1) / (count - 1)
    return [slots[round(index * step)] for index in range(count)]
