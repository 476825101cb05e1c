"""Check-ins: plans, the day's question, and each step of the ladder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select

from data import timers
from data.models import Checkin, CheckinPlan
from data.repeats import next_occurrence
from data.states import machine
from data.work import Work

TIMER = "checkin.due"
ANSWERED = frozenset({"fine", "unwell", "help", "sign_of_life"})
MACHINE = machine(
    "checkin",
    "due",
    {
        "ask": ("due", "asked"),
        "pause": ("due", "paused"),
        "sign_of_life": ("due, asked, no_answer", "sign_of_life"),
        "fine": ("due, asked, no_answer", "fine"),
        "unwell": ("due, asked, no_answer", "unwell"),
        "help": ("due, asked, no_answer, unwell", "help"),
        "no_answer": ("asked", "no_answer"),
    },
)


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
    return made


async def arm(work: Work, made: CheckinPlan, *, after: datetime) -> None:
    """Set the timer for the next question of a plan after a moment."""
    if not (made.active and made.rrule):
        await timers.cancel(work, key=f"checkin-plan:{made.id}")
        return
    midnight = after.astimezone(work.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    due_at = next_occurrence(made.rrule, start=midnight, after=after, zone=work.zone)
    if due_at is not None:
        await timers.schedule(
            work,
            key=f"checkin-plan:{made.id}",
            kind=TIMER,
            subject=f"checkin-plan:{made.id}",
            due_at=due_at,
            payload={"conversation": made.conversation_id, "at": due_at.isoformat()},
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
    """The check-in a resident has not answered yet, locked; the newest."""
    return await work.session.scalar(
        select(Checkin)
        .where(Checkin.resident_id == resident_id, Checkin.state.in_(("due", "asked", "no_answer")))
        .order_by(Checkin.due_at.desc())
        .limit(1)
        .with_for_update()
    )


async def plan_of(work: Work, resident_id: int) -> CheckinPlan | None:
    """A resident's plan."""
    return await work.session.scalar(select(CheckinPlan).where(CheckinPlan.resident_id == resident_id))


async def get(work: Work, checkin_id: int, *, lock: bool = False) -> Checkin | None:
    """A check-in by id."""
    statement = select(Checkin).where(Checkin.community_id == work.community.id, Checkin.id == checkin_id)
    return await work.session.scalar(statement.with_for_update() if lock else statement)


async def of_day(work: Work, start: datetime, end: datetime) -> Sequence[Checkin]:
    """Check-ins due between two moments."""
    return (
        await work.session.scalars(
            select(Checkin)
            .where(Checkin.community_id == work.community.id, Checkin.due_at >= start, Checkin.due_at < end)
            .order_by(Checkin.due_at)
        )
    ).all()
