"""Reminders: the only code that sets, fires and drops them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from data import timers
from data.models import Conversation, Reminder
from data.repeats import next_occurrence
from data.work import Work

TIMER = "reminder.due"


async def create(
    work: Work,
    conversation: Conversation,
    *,
    text: str,
    at: datetime,
    rrule: str | None = None,
    until: datetime | None = None,
    medicine: bool = False,
) -> Reminder:
    """Set a reminder, first at `at` (aware)."""
    reminder = Reminder(
        community_id=work.community.id,
        resident_id=conversation.resident_id,
        conversation_id=conversation.id,
        text=text,
        first_at=at,
        next_at=at,
        rrule=rrule,
        until=until,
        medicine=medicine,
        created_at=work.now,
    )
    work.session.add(reminder)
    await work.session.flush()
    await _arm(work, reminder)
    await work.emit("reminder", f"reminder:{reminder.id}", state="active")
    return reminder


async def advance(work: Work, reminder: Reminder) -> None:
    """It was said (or missed): on to the next time, or done."""
    after = max(work.now, reminder.next_at or work.now)
    following = (
        next_occurrence(reminder.rrule, start=reminder.first_at, after=after, zone=work.zone)
        if reminder.rrule
        else None
    )
    if following is not None and reminder.until is not None and following > reminder.until:
        following = None
    reminder.next_at = following
    if following is None:
        reminder.state = "done"
    await work.session.flush()
    if following is not None:
        await _arm(work, reminder)
    await work.emit("reminder", f"reminder:{reminder.id}", state=reminder.state)


async def cancel(work: Work, reminder: Reminder) -> None:
    """Drop it."""
    reminder.state = "cancelled"
    reminder.next_at = None
    await timers.cancel(work, subject=f"reminder:{reminder.id}")
    await work.session.flush()
    await work.emit("reminder", f"reminder:{reminder.id}", state="cancelled")


async def get(work: Work, reference: str, *, lock: bool = False) -> Reminder | None:
    """A reminder by id."""
    if not (reference.isascii() and reference.isdigit() and len(reference) < 19):
        return None
    statement = select(Reminder).where(
        Reminder.community_id == work.community.id, Reminder.id == int(reference)
    )
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return await work.session.scalar(statement)


async def of_person(work: Work, *, resident_id: int | None, conversation_id: int) -> Sequence[Reminder]:
    """The active reminders of a person, the next one first."""
    mine = Reminder.resident_id == resident_id if resident_id else Reminder.conversation_id == conversation_id
    return (
        await work.session.scalars(
            select(Reminder).where(mine, Reminder.state == "active").order_by(Reminder.next_at, Reminder.id)
        )
    ).all()


async def _arm(work: Work, reminder: Reminder) -> None:
    assert reminder.next_at is not None
    await timers.schedule(
        work,
        key=f"reminder:{reminder.id}",
        kind=TIMER,
        subject=f"reminder:{reminder.id}",
        due_at=reminder.next_at,
        payload={"conversation": reminder.conversation_id, "at": reminder.next_at.isoformat()},
    )
