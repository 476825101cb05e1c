"""How it is going, change it, call it off: for whatever somebody asked for before (F4, C12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from data import opening, requests
from data.models import Request, RequestEvent
from data.states import IllegalMove
from flows import undo
from flows.declared import Ask, Filled, Flow, Given, Slot, Verdict
from flows.messages import Button
from flows.own_cases import SHOWN, chosen, describe, meant, starts, what, when
from flows.promises import by, next_promises
from flows.repair_place import in_own_words, in_words, judge_where
from flows.replies import payload
from flows.state import Frame
from flows.turn import Turn
from nlu.timevalues import TimeValueError, parse_value

_NONE = ""  # the slot `which` when there is nothing to choose
_LETTERS = ("complaint", "suggestion")


class _OwnCase(Flow):
    """A flow about one of the person's own cases: finds it, or asks which of at most three."""

    open_only = True

    def _which(self) -> Slot:
        return Slot(name="which", ask=f"{self.name}_ask_which", judge=_judge_which, choices=_shown)

    async def begin(self, turn: Turn, frame: Frame) -> None:
        if frame.slots.get("which"):
            return
        found = await meant(turn, open_only=self.open_only)
        if (
            not found
            and self.open_only
            and turn.understanding
            and turn.understanding.first("request_no") is None
        ):
            frame.memory["others"] = [one.id for one in await meant(turn, open_only=False)][:1]
        if len(found) > 1:
            frame.memory["shown"] = [one.id for one in found[:SHOWN]]
            frame.memory["more"] = len(found) - SHOWN
            return
        frame.slots["which"] = str(found[0].id) if found else _NONE
        if not found:
            frame.memory["confirmed"] = True  # there is nothing to read back

    def title(self, turn: Turn, frame: Frame) -> str:
        return turn.world.replies.render(f"{self.name}_title", turn.language).text

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        request = await _chosen(turn, frame)
        if request is None:
            shown = [describe(turn, one) for one in await _listed(turn, frame)]
            return {"cases": turn.wording.listed(shown), "what": "", "number": ""}
        return {"what": describe(turn, request), "number": request.number, "cases": ""}


class Status(_OwnCase):
    """How is it going?"""

    name = "status"
    intents = ("check_status",)

    def __init__(self) -> None:
        self.slots = (self._which(),)

    async def run(self, turn: Turn, frame: Frame) -> bool:
        request = await _chosen(turn, frame)
        if request is None and frame.memory.get("others"):
            request = await requests.get(turn.work, str(frame.memory["others"][0]))
        if request is None:
            turn.say("status_none")
            return True
        await _tell(turn, request)
        return True


