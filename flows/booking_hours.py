"""Paying for a booking with hours of the time bank instead of money (F11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data import ledger, requests
from data.content import Service
from data.models import Request
from flows.declared import Ask
from flows.messages import Button
from flows.replies import payload
from flows.state import Frame
from flows.turn import Turn
from flows.volunteer_words import words
from flows.world import World

_FLAG = "by_hours"


def by_hours(frame: Frame, wanted: bool) -> None:
    """Say that this booking is paid for with hours, or that it is not."""
    frame.memory[_FLAG] = wanted


def wants_hours(frame: Frame) -> bool:
    """Whether this booking is paid for with hours."""
    return bool(frame.memory.get(_FLAG))


def redeemable(world: World) -> Sequence[Service]:
    """Every service that hours pay for, the dearest first."""
    found = [one for one in world.services.values() if one.time_bank_hours > 0]
    return sorted(found, key=lambda one: one.time_bank_hours, reverse=True)


def hours_words(turn: Turn, minutes: int) -> str:
    """A length of time to the minute: 2小时30分钟."""
    hours, rest = divmod(minutes, 60)
    key = "hours_and_minutes" if hours and rest else "hours_only" if hours else "minutes_only"
    return turn.world.replies.render(key, turn.language, hours=hours, minutes=rest).text


def cost(service: Service, count: int | None) -> int:
    """Minutes that pay for a booking; for each portion or person where they are counted."""
    return int(service.time_bank_hours * 60) * (count or 1)


async def refusal(turn: Turn, frame: Frame, service: Service) -> Ask | None:
    """Why hours do not pay for this service; None when they do, or nobody wants to pay with them."""
    if not wants_hours(frame):
        return None
    pressed = turn.command is not None and bool(turn.command.values.get("money"))
    if pressed or (turn.command is None and frame.memory.get("refused_hours") and _money(turn)):
        by_hours(frame, False)
        return None
    facts: dict[str, Any] = {"service": service.name.of(turn.language)}
    stored = await ledger.balance(turn.work, turn.resident.id) if turn.resident else 0
    needed = cost(service, None)
    if needed and stored >= needed:
        return None
    frame.memory["refused_hours"] = service.key
    title = turn.world.replies.render("booking_button_money", turn.language).text
    return Ask(
        reply="booking_hours_short" if needed else "booking_not_for_hours",
        facts={**facts, "hours": hours_words(turn, stored), "needed": hours_words(turn, needed)},
        buttons=(Button(title=title, payload=payload("choose", service=service.key, money=True)),),
    )


def refused_service(turn: Turn, frame: Frame) -> str | None:
    """The service that was refused for hours, when somebody now says that they pay the ordinary way."""
    refused = frame.memory.get("refused_hours")
    return str(refused) if refused and turn.command is None and _money(turn) else None


async def too_dear(turn: Turn, frame: Frame, service: Service, count: int) -> Ask | None:
    """Why the hours do not do for as many as that; None when they do."""
    if not wants_hours(frame) or turn.resident is None:
        return None
    stored = await ledger.balance(turn.work, turn.resident.id)
    each = cost(service, None)
    if cost(service, count) <= stored:
        return None
    return Ask(
        reply="booking_hours_count", facts={"most": stored // each, "hours": hours_words(turn, stored)}
    )


def price(turn: Turn, frame: Frame, service: Service, count: int | None) -> str:
    """What a booking costs, in words: hours, or the catalogue's price."""
    if not wants_hours(frame):
        return service.price.text.of(turn.language)
    return turn.world.replies.render(
        "booking_price_hours", turn.language, hours=hours_words(turn, cost(service, count))
    ).text


async def pay(turn: Turn, frame: Frame, service: Service, made: Request) -> None:
    """Take the hours for a booking just made. Raises `ledger.HoursShort`."""
    if not wants_hours(frame) or turn.resident is None:
        return
    await ledger.redeem(
        turn.work,
        turn.resident.id,
        cost(service, made.count),
        key=f"redeemed:request:{made.id}",
        note=service.name.of(turn.language),
        about=f"request:{made.id}",
    )
    made.details = {**made.details, "paid_minutes": cost(service, made.count)}


async def as_before(turn: Turn, frame: Frame) -> None:
    """A booking that takes the place of one that was paid for with hours is paid for with them, too."""
    if not frame.memory.get("replaces") or _FLAG in frame.memory:
        return
    old = await requests.get(turn.work, str(frame.memory["replaces"]))
    by_hours(frame, old is not None and bool(old.details.get("paid_minutes")))


def _money(turn: Turn) -> bool:
    return words().money.search(turn.text) is not None
