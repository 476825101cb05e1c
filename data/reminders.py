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
ASK_AGAIN, TELL_FAMILY = "reminder.again", "reminder.family"
_COUNTED = 50  # missed times that are counted one by one


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


async def missed(work: Work, reminder: Reminder, *, since: datetime) -> None:
    """It could not be said in time, nor could those that would have followed until now: counted and shown (K7)."""
    count, at = 1, since
    while reminder.rrule and count < _COUNTED:
        following = next_occurrence(reminder.rrule, start=reminder.first_at, after=at, zone=work.zone)
        if following is None or following > work.now or (reminder.until and following > reminder.until):
            break
        count, at = count + 1, following
    reminder.missed += count
    await work.session.flush()
    await note(work, reminder, "missed")


async def note(work: Work, reminder: Reminder, what: str, *, to: str | None = None) -> None:
    """Write down and show what came of one time: asked, taken, not_taken, no_answer, notified, missed."""
    work.audit(f"reminder.{what}", f"reminder:{reminder.id}", **({"to": to} if to else {}))
    await work.emit("reminder", f"reminder:{reminder.id}", state=reminder.state, what=what, to=to)


async def watch(work: Work, reminder: Reminder, *, kind: str, due_at: datetime) -> None:
    """Ask again, or tell the family, unless the question is answered before."""
    await timers.schedule(
        work,
        key=f"{asked_subject(reminder.id)}:{kind.removeprefix('reminder.')}",
        kind=kind,
        subject=asked_subject(reminder.id),
        due_at=due_at,
        payload={"conversation": reminder.conversation_id},
    )


async def answered(work: Work, reminder_id: int) -> None:
    """The question "taken?" needs no asking again."""
    await timers.cancel(work, subject=asked_subject(reminder_id))


def asked_subject(reminder_id: int) -> str:
    """What the timers of an open question "taken?" are about."""
    return f"reminder-taken:{reminder_id}"


async def cancel(work: Work, reminder: Reminder) -> None:
    """Drop it."""
    await timers.cancel(work, subject=f"reminder:{reminder.id}")
    await answered(work, reminder.id)
    reminder.state = "cancelled"
    reminder.next_at = None
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
            select(Reminder)
            .where(
                Reminder.community_id == work.community.id,
                mine,
                Reminder.state == "active",
            )
            .order_by(Reminder.next_at, Reminder.id)
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
