"""Hand-overs to staff: the only code that opens and moves them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import case, select

from data import conversations
from data.errors import AnlinError
from data.models import Conversation, Handoff, HandoffNote
from data.states import machine
from data.work import Work

MACHINE = machine(
    "handoff",
    "queued",
    {
        "take": ("queued, active", "active"),
        "return": ("active", "queued"),
        "close": ("queued, active", "closed"),
    },
)


class HandoffTaken(AnlinError):
    """Another member of staff has this conversation."""

    code = "handoff_taken"


async def open_handoff(
    work: Work,
    conversation: Conversation,
    *,
    reason: str,
    summary: str,
    urgency: str = "ordinary",
    reference: str | None = None,
) -> tuple[Handoff, bool]:
    """Put a conversation into the queue, or give back the open hand-over it has. The conversation must be locked."""
    found = await open_of(work, conversation.id)
    if found is not None:
        return found, False
    handoff = Handoff(
        community_id=work.community.id,
        conversation_id=conversation.id,
        resident_id=conversation.resident_id,
        urgency=urgency,
        reason=reason,
        reference=reference,
        summary=summary,
        queued_at=work.now,
    )
    work.session.add(handoff)
    await work.session.flush()
    await conversations.own(work, conversation, "queue")
    await _tell(work, handoff, "queued")
    return handoff, True


async def take(work: Work, handoff: Handoff, conversation: Conversation, *, staff_id: str) -> None:
    """A member of staff takes it; raises HandoffTaken when somebody else has it."""
    if handoff.state == "active" and handoff.staff_id != staff_id:
        raise HandoffTaken(f"hand-over {handoff.id} is with another", owner=handoff.staff_id)
    handoff.state = MACHINE.after(handoff.state, "take")
    handoff.staff_id = staff_id
    handoff.taken_at = handoff.taken_at or work.now
    await conversations.own(work, conversation, "staff", staff_id)
    work.audit("handoff.take", f"handoff:{handoff.id}")
    await _tell(work, handoff, "taken")


async def transfer(work: Work, handoff: Handoff, conversation: Conversation, *, to: str | None) -> None:
    """Give it to another member of staff, or back to the queue (`to=None`)."""
    if to is None:
        handoff.state = MACHINE.after(handoff.state, "return")
        handoff.staff_id = None
        await conversations.own(work, conversation, "queue")
    else:
        handoff.state = MACHINE.after(handoff.state, "take")
        handoff.staff_id = to
        await conversations.own(work, conversation, "staff", to)
    work.audit("handoff.transfer", f"handoff:{handoff.id}", to=to)
    await _tell(work, handoff, "transferred")


async def answered(work: Work, handoff: Handoff) -> None:
    """A member of staff wrote to the resident: the first time stops the clock (H6)."""
    if handoff.first_answer_at is None:
        handoff.first_answer_at = work.now
        await _tell(work, handoff, "answered")


async def close(work: Work, handoff: Handoff, conversation: Conversation) -> None:
    """The conversation goes back to the bot (C15)."""
    handoff.state = MACHINE.after(handoff.state, "close")
    handoff.closed_at = work.now
    await conversations.own(work, conversation, "bot")
    work.audit("handoff.close", f"handoff:{handoff.id}")
    await _tell(work, handoff, "closed")


async def rate(
    work: Work, handoff: Handoff, score: int, *, words: str | None = None, change: bool = False
) -> bool:
    """The resident's mark of 1–5 and words for a closed hand-over, once (C15); `change`: in the place of an earlier one.

    False: it was marked before, or is not closed.
    """
    if (handoff.rating is not None and not change) or handoff.state != "closed":
        return False
    handoff.rating = score
    handoff.rating_words = words or handoff.rating_words
    await _tell(work, handoff, "rated")
    return True


async def note(work: Work, handoff: Handoff, *, staff_id: str, text: str) -> HandoffNote:
    """A private note. It has no way to a resident (H5)."""
    written = HandoffNote(handoff_id=handoff.id, staff_id=staff_id, text=text, at=work.now)
    work.session.add(written)
    await work.session.flush()
    await _tell(work, handoff, "note")
    return written


async def notes(work: Work, handoff_id: int) -> Sequence[HandoffNote]:
    """The notes of a hand-over, oldest first."""
    return (
        await work.session.scalars(
            select(HandoffNote).where(HandoffNote.handoff_id == handoff_id).order_by(HandoffNote.id)
        )
    ).all()


async def get(work: Work, reference: str, *, lock: bool = False) -> Handoff | None:
    """A hand-over by id, in this community. To change it, lock its conversation first, then ask with `lock`."""
    if not (reference.isascii() and reference.isdigit() and len(reference) < 19):
        return None
    statement = select(Handoff).where(Handoff.community_id == work.community.id, Handoff.id == int(reference))
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return await work.session.scalar(statement)


async def open_of(work: Work, conversation_id: int) -> Handoff | None:
    """The open hand-over of a conversation."""
    return await work.session.scalar(
        select(Handoff).where(Handoff.conversation_id == conversation_id, Handoff.state != "closed")
    )


async def closed_of(work: Work, conversation_id: int, *, within: timedelta) -> Sequence[Handoff]:
    """A conversation's hand-overs that somebody answered and that were closed within that time, the last first."""
    return (
        await work.session.scalars(
            select(Handoff)
            .where(
                Handoff.conversation_id == conversation_id,
                Handoff.state == "closed",
                Handoff.first_answer_at.is_not(None),
                Handoff.closed_at >= work.now - within,
            )
            .order_by(Handoff.closed_at.desc())
        )
    ).all()


async def queue(work: Work, *, limit: int = 100) -> Sequence[Handoff]:
    """Open hand-overs: urgent first, then the one that has waited longest (H2)."""
    urgency = case((Handoff.urgency == "urgent", 0), else_=1)
    return (
        await work.session.scalars(
            select(Handoff)
            .where(Handoff.community_id == work.community.id, Handoff.state != "closed")
            .order_by(urgency, Handoff.queued_at)
            .limit(limit)
        )
    ).all()


async def _tell(work: Work, handoff: Handoff, what: str) -> None:
    await work.session.flush()
    await work.emit(
        "handoff",
        f"handoff:{handoff.id}",
        state=handoff.state,
        owner=handoff.staff_id,
        urgency=handoff.urgency,
        what=what,
    )
