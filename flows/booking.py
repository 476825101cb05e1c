"""Booking a service: which, when, how many, where; in a free slot of the catalogue (F1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from data import ledger, opening, requests
from data.content import Service
from data.models import Request
from data.opening import Slot as OpenSlot
from flows import booking_hours, booking_waiting
from flows.asking import Asking
from flows.booking_facts import comes_home, count_of, facts_of, own_question, place_of, service_of, wants
from flows.booking_people import elders, judge_whom, name_of_whom, needs_whom
from flows.booking_times import alternatives, judge_time
from flows.declared import Ask, Filled, Flow, Given, Slot, Verdict
from flows.messages import Button
from flows.places import judge_place
from flows.replies import payload
from flows.state import CONFIRM, Done, Frame
from flows.turn import Command, Turn

_MOST = 20  # portions or people in one booking; more is a matter for staff
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
                resets=("whom", "time", "count", "item", "note", "person"),
            ),
            Slot(
                name="whom",
                ask="booking_ask_whom",
                entity="person",
                judge=judge_whom,
                when=needs_whom,
                choices=elders,
            ),
            Slot(name="time", ask="booking_ask_time", entity="time", judge=judge_time, keeps=True),
            Slot(
                name="count",
                ask="booking_ask_count",
                entity="count",
                judge=_judge_count,
                when=wants("count"),
                keeps=True,
            ),
            Slot(name="place", ask="booking_ask_place", entity="place", judge=_judge_home, when=comes_home),
            *(
                Slot(name=name, ask=f"booking_ask_{name}", judge=_judge_words, free=True, when=wants(name))
                for name in ("item", "person")
            ),
        )

    async def begin(self, turn: Turn, frame: Frame) -> None:
        await booking_hours.as_before(turn, frame)
        if turn.home is not None:
            frame.slots.setdefault(
                "place", turn.home
            )  # read back, and put right like any other answer (C1, C2)

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        if frame.asked == "whom" and turn.command is None and turn.intent("deny"):
            turn.command = Command(name="stop", values={})  # for nobody: then there is nothing to book
        if frame.asked == "time" and booking_waiting.asked_for(turn, frame):
            # "Then I wait" is an answer here, whatever the intent engine makes of it.
            return await Asking().take_answer(turn, frame, self)
        return False

    async def confirm_key(self, turn: Turn, frame: Frame) -> str:
        if booking_waiting.waits(frame):
            return "booking_wait_confirm"
        return "booking_confirm_overlap" if await _overlapping(turn, frame) else "booking_confirm"

    async def stale(self, turn: Turn, frame: Frame) -> Sequence[str]:
        """Times of another day, and one that has passed or is too near by now."""
        service, time = service_of(turn, frame), frame.slots.get("time")
        found = list(await super().stale(turn, frame))
        if service is not None and time is not None and not found:
            start = datetime.fromisoformat(time).astimezone(turn.work.zone)
            found = ["time"] if start < opening.earliest_start(service, turn.now) else []
        if found:
            for name in ("day", "full", "wait"):
                frame.memory.pop(name, None)
        return found

    def ask_key(self, turn: Turn, frame: Frame, slot: Slot) -> str:
        own = own_question(turn, frame, slot.name)
        return "booking_own_question" if own else slot.ask

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        also = await _overlapping(turn, frame) if frame.asked == CONFIRM else []
        names = [turn.world.services[key].name.of(turn.language) for key in also]
        return facts_of(turn, frame, spoken=False) | {"also": turn.wording.listed(names)}

    async def spoken_facts(self, turn: Turn, frame: Frame) -> dict[str, Any] | None:
        return {**await self.facts(turn, frame), **facts_of(turn, frame, spoken=True)}

    def echo(self, turn: Turn, frame: Frame, slot: str) -> str:
        facts = facts_of(turn, frame, spoken=turn.spoken)
        named = {"service": "service", "time": "when", "count": "count"}.get(slot)
        if slot == "place" and comes_home(turn, frame):
            named = "where"
        return str(facts[named]).strip() if named else ""

    def title(self, turn: Turn, frame: Frame) -> str:
        service = service_of(turn, frame)
        if service is None:
            return turn.world.replies.render("booking_title", turn.language).text
        return turn.world.replies.render(
            "booking_title_of", turn.language, service=service.name.of(turn.language)
        ).text

    async def run(self, turn: Turn, frame: Frame) -> bool:
        service = service_of(turn, frame)
        assert service is not None
        start = datetime.fromisoformat(frame.slots["time"]).astimezone(turn.work.zone)
        slot = opening.slot_at(service, start)
        if slot is None or slot.start < opening.earliest_start(service, turn.now):
            await self._gone(turn, frame, service, start, "booking_too_soon")
            return False
        if booking_waiting.waits(frame):
            await booking_waiting.join(turn, frame, service)
            return True
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
            turn.say("booking_double", **facts_of(turn, frame, spoken=False))
            return True
        if before is not None:
            turn.say("booking_replaced", before=turn.wording.moment(before, turn.now))
        title = self.title(turn, frame)
        turn.say(
            "booking_done",
            number=made.number,
            spoken={**facts_of(turn, frame, spoken=True), "number": turn.wording.number_spoken(made.number)},
            **facts_of(turn, frame, spoken=False),
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
                count=count_of(turn, frame),
                by_count=service.takes == "count",
                person=name_of_whom(frame),
            ),
            resident_id=turn.resident.id if turn.resident else 0,
            conversation_id=turn.conversation.id,
            place=place_of(turn, frame, service),
            text=frame.memory.get("words"),
            details={name: value for name, value in self._details(frame).items() if value},
        )

    def _details(self, frame: Frame) -> dict[str, Any]:
        kept = {name: frame.slots.get(name) for name in ("item", "note", "person")}
        return {**kept, "for": name_of_whom(frame)}

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
        ask = await alternatives(turn, frame, service, start, reply)
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
    return await booking_hours.refusal(turn, frame, service) or Filled(value=service.key)


async def _overlapping(turn: Turn, frame: Frame) -> list[str]:
    """What else this person has booked for that time: services. It is asked about, not refused."""
    service = service_of(turn, frame)
    if service is None or turn.resident is None or not frame.slots.get("time") or frame.slots.get("whom"):
        return []
    slot = opening.slot_at(service, datetime.fromisoformat(frame.slots["time"]).astimezone(turn.work.zone))
    if slot is None:
        return []
    found = await requests.bookings_between(
        turn.work, resident_id=turn.resident.id, start=slot.start, end=slot.end
    )
    replaced = frame.memory.get("replaces")
    return [
        str(one.service)
        for one in found
        if one.id != replaced and one.service in turn.world.services and one.service != service.key
    ]


async def _popular(turn: Turn, frame: Frame) -> Sequence[Button]:
    return [
        Button(title=service.name.of(turn.language), payload=payload("choose", service=key))
        for key in _POPULAR
        if (service := turn.world.services.get(key)) is not None
    ]


async def _judge_count(turn: Turn, frame: Frame, given: Given) -> Verdict:
    number = given.value if given.value is not None else given.entity.value if given.entity else None
    if isinstance(number, str) and number.isascii() and number.isdigit():
        number = int(number)
    service = service_of(turn, frame)
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
    if service_of(turn, frame) is not None and not comes_home(turn, frame):
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


FLOWS: tuple[Flow, ...] = (Booking(), *booking_waiting.FLOWS)
TIMERS = booking_waiting.TIMERS
"""Timer kind → its handler."""