class Cancel(_OwnCase):
    """Withdraw a booking or a ticket; just after something was finished, that (C12)."""

    name = "cancel"
    intents = ("cancel_request",)
    confirms = True

    def __init__(self) -> None:
        self.slots = (self._which(),)

    async def claims(self, turn: Turn) -> bool:
        return undo.plainly(turn) or await undo.waiting_meant(turn) is not None

    async def begin(self, turn: Turn, frame: Frame) -> None:
        frame.memory["words"] = turn.text if turn.command is None else ""
        done = undo.meant(turn) if not frame.slots.get("which") else None
        found = (done.subject, done.title) if done is not None else await undo.waiting_meant(turn)
        if found is None or frame.slots.get("which"):
            await super().begin(turn, frame)
            return
        kind, _, reference = found[0].partition(":")
        frame.slots["which"] = reference
        if kind != "request":
            late = done is not None and undo.late(turn)
            frame.memory["undo"] = {"kind": kind, "title": found[1], "late": late}
            if late:
                frame.memory["confirmed"] = True  # nothing is undone: there is nothing to read back

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        if "undo" in frame.memory:
            return {"what": frame.memory["undo"]["title"], "number": "", "cases": ""}
        return await super().facts(turn, frame)

    async def confirm_key(self, turn: Turn, frame: Frame) -> str:
        request = await _chosen(turn, frame) if "undo" not in frame.memory else None
        return "cancel_confirm_soon" if request is not None and _soon(turn, request) else "cancel_confirm"

    async def run(self, turn: Turn, frame: Frame) -> bool:
        if "undo" in frame.memory:
            await undo.take_back(turn, reference=frame.slots["which"], **frame.memory["undo"])
            return True
        if not frame.slots["which"]:
            await self._nothing(turn, frame)
            return True
        request = await requests.get(turn.work, frame.slots["which"], lock=True)
        assert request is not None  # cases are never deleted
        described = describe(turn, request)
        if request.state == "booked" and request.starts_at is not None and request.starts_at <= turn.now:
            turn.say("cancel_begun", what=what(turn, request))
            turn.offer("ask_human")
            return True
        try:
            await requests.move(turn.work, request, "cancel", note=frame.memory["words"] or None)
        except IllegalMove:
            await _tell(turn, request)
            return True
        undo.forget(turn, f"request:{request.id}")
        spoken = {"number": turn.wording.number_spoken(request.number)}
        turn.say("cancel_done", what=described, number=request.number, spoken=spoken)
        return True

    async def cancelled(self, turn: Turn, frame: Frame) -> None:
        turn.say("cancel_cancelled")

    async def _nothing(self, turn: Turn, frame: Frame) -> None:
        """Nothing open: what was meant may be over already, and then they hear how it stands."""
        for reference in frame.memory.get("others", []):
            ended = await requests.get(turn.work, str(reference))
            if ended is not None:
                await _tell(turn, ended)
                return
        turn.say("cancel_none")


class Change(_OwnCase):
    """Another time for a booking, another place for a repair; anything else is for a person."""

    name = "change"
    intents = ("change_request",)

    def __init__(self) -> None:
        self.slots = (
            self._which(),
            Slot(name="place", ask="change_ask_place", entity="place", judge=_judge_place, when=_is_repair),
        )

    async def begin(self, turn: Turn, frame: Frame) -> None:
        await super().begin(turn, frame)
        await _remember_kind(turn, frame)

    async def run(self, turn: Turn, frame: Frame) -> bool:
        if not frame.slots["which"]:
            turn.say("change_none")
            return True
        request = await requests.get(turn.work, frame.slots["which"], lock=True)
        assert request is not None  # cases are never deleted
        if request.kind == "booking":
            _book_anew(turn, frame, request)
            return False
        if request.kind == "repair" and request.state not in requests.ENDED and request.state != "on_site":
            await requests.relocate(turn.work, request, place=frame.slots["place"])
            spoken = {
                "number": turn.wording.number_spoken(request.number),
                "place": in_words(turn, request.place, spoken=True),
            }
            place = in_words(turn, request.place)
            turn.say("change_done_place", number=request.number, place=place, spoken=spoken)
            return True
        turn.say("change_not_possible", what=what(turn, request))
        return True


def _book_anew(turn: Turn, frame: Frame, request: Request) -> None:
    """The booking's own questions, with what is known; the old one is called off when the new one stands."""
    turn.dialogue.drop(frame)
    known = {name: value for name, value in request.details.items() if name in ("item", "note", "person")}
    if request.count is not None:
        known["count"] = request.count
    booking = turn.open("booking", service=request.service, **known)
    before = starts(turn, request)
    booking.memory["replaces"] = request.id
    if before is not None:
        booking.memory["day"] = before.date().isoformat()
        _keep_new_times(turn, before)


def _keep_new_times(turn: Turn, before: datetime) -> None:
    """Of 把明天的理发改到后天 only the new time is left to be heard."""
    if turn.understanding is None:
        return
    times = turn.understanding.all("time")
    new = [entity for entity in times if not _same(str(entity.value), before, entity.extra.get("day_given"))]
    kept = new[-1:]
    turn.understanding = replace(
        turn.understanding,
        entities=tuple(one for one in turn.understanding.entities if one.entity != "time" or one in kept),
    )


