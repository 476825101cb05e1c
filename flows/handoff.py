"""Bringing a person in: the hand-over of a conversation to staff, what staff do with it, and its way back to the bot.

The resident's side is the flow `person`; the staff's side are the functions `take` … `close`, called by the API and the
desk inside one piece of work. Each locks the conversation first, then the hand-over (see `data.work`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from data import conversations, handoffs, roster
from data.errors import AnlinError, NotFound
from data.models import Conversation, Handoff, HandoffNote, Message, Staff
from data.opening import windows_on
from data.work import Work
from flows.declared import Flow
from flows.engine import Engine
from flows.replies import placeholders
from flows.state import Frame
from flows.turn import Turn
from flows.world import World

_DESK = "zh"  # the language staff read summaries in
_LAST_WORDS = 2  # messages of the resident that a summary quotes
_QUOTED = 60  # characters of each
_MAY_TAKE_OVER = frozenset({"lead", "admin"})
_ANSWER_WITHIN = timedelta(minutes=2)  # catalogue.md, where the community's own figure is missing


class StaffUnknown(AnlinError):
    """There is no such member of staff in this community, or not any more."""

    code = "staff_unknown"


class Person(Flow):
    """ "I want to talk to a person" (F12), or the bot gives up (C9): into the queue, and the truth about when."""

    name = "person"
    intents = ("ask_human",)
    parks = False

    async def run(self, turn: Turn, frame: Frame) -> bool:
        reason = str(frame.slots.get("reason") or "asked")
        summary = await _summary(turn)
        await handoffs.open_handoff(turn.work, turn.conversation, reason=reason, summary=summary)
        if reason == "not_understood":
            turn.say("person_not_understood")
        await _say_when(turn)
        frame.memory["leads_back"] = True  # what was interrupted is offered when staff have closed, not now
        return True


FLOWS: tuple[Flow, ...] = (Person(),)


async def take(work: Work, world: World, reference: str, staff_id: str) -> Handoff:
    """A member of staff takes a hand-over, and the resident hears who it is (H1).

    Raises NotFound, StaffUnknown, HandoffTaken (somebody else has it), IllegalMove (closed).
    """
    member = await member_of_staff(work, staff_id)
    conversation, handoff = await _locked(work, reference)
    new = handoff.staff_id != staff_id
    await handoffs.take(_as(work, staff_id), handoff, conversation, staff_id=staff_id)
    if new:
        await _tell(work, world, conversation, handoff, "handoff_taken", name=member.name)
    return handoff


async def write(work: Work, world: World, reference: str, staff_id: str, text: str) -> Message:
    """Write to the resident; one that waits in the queue is taken by it. The first answer stops the clock (H4, H6).

    Raises as `take`.
    """
    await member_of_staff(work, staff_id)
    conversation, handoff = await _locked(work, reference)
    if handoff.state != "active" or handoff.staff_id != staff_id:
        await handoffs.take(_as(work, staff_id), handoff, conversation, staff_id=staff_id)
    message = await conversations.say(
        _as(work, staff_id),
        conversation,
        text=text,
        author=f"staff:{staff_id}",
        about=f"handoff:{handoff.id}",
    )
    await handoffs.answered(work, handoff)
    return message


async def note(work: Work, reference: str, staff_id: str, text: str) -> HandoffNote:
    """A private note among staff, also on a closed hand-over; it has no way to the resident (H5). Raises NotFound, StaffUnknown."""
    await member_of_staff(work, staff_id)
    handoff = await handoffs.get(work, reference)
    if handoff is None:
        raise _unknown(reference)
    return await handoffs.note(work, handoff, staff_id=staff_id, text=text)


async def transfer(work: Work, world: World, reference: str, staff_id: str, *, to: str | None) -> Handoff:
    """Give it to another member of staff, or back to the queue (`to=None`); the resident hears it.

    Its owner may, and leads and admins. Raises as `take`.
    """
    member = await member_of_staff(work, staff_id)
    receiver = await member_of_staff(work, to) if to is not None else None
    conversation, handoff = await _locked(work, reference)
    _may(handoff, member)
    before = handoff.staff_id
    await handoffs.transfer(_as(work, staff_id), handoff, conversation, to=to)
    if receiver is None:
        await _tell(work, world, conversation, handoff, "handoff_returned")
    elif receiver.id != before:
        await _tell(work, world, conversation, handoff, "handoff_taken", name=receiver.name)
    return handoff


async def close(work: Work, world: World, engine: Engine, reference: str, staff_id: str) -> Handoff:
    """The conversation goes back to the bot: it says so, asks for a mark once, and offers what was interrupted (C15).

    Its owner may, and leads and admins. Raises as `take`.
    """
    member = await member_of_staff(work, staff_id)
    conversation, handoff = await _locked(work, reference)
    _may(handoff, member)
    await handoffs.close(_as(work, staff_id), handoff, conversation)
    turn = Turn.outside(work, world, conversation)
    turn.say("handoff_closed")
    if handoff.first_answer_at is not None:  # nobody answered: nothing to give a mark for
        turn.say("handoff_mark", handoff=handoff.id)
    await engine.offer_parked(turn)
    await turn.deliver(about=f"handoff:{handoff.id}")
    return handoff


async def member_of_staff(work: Work, staff_id: str) -> Staff:
    """An active member of this community's staff; raises StaffUnknown."""
    found = await work.session.get(Staff, staff_id)
    if found is None or found.community_id != work.community.id or not found.active:
        raise StaffUnknown(f"no staff {staff_id!r} here", staff=staff_id)
    return found


