"""Check-ins: plans, the day's question, and each step of the ladder.

Locks: a check-in's timers, then its row (see `data.work`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select

from data import conversations, timers
from data.models import Checkin, CheckinPlan, Conversation, Device, Message, Signal
from data.repeats import next_occurrence
from data.states import machine
from data.work import Work

TIMER = "checkin.due"
AGAIN, FAMILY, VISIT, WATCH = "checkin.again", "checkin.family", "checkin.visit", "checkin.watch"
VISIT_TIMER = "visit.due"
VISIT_HOUR = 9  # o'clock at which a visit of the plan becomes a task
ANSWERED = frozenset({"fine", "unwell", "help", "sign_of_life"})
OPEN = frozenset({"asked", "no_answer"})
_ALIVE = ("motion", "ok", "sos")
_LOOKED_AT = 20  # messages looked through for one that is more than a silence
MACHINE = machine(
    "checkin",
    "due",
    {
        "ask": ("due", "asked"),
        "pause": ("due", "paused"),
        "sign_of_life": ("due, asked, no_answer", "sign_of_life"),
        "fine": ("due, asked, no_answer, sign_of_life", "fine"),
        "unwell": ("due, asked, no_answer, sign_of_life, fine", "unwell"),
        "help": ("due, asked, no_answer, sign_of_life, fine, unwell", "help"),
        "no_answer": ("asked", "no_answer"),
    },
)
"""What a person says weighs more than a sign of life, and worse news of the same day more than better news."""


async def plan(
    work: Work,
    *,
    resident_id: int,
    conversation_id: int | None,
    rrule: str | None,
    visit_every_days: int = 30,
) -> CheckinPlan:
    """Make a plan and set its first timer."""
    made = CheckinPlan(
        community_id=work.community.id,
        resident_id=resident_id,
        conversation_id=conversation_id,
        rrule=rrule,
        visit_every_days=visit_every_days,
    )
    work.session.add(made)
    await work.session.flush()
    await arm(work, made, after=work.now)
    await arm_visit(work, made, after=work.now)
    return made


async def arm_visit(work: Work, made: CheckinPlan, *, after: datetime) -> None:
    """Set the timer for the next visit of a plan: so many days after a moment, in the morning (K1)."""
    if not (made.active and made.visit_every_days > 0):
        await timers.cancel(work, key=f"visit-plan:{made.id}")
        return
    day = after.astimezone(work.zone) + timedelta(days=made.visit_every_days)
    await timers.schedule(
        work,
        key=f"visit-plan:{made.id}",
        kind=VISIT_TIMER,
        subject=f"checkin-plan:{made.id}",
        due_at=day.replace(hour=VISIT_HOUR, minute=0, second=0, microsecond=0),
    )


async def arm(work: Work, made: CheckinPlan, *, after: datetime) -> None:
    """Set the timer for the next question of a plan after a moment."""
    if not (made.active and made.rrule):
        await timers.cancel(work, key=f"checkin-plan:{made.id}")
        return
    midnight = after.astimezone(work.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    due_at = next_occurrence(made.rrule, start=midnight, after=after, zone=work.zone)
    if due_at is None:
        await timers.cancel(work, key=f"checkin-plan:{made.id}")
        return
    # The conversation is named here, so that it is locked before the timer when that falls due.
    where = made.conversation_id
    if where is None:
        heard = await conversations.of_resident(work, made.resident_id)
        where = heard.id if heard is not None else None
    await timers.schedule(
        work,
        key=f"checkin-plan:{made.id}",
        kind=TIMER,
        subject=f"checkin-plan:{made.id}",
        due_at=due_at,
        payload={"conversation": where, "at": due_at.isoformat()},
    )


def is_paused(made: CheckinPlan, day: date) -> bool:
    """Whether a day lies in the plan's pause, first and last day included; an open pause has no last day."""
    if made.paused_from is None or day < made.paused_from:
        return False
    return made.paused_until is None or day <= made.paused_until


async def pause(work: Work, made: CheckinPlan, *, first: date, last: date | None) -> None:
    """No questions from the first to the last day (K6); ends by itself."""
    made.paused_from, made.paused_until = first, last
    await work.session.flush()
    await work.emit("checkin", f"checkin-plan:{made.id}", paused=True)


async def resume(work: Work, made: CheckinPlan) -> None:
    """Questions again from now on."""
    made.paused_from = made.paused_until = None
    await work.session.flush()
    await work.emit("checkin", f"checkin-plan:{made.id}", paused=False)


async def begin(work: Work, made: CheckinPlan, due_at: datetime) -> Checkin:
    """The check-in of a due time, made when it is new."""
    found = await work.session.scalar(
        select(Checkin).where(Checkin.plan_id == made.id, Checkin.due_at == due_at)
    )
    if found is None:
        found = Checkin(
            community_id=work.community.id,
            plan_id=made.id,
            resident_id=made.resident_id,
            due_at=due_at,
            state="due",
            steps=[],
        )
        work.session.add(found)
        await work.session.flush()
        await step(work, found, "due")
    return found