def _same(written: str, before: datetime, day_given: object) -> bool:
    """Whether a time only says which booking: its day, or its very hour."""
    try:
        value = parse_value(written)
    except TimeValueError:
        return True
    if value.day is None:
        return True
    if value.clock is not None:
        return value.clock == before.time() and (value.day == before.date() or day_given is False)
    return value.day == before.date() and value.part is None


# Slots


async def _judge_which(turn: Turn, frame: Frame, given: Given) -> Verdict:
    found = chosen(turn, given, await _listed(turn, frame))
    if found is None:
        return None
    frame.slots["which"] = str(found.id)
    await _remember_kind(turn, frame)
    return Filled(value=str(found.id))


async def _shown(turn: Turn, frame: Frame) -> Sequence[Button]:
    return [
        Button(title=describe(turn, one), payload=payload("choose", which=str(one.id)))
        for one in await _listed(turn, frame)
    ]


async def _judge_place(turn: Turn, frame: Frame, given: Given) -> Verdict:
    if frame.memory.get("kind") != "repair":
        return None
    request = await _chosen(turn, frame)
    fault = turn.world.faults.get(request.fault or "") if request is not None else None
    if request is not None and request.place and "place" not in frame.memory:
        frame.memory["place"] = {**request.place, "name": None} if request.place.get("building") else {}
    verdict = await judge_where(turn, frame, given, fault=fault, reply="repair_which_part")
    if verdict is None and given.asked and frame.tries and turn.text:
        return in_own_words(given)
    if isinstance(verdict, Ask):
        frame.asked = "place"
    return verdict


def _is_repair(turn: Turn, frame: Frame) -> bool:
    return frame.memory.get("kind") == "repair"


async def _remember_kind(turn: Turn, frame: Frame) -> None:
    request = await _chosen(turn, frame)
    frame.memory["kind"] = request.kind if request is not None else None


async def _listed(turn: Turn, frame: Frame) -> list[Request]:
    found = [await requests.get(turn.work, str(one)) for one in frame.memory.get("shown", [])]
    return [one for one in found if one is not None]


async def _chosen(turn: Turn, frame: Frame) -> Request | None:
    which = frame.slots.get("which")
    return await requests.get(turn.work, which) if which else None


# Words


async def _tell(turn: Turn, request: Request) -> None:
    """Where a case stands, and what comes next by when."""
    kind = "letter" if request.kind in _LETTERS else request.kind
    facts: dict[str, Any] = {
        "what": what(turn, request),
        "when": when(turn, request),
        "place": in_words(turn, request.place) if request.place else "",
        "next": await _next(turn, request),
    }
    spoken = {"number": turn.wording.number_spoken(request.number)}
    if request.place:
        spoken["place"] = in_words(turn, request.place, spoken=True)
    turn.say(f"status_{kind}_{request.state}", number=request.number, spoken=spoken, **facts)


async def _next(turn: Turn, request: Request) -> str:
    """The next promise in words; a broken one is owned up to."""
    history = (
        await turn.work.session.scalars(
            select(RequestEvent).where(RequestEvent.request_id == request.id).order_by(RequestEvent.id)
        )
    ).all()
    coming = [] if request.state in requests.ENDED else list(next_promises(turn, request, history))
    if not coming:
        return ""
    if coming[0][1] <= turn.work.now:
        return turn.world.replies.render("status_next_late", turn.language).text
    # Who waits for a repairer wants to hear when they take it and when they are there.
    near = [one for one in coming if one[0] in ("accept", "on_site")] or coming[:1]
    key = "status_next_" + "_".join(name for name, _ in near)
    facts: dict[str, Any] = {name: by(turn, due) for name, due in near}
    return turn.world.replies.render(key, turn.language, **facts).text


def _soon(turn: Turn, request: Request) -> bool:
    """Whether a booking begins so soon that it could not be booked any more: somebody may be on the way already."""
    service = turn.world.services.get(request.service or "")
    if service is None or request.starts_at is None:
        return False
    return turn.now < request.starts_at < opening.earliest_start(service, turn.now)


FLOWS: tuple[Flow, ...] = (Status(), Cancel(), Change())
