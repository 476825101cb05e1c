"""What staff do with a case (take it, arrive, finish, answer, call it off), and what its residents are told of it (H7)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from data import conversations, reminders, requests
from data.errors import NotFound
from data.models import Conversation, Reminder, Request, Resident
from data.work import Work
from flows.complaint_words import subject_of
from flows.handoff import member_of_staff
from flows.turn import Turn
from flows.world import World

_LETTERS = frozenset({"complaint", "suggestion"})
_QUOTED = {"zh": 12, "en": 30}  # characters of a complaint that name it
_MARKED_AT = {"repair": "close", "booking": "done", "complaint": "close", "suggestion": "close"}
_WITH_NOTE = frozenset({"done", "cancel"})
"""Moves whose note is for the resident: the answer to a complaint, what was done, why something is called off."""


async def move(
    work: Work, world: World, reference: str, name: str, *, staff_id: str, note: str | None = None
) -> Request:
    """Move a case in the name of a member of staff and tell everybody it concerns, in their conversations.

    `name`: accept, on_site, done, close, reopen, cancel. With `done` and `cancel` the note is told to the resident;
    with every other move it stays in the history. Raises NotFound, StaffUnknown, IllegalMove.
    """
    await member_of_staff(work, staff_id)
    seen = await requests.get(work, reference)
    if seen is None:
        raise NotFound("no such request", request=reference)
    told = await _conversations(work, seen)  # conversations are locked before the case, see data.work
    request = await requests.get(work, str(seen.id), lock=True)
    assert request is not None
    await requests.move(work.acting_as(f"staff:{staff_id}"), request, name, note=note)
    for conversation, own in told:
        mark = own and _wants_mark(request, name)
        await _tell(work, world, conversation, request, name, note if own else None, mark=mark)
    return request


def _wants_mark(request: Request, name: str) -> bool:
    """Whether this move ends a case that its resident has not marked yet: asked for once (F10, C15)."""
    return (
        name == _MARKED_AT.get(request.kind)
        and request.rating is None
        and not request.details.get("follow_up")
        and not request.reopened
    )


async def _conversations(work: Work, request: Request) -> Sequence[tuple[Conversation, bool]]:
    """Where this case's people are spoken to, each once and locked, and whether it is the case's own resident."""
    own = request.conversation_id
    if own is None and request.resident_id is not None:
        found = await conversations.of_resident(work, request.resident_id)
        own = found.id if found is not None else None
    wanted = {*await _me_too(work, request), *([own] if own is not None else [])}
    # In one order everywhere, so that two moves never wait for each other.
    return [(await conversations.lock(work, one), one == own) for one in sorted(wanted)]


async def _me_too(work: Work, request: Request) -> list[int]:
    """The conversations of those who said "me too"."""
    residents = [entry["resident"] for entry in request.details.get("me_too", []) if entry.get("resident")]
    known = await work.session.scalars(
        select(Resident.id).where(Resident.id.in_(residents), Resident.community_id == work.community.id)
    )
    found = [await conversations.of_resident(work, resident) for resident in known.all()]
    return [conversation.id for conversation in found if conversation is not None]


async def _tell(
    work: Work,
    world: World,
    conversation: Conversation,
    request: Request,
    name: str,
    note: str | None,
    *,
    mark: bool = False,
) -> None:
    turn = Turn.outside(work, world, conversation)
    kind = "letter" if request.kind in _LETTERS else request.kind
    key = f"case_{kind}_{name}"
    if note and name in _WITH_NOTE:
        key += "_note"
    number = turn.wording.number_spoken(request.number)
    turn.say(
        key,
        spoken={"number": number},
        what=title(world, request, conversation.language),
        number=request.number,
        note=note or "",
        id=request.id,
    )
    if mark:
        turn.say("case_mark", what=title(world, request, conversation.language), id=request.id)
    await turn.deliver(about=f"request:{request.id}")


async def drop_reminder(work: Work, world: World, reference: str, *, staff_id: str) -> Reminder:
    """Drop a resident's reminder and tell them, so that nobody waits for it. One that is over stays as it is.

    Raises NotFound, StaffUnknown.
    """
    await member_of_staff(work, staff_id)
    seen = await reminders.get(work, reference)
    if seen is None:
        raise NotFound("no such reminder", reminder=reference)
    conversation = await conversations.lock(work, seen.conversation_id)
    found = await reminders.get(work, reference, lock=True)
    assert found is not None
    if found.state != "active":
        return found
    acting = work.acting_as(f"staff:{staff_id}")
    await reminders.cancel(acting, found)
    acting.audit("reminder.cancel", f"reminder:{found.id}")
    turn = Turn.outside(work, world, conversation)
    turn.say("case_reminder_cancelled", text=found.text)
    await turn.deliver(about=f"reminder:{found.id}")
    return found


def title(world: World, request: Request, language: str) -> str:
    """What a case is about, in a word or two: the service, the fault, or its kind."""
    named = world.services.get(request.service or "") or world.faults.get(request.fault or "")
    if named is not None:
        return named.name.of(language)
    if request.kind in _LETTERS and request.text and not request.details.get("follow_up"):
        words = subject_of(request.text.splitlines()[0])
        longest = _QUOTED[language]
        quoted = words if len(words) <= longest else f"{words[:longest]}…"
        return world.replies.render(f"case_about_{request.kind}", language, words=quoted).text
    if request.details.get("follow_up"):
        return world.replies.render("case_kind_follow_up", language).text
    return world.replies.render(f"case_kind_{request.kind}", language).text