async def _locked(work: Work, reference: str) -> tuple[Conversation, Handoff]:
    """The hand-over and its conversation, locked in the order of the house."""
    seen = await handoffs.get(work, reference)
    if seen is None:
        raise _unknown(reference)
    conversation = await conversations.lock(work, seen.conversation_id)
    handoff = await handoffs.get(work, reference, lock=True)
    assert handoff is not None  # hand-overs are never deleted while their conversation is there
    return conversation, handoff


def _may(handoff: Handoff, member: Staff) -> None:
    if handoff.staff_id not in (None, member.id) and member.role not in _MAY_TAKE_OVER:
        raise handoffs.HandoffTaken(f"hand-over {handoff.id} is with another", owner=handoff.staff_id)


def _unknown(reference: str) -> NotFound:
    return NotFound("no such hand-over", handoff=reference)


def _as(work: Work, staff_id: str) -> Work:
    return work.acting_as(f"staff:{staff_id}")


async def _tell(
    work: Work, world: World, conversation: Conversation, handoff: Handoff, key: str, **facts: Any
) -> None:
    turn = Turn.outside(work, world, conversation)
    turn.say(key, **facts)
    await turn.deliver(about=f"handoff:{handoff.id}")


async def _say_when(turn: Turn) -> None:
    """The truth about when somebody answers (H9): soon, from the next shift on, or that we do not know."""
    if await _somebody_answers(turn):
        promised = next((clock.due for clock in turn.world.clocks.of("handoff")), _ANSWER_WITHIN)
        turn.say("person_soon", within=turn.wording.duration(promised))
        return
    begins = await roster.next_on_duty(turn.work)
    if begins is None:
        turn.say("person_some_time")
        return
    turn.say("person_later", when=turn.wording.moment(begins.astimezone(turn.work.zone), turn.now))


async def _somebody_answers(turn: Turn) -> bool:
    """An officer on duty; a lead or admin on duty counts in the hours that are promised (at night they do alarms)."""
    roles = {member.role for member in await roster.on_duty(turn.work)}
    if "officer" in roles:
        return True
    return bool(roles & _MAY_TAKE_OVER) and _in_promised_hours(turn)


def _in_promised_hours(turn: Turn) -> bool:
    """Whether the clock of a first answer runs now."""
    promised = turn.world.clocks.of("handoff")
    openings = [turn.world.clocks.calendars.get(clock.calendar) for clock in promised]
    return any(
        opening is None
        or any(w.start <= turn.now < w.end for w in windows_on(opening, turn.now.date(), turn.work.zone))
        for opening in openings
    )


async def _summary(turn: Turn) -> str:
    """What was being filled in and what was said last, for whoever takes it (H3)."""
    open_titles = [title for frame in reversed(turn.dialogue.stack) if (title := _title(turn, frame))]
    said = [
        message.text[:_QUOTED]
        for message in await conversations.recent(turn.work, turn.conversation.id, limit=12)
        if message.author == "resident" and message.text and not message.text.startswith("/")
    ][-_LAST_WORDS:]
    words = turn.world.wording(_DESK)
    facts: dict[str, Any] = {"doing": words.listed(open_titles), "said": " / ".join(said)}
    key = "_".join(["person_summary", *(["doing"] if open_titles else []), *(["said"] if said else [])])
    return turn.world.replies.render(key, _DESK, **facts).text


def _title(turn: Turn, frame: Frame) -> str | None:
    key = f"{frame.flow}_title"
    replies = turn.world.replies
    if frame.flow == Person.name or not replies.has(key, _DESK):
        return None
    if placeholders(replies.variants(key, _DESK)[0].text):
        return None
    return replies.render(key, _DESK).text