async def move(work: Work, checkin: Checkin, name: str) -> None:
    """Move a check-in by its table; raises IllegalMove."""
    checkin.state = MACHINE.after(checkin.state, name)
    if name == "ask":
        checkin.asked_at = work.now
    if checkin.state in ANSWERED:
        checkin.answered_at = work.now
    await step(work, checkin, checkin.state)


async def step(work: Work, checkin: Checkin, what: str, *, to: str | None = None) -> None:
    """Add a line to its steps and tell the live views."""
    checkin.steps = [*checkin.steps, {"at": work.local.isoformat(), "what": what, "to": to}]
    await work.session.flush()
    await work.emit("checkin", f"checkin:{checkin.id}", state=checkin.state, what=what)


async def open_of(work: Work, resident_id: int) -> Checkin | None:
    """The check-in a resident has not answered yet; the newest, not locked."""
    found = await newest_id(work, resident_id, OPEN)
    return await get(work, found) if found is not None else None


async def answerable(work: Work, resident_id: int) -> Checkin | None:
    """The check-in that what a resident says about themself still belongs to: one that is unanswered, or that of
    today unless it was answered with worse news. Not locked."""
    found = await newest_id(work, resident_id, OPEN | {"sign_of_life", "fine"})
    return await get(work, found) if found is not None else None


async def settle(work: Work, checkin_id: int, name: str) -> Checkin | None:
    """It is answered, by words or by a sign of life: the ladder ends. Gives the check-in, locked, or None when this
    answer is nothing new."""
    await timers.cancel(work, subject=subject(checkin_id))
    found = await get(work, checkin_id, lock=True)
    if found is None or name not in MACHINE.possible(found.state):
        return None
    await move(work, found, name)
    return found


async def mark_help(work: Work, resident_id: int) -> Checkin | None:
    """An alarm of this resident was raised: it answers the check-in that is open (K3). Returns it, if there is one.

    Called before the alarm is locked: timers come first.
    """
    seen = await newest_id(work, resident_id, OPEN | {"unwell"})
    return await settle(work, seen, "help") if seen is not None else None


async def newest_id(work: Work, resident_id: int, states: frozenset[str]) -> int | None:
    """The id of the newest check-in in one of these states: of today, or unanswered for less than a day; not locked."""
    row = (
        await work.session.execute(
            select(Checkin.id, Checkin.state, Checkin.due_at)
            .where(
                Checkin.resident_id == resident_id,
                Checkin.state.in_(states),
                Checkin.due_at > work.now - timedelta(days=1),
            )
            .order_by(Checkin.due_at.desc())
            .limit(1)
        )
    ).first()
    if row is None:
        return None
    today = row.due_at.astimezone(work.zone).date() == work.local.date()
    return int(row.id) if today or row.state in OPEN else None


def subject(checkin_id: int) -> str:
    """What the timers of a check-in's ladder are about."""
    return f"checkin:{checkin_id}"


async def sign_of_life(work: Work, resident_id: int, *, since: datetime) -> bool:
    """Whether anything was heard of a resident since a moment: a message or button in any of their conversations, or
    motion at one of their devices (K5). A silence that a terminal reports is none."""
    heard = (
        await work.session.scalars(
            select(Conversation.id).where(
                Conversation.resident_id == resident_id, Conversation.last_in_at >= since
            )
        )
    ).all()
    if heard:
        messages = await work.session.scalars(
            select(Message)
            .where(
                Message.conversation_id.in_(heard),
                Message.author == "resident",
                Message.at >= since,
            )
            .order_by(Message.id.desc())
            .limit(_LOOKED_AT)
        )
        if any((message.payload or {}).get("kind") != "silence" for message in messages):
            return True
    moved = await work.session.scalar(
        select(Signal.id)
        .join(Device, Signal.device_id == Device.id)
        .where(
            Device.resident_id == resident_id,
            Signal.type.in_(_ALIVE),
            Signal.at >= since,
            Signal.received_at >= since,  # a clock that is ahead makes no sign of life younger
        )
        .limit(1)
    )
    return moved is not None


async def plan_by_id(work: Work, plan_id: int) -> CheckinPlan | None:
    """A plan by id."""
    return await work.session.scalar(
        select(CheckinPlan).where(CheckinPlan.community_id == work.community.id, CheckinPlan.id == plan_id)
    )


async def plan_of(work: Work, resident_id: int) -> CheckinPlan | None:
    """A resident's plan."""
    return await work.session.scalar(select(CheckinPlan).where(CheckinPlan.resident_id == resident_id))


async def get(work: Work, checkin_id: int, *, lock: bool = False) -> Checkin | None:
    """A check-in by id."""
    statement = select(Checkin).where(Checkin.community_id == work.community.id, Checkin.id == checkin_id)
    if lock:
        # What the session read before the lock may be stale by now.
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return await work.session.scalar(statement)


async def of_day(work: Work, start: datetime, end: datetime) -> Sequence[Checkin]:
    """Check-ins due between two moments."""
    return (
        await work.session.scalars(
            select(Checkin)
            .where(Checkin.community_id == work.community.id, Checkin.due_at >= start, Checkin.due_at < end)
            .order_by(Checkin.due_at)
        )
    ).all()
