"""Booking a service: which, when, how many, where; in a free slot of the catalogue (F1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from data import ledger, opening, requests
from data.content import Service
from data.models import Request
from data.opening import Slot as OpenSlot
from flows import booking_hours
from flows.declared import Ask, Filled, Flow, Given, Slot, Verdict
from flows.messages import Button
from flows.places import judge_place
from flows.replies import payload
from flows.state import Done, Frame
from flows.turn import Turn
from nlu.timevalues import TimeValueError, parse_value

_MOST = 20  # portions or people in one booking; more is a matter for staff
_ELDER_FROM = 60  # years
_LOOK_AT = 40  # slots looked at to find free ones
_POPULAR = ("lunch", "haircut", "home_cleaning")


class Booking(Flow):
    """F1."""

    name = "booking"
    intents = ("book_service",)
    confirms = True
    open_to_strangers = False

    def __init__(self) -> None:
        self.slots = (
            Slot(
                name="service",
                ask="booking_ask_service",
                entity="service",
                judge=_judge_service,
                choices=_popular,
                resets=("time", "count", "item", "note", "person"),
            ),
            Slot(name="time", ask="booking_ask_time", entity="time", judge=_judge_time, keeps=True),
            Slot(
                name="count",
                ask="booking_ask_count",
                entity="count",
                judge=_judge_count,
                when=_wants("count"),
                keeps=True,
            ),
            Slot(name="place", ask="booking_ask_place", entity="place", judge=_judge_home, when=_comes_home),
            *(
                Slot(name=name, ask=f"booking_ask_{name}", judge=_judge_words, free=True, when=_wants(name))
                for name in ("item", "person")
            ),
        )

    async def begin(self, turn: Turn, frame: Frame) -> None:
        await booking_hours.as_before(turn, frame)
        if turn.home is not None:
            frame.slots.setdefault(
                "place", turn.home
            )  # read back, and put right like any other answer (C1, C2)

    def ask_key(self, turn: Turn, frame: Frame, slot: Slot) -> str:
        own = _own_question(turn, frame, slot.name)
        return "booking_own_question" if own else slot.ask

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        return _facts(turn, frame, spoken=False)

    async def spoken_facts(self, turn: Turn, frame: Frame) -> dict[str, Any] | None:
        return _facts(turn, frame, spoken=True)

    def title(self, turn: Turn, frame: Frame) -> str:
        service = _service(turn, frame)
        if service is None:
            return turn.world.replies.render("booking_title", turn.language).text
        return turn.world.replies.render(
            "booking_title_of", turn.language, service=service.name.of(turn.language)
        ).text

    async def run(self, turn: Turn, frame: Frame) -> bool:
        service = _service(turn, frame)
        assert service is not None
        start = datetime.fromisoformat(frame.slots["time"]).astimezone(turn.work.zone)
        slot = opening.slot_at(service, start)
        if slot is None or slot.start < opening.earliest_start(service, turn.now):
            await self._gone(turn, frame, service, start, "booking_too_soon")
            return False
        try:
            async with turn.work.session.begin_nested():  # paid for or not made at all
                made = await self._book(turn, frame, service, slot)
                before = await self._replace(turn, frame)
                await booking_hours.pay(turn, frame, service, made)
        except ledger.HoursShort:
            booking_hours.by_hours(frame, False)
            frame.memory.pop("confirmed", None)
            turn.say("booking_hours_gone")
            return False
        except requests.SlotFull:
            await self._gone(turn, frame, service, start)
            return False
        except requests.DoubleBooking:
            turn.say("booking_double", **_facts(turn, frame, spoken=False))
            return True
        if before is not None:
            turn.say("booking_replaced", before=turn.wording.moment(before, turn.now))
        title = self.title(turn, frame)
        turn.say(
            "booking_done",
            number=made.number,
            spoken={**_facts(turn, frame, spoken=True), "number": turn.wording.number_spoken(made.number)},
            **_facts(turn, frame, spoken=False),
        )
        turn.dialogue.done = Done(
            flow=self.name, subject=f"request:{made.id}", title=title, at=turn.work.now.isoformat()
        )
        return True

    async def _book(self, turn: Turn, frame: Frame, service: Service, slot: OpenSlot) -> Request:
        return await requests.book(
            turn.work,
            requests.Booking(
                service=service.key,
                starts_at=slot.start,
                ends_at=slot.end,
                capacity=service.capacity,
                count=_count(turn, frame),
                by_count=service.takes == "count",
            ),
            resident_id=turn.resident.id if turn.resident else 0,
            conversation_id=turn.conversation.id,
            place=_place(turn, frame, service),
            text=frame.memory.get("words"),
            details={name: frame.slots[name] for name in ("item", "note", "person") if frame.slots.get(name)},
        )

    async def _replace(self, turn: Turn, frame: Frame) -> datetime | None:
        """The new booking stands: the one it replaces is called off (F4). When that was; None for nothing."""
        if not frame.memory.get("replaces"):
            return None
        old = await requests.get(turn.work, str(frame.memory["replaces"]), lock=True)
        if old is None or old.state != "booked":
            return None
        await requests.move(turn.work, old, "cancel")
        return (old.starts_at or turn.now).astimezone(turn.work.zone)

    async def _gone(
        self, turn: Turn, frame: Frame, service: Service, start: datetime, reply: str = "booking_full"
    ) -> None:
        """The slot went while we talked: nearest free ones instead."""
        frame.slots.pop("time", None)
        frame.memory.pop("confirmed", None)
        frame.asked = "time"
        ask = await _alternatives(turn, frame, service, start, reply)
        turn.say(ask.reply, buttons=ask.buttons, spoken=ask.spoken, **ask.facts)
        if ask.offers is not None:
            turn.offer(ask.offers)


# Slots


async def _judge_service(turn: Turn, frame: Frame, given: Given) -> Verdict:
    key = given.value if given.value is not None else given.entity.value if given.entity else None
    if key is None and given.asked:
        key = booking_hours.refused_service(turn, frame)
    service = turn.world.services.get(str(key))
    if service is None:
        return None
    if given.entity is not None:
        frame.memory.setdefault("words", given.text)
    if not _may_book(turn, service):
        return Ask(reply=f"booking_only_{service.who}", facts={"service": service.name.of(turn.language)})
    return await booking_hours.refusal(turn, frame, service) or Filled(value=service.key)


def _may_book(turn: Turn, service: Service) -> bool:
    """Whether this person is among those whom the service is for; unknown ages get the benefit of the doubt."""
    resident = turn.resident
    if service.who != "elder" or resident is None or not resident.birth_year:
        return True
    return turn.now.year - int(resident.birth_year) >= _ELDER_FROM


async def _popular(turn: Turn, frame: Frame) -> Sequence[Button]:
    return [
        Button(title=service.name.of(turn.language), payload=payload("choose", service=key))
        for key in _POPULAR
        if (service := turn.world.services.get(key)) is not None
    ]


async def _judge_time(turn: Turn, frame: Frame, given: Given) -> Verdict:
    service = _service(turn, frame)
    written = given.value if given.value is not None else given.entity.value if given.entity else None
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
        return await _alternatives(turn, frame, service, turn.now, "booking_past")
    if moment < opening.earliest_start(service, turn.now):
        return await _alternatives(turn, frame, service, moment, "booking_too_soon")
    slot = opening.slot_at(service, moment)
    if slot is None:
        return await _alternatives(turn, frame, service, moment, "booking_closed")
    if slot.start < opening.earliest_start(service, turn.now):
        return await _alternatives(turn, frame, service, moment, "booking_too_soon")  # it runs already
    if turn.resident is not None and await requests.has_booking(
        turn.work, resident_id=turn.resident.id, service=service.key, starts_at=slot.start
    ):
        return await _alternatives(turn, frame, service, slot.start, "booking_have_it")
    if not await _is_free(turn, frame, service, slot):
        return await _alternatives(turn, frame, service, slot.start, "booking_full")
    return Filled(value=slot.start.isoformat())


async def _on_day(turn: Turn, frame: Frame, service: Service, day: date, part: str | None) -> Verdict:
    """A day or a part of one: the only free slot in it is taken, of several the person chooses."""
    frame.memory["day"] = day.isoformat()
    midnight = datetime.combine(day, datetime.min.time(), turn.work.zone)
    earliest = opening.earliest_start(service, turn.now)
    if day < turn.now.date():
        return await _alternatives(turn, frame, service, turn.now, "booking_past")
    found = [
        slot
        for slot in opening.slots_on(service, day, turn.work.zone)
        if slot.start >= earliest and opening.in_part(slot.start.time(), part)
    ]
    if not found:
        # The part may be closed while the day is open: the nearest slots will say so.
        wanted = max(midnight + timedelta(hours=9), earliest)
        return await _alternatives(turn, frame, service, wanted, "booking_closed_that_day")
    free = [slot for slot in found[:_LOOK_AT] if await _is_free(turn, frame, service, slot)]
    if not free:
        return await _alternatives(turn, frame, service, found[0].start, "booking_full_that_day")
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


async def _judge_count(turn: Turn, frame: Frame, given: Given) -> Verdict:
    number = given.value if given.value is not None else given.entity.value if given.entity else None
    if isinstance(number, str) and number.isascii() and number.isdigit():
        number = int(number)
    service = _service(turn, frame)
    if not isinstance(number, int) or isinstance(number, bool) or service is None:
        return None
    if not 1 <= number <= _MOST:
        return Ask(reply="booking_count_range", facts={"most": _MOST})
    left = await _places_left(turn, frame, service)
    if left is not None and left < number:
        return Ask(reply="booking_count_left", facts={"left": left})
    return await booking_hours.too_dear(turn, frame, service, number) or Filled(value=number)


async def _places_left(turn: Turn, frame: Frame, service: Service) -> int | None:
    """How many portions the chosen slot still has; None where they are not counted or no slot is chosen."""
    if service.takes != "count" or not frame.slots.get("time"):
        return None
    start = datetime.fromisoformat(frame.slots["time"])
    taken = await requests.places_taken(turn.work, service=service.key, starts_at=start, by_count=True)
    return max(0, service.capacity - taken)


async def _judge_home(turn: Turn, frame: Frame, given: Given) -> Verdict:
    if _service(turn, frame) is not None and not _comes_home(turn, frame):
        return None  # it takes place where the catalogue says
    verdict = await judge_place(
        turn, frame, given, need=("building", "unit", "room"), reply="booking_which_part"
    )
    if isinstance(verdict, Filled) and verdict.value.get("name"):
        return Ask(reply="booking_which_part_home") if given.asked else None
    return verdict


async def _judge_words(turn: Turn, frame: Frame, given: Given) -> Verdict:
    words = given.text.strip()
    return Filled(value=words[:300]) if given.asked and words else None


# What the catalogue says


def _service(turn: Turn, frame: Frame) -> Service | None:
    return turn.world.services.get(str(frame.slots.get("service")))


def _wants(name: str) -> Any:
    def wanted(turn: Turn, frame: Frame) -> bool:
        service = _service(turn, frame)
        return service is not None and any(ask.name == name and ask.required for ask in service.slots)

    return wanted


def _comes_home(turn: Turn, frame: Frame) -> bool:
    """Only there the flat matters; a known home is read back instead of asked."""
    service = _service(turn, frame)
    return service is not None and service.where == "home"


def _count(turn: Turn, frame: Frame) -> int | None:
    """How many, where the service asks for it: two people who come along are not two haircuts."""
    return frame.slots.get("count") if _wants("count")(turn, frame) else None


def _own_question(turn: Turn, frame: Frame, name: str) -> str | None:
    service = _service(turn, frame)
    if service is None:
        return None
    ask = next((ask for ask in service.slots if ask.name == name), None)
    return ask.question.of(turn.language) if ask and ask.question else None


def _place(turn: Turn, frame: Frame, service: Service) -> dict[str, Any] | None:
    if service.where == "home":
        return frame.slots.get("place") or turn.home
    place = turn.world.places.get(service.place or "")
    return {"name": place.name.zh} if place else None


def _facts(turn: Turn, frame: Frame, *, spoken: bool) -> dict[str, Any]:
    service = _service(turn, frame)
    wording = turn.wording
    facts: dict[str, Any] = {
        "service": "",
        "price": "",
        "where": "",
        "when": "",
        "count": "",
        "question": _own_question(turn, frame, frame.asked or "") or "",
    }
    if service is None:
        return facts
    place = _place(turn, frame, service)
    facts["service"] = service.name.of(turn.language)
    facts["price"] = booking_hours.price(turn, frame, service, _count(turn, frame))
    facts["where"] = wording.place_spoken(place) if spoken else wording.place(place)
    if service.where == "there" and (shared := turn.world.places.get(service.place or "")) is not None:
        facts["where"] = shared.name.of(turn.language)
    if frame.slots.get("time"):
        start = datetime.fromisoformat(frame.slots["time"]).astimezone(turn.work.zone)
        facts["when"] = wording.moment(start, turn.now)
    count = _count(turn, frame)
    if count:
        facts["count"] = turn.world.replies.render("booking_count", turn.language, count=count).text
    return facts


# Free slots


async def _is_free(turn: Turn, frame: Frame, service: Service, slot: OpenSlot) -> bool:
    by_count = service.takes == "count"
    taken = await requests.places_taken(
        turn.work, service=service.key, starts_at=slot.start, by_count=by_count
    )
    wanted = (frame.slots.get("count") or 1) if by_count else 1
    return taken + int(wanted) <= service.capacity


async def _alternatives(turn: Turn, frame: Frame, service: Service, wanted: datetime, reply: str) -> Ask:
    """Why not, and the nearest free slots to choose from."""
    local = wanted.astimezone(turn.work.zone)
    earliest = opening.earliest_start(service, turn.now)
    free: list[OpenSlot] = []
    for slot in opening.nearest_slots(service, local, earliest, limit=_LOOK_AT):
        if await _is_free(turn, frame, service, slot):
            free.append(slot)
        if len(free) == 3:
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
            buttons=(turn.button("button_person", "ask_human"),),
            offers="ask_human",
        )
    return Ask(reply=reply, facts=facts, buttons=tuple(_slot_button(turn, slot) for slot in free))


def _slot_button(turn: Turn, slot: OpenSlot, day_known: bool = False) -> Button:
    title = turn.wording.clock(slot.start) if day_known else turn.wording.moment_short(slot.start, turn.now)
    return Button(title=title, payload=payload("choose", time=f"{slot.start:%Y-%m-%dT%H:%M}"))


def _spread(slots: Sequence[OpenSlot], count: int) -> list[OpenSlot]:
    """A few of many, over the whole stretch: the first, one in the middle, the last."""
    if len(slots) <= count:
        return list(slots)
    step = (len(slots) - 1) / (count - 1)
    return [slots[round(index * step)] for index in range(count)]


FLOWS = (Booking(),)
