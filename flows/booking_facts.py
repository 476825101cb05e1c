"""What a booking that is being filled in knows of its service, and how it is put into words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from data.content import Service
from flows import booking_hours
from flows.state import Frame
from flows.turn import Turn


def service_of(turn: Turn, frame: Frame) -> Service | None:
    return turn.world.services.get(str(frame.slots.get("service")))


def wants(name: str) -> Any:
    def wanted(turn: Turn, frame: Frame) -> bool:
        service = service_of(turn, frame)
        return service is not None and any(ask.name == name and ask.required for ask in service.slots)

    return wanted


def comes_home(turn: Turn, frame: Frame) -> bool:
    """Only there the flat matters; a known home is read back instead of asked."""
    service = service_of(turn, frame)
    return service is not None and service.where == "home"


def count_of(turn: Turn, frame: Frame) -> int | None:
    """How many, where the service asks for it: two people who come along are not two haircuts."""
    return frame.slots.get("count") if wants("count")(turn, frame) else None


def own_question(turn: Turn, frame: Frame, name: str) -> str | None:
    service = service_of(turn, frame)
    if service is None:
        return None
    ask = next((ask for ask in service.slots if ask.name == name), None)
    return ask.question.of(turn.language) if ask and ask.question else None


def place_of(turn: Turn, frame: Frame, service: Service) -> dict[str, Any] | None:
    if service.where == "home":
        return frame.slots.get("place") or turn.home
    place = turn.world.places.get(service.place or "")
    return {"name": place.name.zh} if place else None


def facts_of(turn: Turn, frame: Frame, *, spoken: bool) -> dict[str, Any]:
    service = service_of(turn, frame)
    wording = turn.wording
    facts: dict[str, Any] = {
        "service": "",
        "price": "",
        "where": "",
        "when": "",
        "count": "",
        "whom": whom_in_words(turn, frame),
        "question": own_question(turn, frame, frame.asked or "") or "",
    }
    if service is None:
        return facts
    place = place_of(turn, frame, service)
    facts["service"] = service.name.of(turn.language)
    facts["price"] = booking_hours.price(turn, frame, service, count_of(turn, frame))
    facts["where"] = wording.place_spoken(place) if spoken else wording.place(place)
    if service.where == "there" and (shared := turn.world.places.get(service.place or "")) is not None:
        facts["where"] = shared.name.of(turn.language)
    if frame.slots.get("time"):
        start = datetime.fromisoformat(frame.slots["time"]).astimezone(turn.work.zone)
        facts["when"] = wording.moment(start, turn.now)
    count = count_of(turn, frame)
    if count:
        facts["count"] = turn.world.replies.render("booking_count", turn.language, count=count).text
    return facts


def whom_in_words(turn: Turn, frame: Frame) -> str:
    """For whom, as a read-back says it."""
    whom: dict[str, Any] | None = frame.slots.get("whom")
    if not whom:
        return turn.world.replies.render("booking_for_you", turn.language).text
    key = "booking_for_family" if whom.get("family") else "booking_for_named"
    return turn.world.replies.render(key, turn.language, whom=whom["name"]).text
