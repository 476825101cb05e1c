"""What happens around a check-in by the clock: asking, asking again, telling the family, sending somebody, all-clear.

The ladder is counted from when the question was first put (K4, K7): asked again after `Figures.ask_again`, the family
is told after `tell_family` (from then on the state is `no_answer`), a visit is a task after `visit`. Each step reads
everything anew first, and any sign of life ends it (K5).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from data import alarms, checkins, conversations, requests, residents, timers
from data.models import Checkin, Request
from data.work import Work
from flows import family
from flows.due import Due, Handler
from flows.turn import Turn
from flows.world import World

NAME = "checkin"
"""The flow of the question and its answer."""
DESK = "desk"
_ALARM_COUNTS = timedelta(hours=12)  # an alarm this fresh is already being looked after
_JUST_ASKED = timedelta(minutes=5)  # after an outage several steps are due at once: one question is enough
_WATCH_EVERY, _WATCH_FOR = timedelta(minutes=20), timedelta(hours=6)


async def on_due(due: Due) -> None:
    """A check-in's time: the next one is armed, then it is asked unless there is no need (K2, K5, K6, K7)."""
    work = due.work
    plan = await checkins.plan_by_id(work, _id(due))
    if plan is None or not plan.active:
        return
    at = datetime.fromisoformat(due.timer.payload["at"])
    await checkins.arm(work, plan, after=work.now)
    checkin = await checkins.begin(work, plan, at)
    if checkin.state != checkins.MACHINE.start:
        return
    day = at.astimezone(work.zone).date()
    if checkins.is_paused(plan, day):
        await checkins.move(work, checkin, "pause")
    elif day != work.local.date():
        # An outage of a day: yesterday's question would only confuse, today's is armed.
        await checkins.step(work, checkin, "missed")
    elif await _alarm_open(work, checkin):
        await checkins.move(work, checkin, "help")
    elif await checkins.sign_of_life(
        work, checkin.resident_id, since=at - timedelta(minutes=plan.window_minutes)
    ):
        await checkins.move(work, checkin, "sign_of_life")
    else:
        await checkins.move(work, checkin, "ask")
        await _speak(due, checkin, again=False)
        await _set_ladder(due, checkin)


async def _set_ladder(due: Due, checkin: Checkin) -> None:
    """Every step of the ladder, counted from now."""
    figures = due.world.figures
    steps = [
        *((checkins.AGAIN, f"again:{number}", after) for number, after in enumerate(figures.ask_again, 1)),
        (checkins.FAMILY, "family", figures.tell_family),
        (checkins.VISIT, "visit", figures.visit),
    ]
    for kind, name, after in steps:
        await _set(due, checkin, kind, name, due.work.now + after)


async def _set(due: Due, checkin: Checkin, kind: str, name: str, at: datetime) -> None:
    subject = checkins.subject(checkin.id)
    await timers.schedule(
        due.work,
        key=f"{subject}:{name}",
        kind=kind,
        subject=subject,
        due_at=at,
        payload={"conversation": due.timer.payload.get("conversation")},
    )


async def _speak(due: Due, checkin: Checkin, *, again: bool) -> None:
    """Put the question where the plan says, or where the resident was last heard. While a person has the
    conversation it is only said: what is answered is theirs, and counts as a sign of life (C15)."""
    turn, own = due.turn, False
    if turn is None:
        found = await conversations.of_resident(due.work, checkin.resident_id)
        if found is None:
            await checkins.step(due.work, checkin, "not_reachable")
            return
        turn = Turn.outside(due.work, due.world, await conversations.lock(due.work, found.id))
        own = True
    drop_frames(turn)
    if turn.conversation.owner == "bot":
        await due.engine.start(turn, NAME, checkin=checkin.id, again=again)
    else:
        turn.say("checkin_again" if again else "checkin_ask", **greeting(turn))
    if own:
        await turn.deliver(about=checkins.subject(checkin.id))


async def on_again(due: Due) -> None:
    """No answer yet: ask again."""
    checkin = await _unanswered(due)
    if checkin is None:
        return
    asked = [datetime.fromisoformat(step["at"]) for step in checkin.steps if step["what"] == "asked"]
    if asked and due.work.now - max(asked) < _JUST_ASKED:
        return
    await checkins.step(due.work, checkin, "asked")
    await _speak(due, checkin, again=True)


async def on_family(due: Due) -> None:
    """Still no answer: the people the resident named are told."""
    checkin = await _unanswered(due)
    if checkin is None:
        return
    work = due.work
    if checkin.state == "asked":
        await checkins.move(work, checkin, "no_answer")
    if not await tell_family(work, due.world, checkin, "checkin_family_no_answer"):
        await _tell_desk(work, due.world, checkin, "checkin_staff_no_family")


async def on_visit(due: Due) -> None:
    """Still no answer: somebody has to go there."""
    checkin = await _unanswered(due)
    if checkin is None or visit_number(checkin) is not None:
        return
    work, world = due.work, due.world
    if checkin.state == "asked":
        await checkins.move(work, checkin, "no_answer")
    at = checkin.due_at.astimezone(work.zone)
    text = world.replies.render("checkin_visit_text", "zh", when=world.wording("zh").moment(at, work.local))
    request = await open_visit(work, world, checkin, text=text.text, urgency="urgent")
    await _tell_desk(work, world, checkin, "checkin_staff_visit", number=request.number)
    await _watch(due, checkin)


async def on_watch(due: Due) -> None:
    """Everybody is alerted: look again and again whether a sign of life came meanwhile from elsewhere."""
    checkin = await _unanswered(due)
    if checkin is not None:
        await _watch(due, checkin)


async def _watch(due: Due, checkin: Checkin) -> None:
    asked = checkin.asked_at or checkin.due_at
    if due.work.now - asked < _WATCH_FOR:
        await _set(due, checkin, checkins.WATCH, "watch", due.work.now + _WATCH_EVERY)


async def _unanswered(due: Due) -> Checkin | None:
    """The check-in of a step, locked, if it is still open after everything was looked at again."""
    work = due.work
    checkin = await checkins.get(work, _id(due), lock=True)
    if checkin is None or checkin.state not in checkins.OPEN:
        return None
    if await _alarm_open(work, checkin):
        await checkins.settle(work, checkin.id, "help")
    elif await checkins.sign_of_life(work, checkin.resident_id, since=checkin.asked_at or checkin.due_at):
        await over(work, due.world, checkin.id, "sign_of_life")
    else:
        return checkin
    if due.turn is not None:
        drop_frames(due.turn)
    return None


async def _alarm_open(work: Work, checkin: Checkin) -> bool:
    alarm = await alarms.open_of(work, resident_id=checkin.resident_id, conversation_id=None)
    return alarm is not None and work.now - alarm.raised_at < _ALARM_COUNTS


# How it ends


async def over(work: Work, world: World, checkin_id: int, name: str) -> Checkin | None:
    """A check-in is answered (`name`: fine, unwell, sign_of_life): its ladder ends, and unless the news is bad
    everybody who was alerted hears so. None when this is no news."""
    checkin = await checkins.settle(work, checkin_id, name)
    if checkin is not None and name != "unwell":
        await _all_clear(work, world, checkin)
    return checkin


async def _all_clear(work: Work, world: World, checkin: Checkin) -> None:
    told = {step["to"] for step in checkin.steps if step["what"] == "notified"}
    cleared = {step["to"] for step in checkin.steps if step["what"] == "all_clear"}
    waiting = told - cleared
    about = checkins.subject(checkin.id)
    for contact, reached in await family.tell(
        work, world, checkin.resident_id, "checkin_family_all_clear", about=about, only=waiting
    ):
        if reached:
            await checkins.step(work, checkin, "all_clear", to=family.name_of(contact))
    number = visit_number(checkin)
    if number is not None and number not in cleared:
        await _call_off(work, world, number)
        await checkins.step(work, checkin, "all_clear", to=number)
    if DESK in waiting:
        resident, _ = await conversations.with_home(work, checkin.resident_id)
        family.tell_desk(
            work, world, "checkin_staff_all_clear", about=about, name=family.called(world, resident)
        )
        await checkins.step(work, checkin, "all_clear", to=DESK)


async def _call_off(work: Work, world: World, number: str) -> None:
    """A visit nobody has taken yet is not needed any more; one that is under way is left to who goes."""
    request = await requests.get(work, number, lock=True)
    if request is not None and request.state in ("open", "reopened"):
        reason = world.replies.render("checkin_visit_not_needed", "zh").text
        await requests.move(work, request, "cancel", note=reason)


# Who is told, who goes


async def tell_family(work: Work, world: World, checkin: Checkin, key: str) -> list[str]:
    """Tell the contacts who may be told; a step for each. Gives the relations of those who are reached."""
    about = checkins.subject(checkin.id)
    at = checkin.due_at.astimezone(work.zone)
    resident, _ = await conversations.with_home(work, checkin.resident_id)
    clock = world.wording(resident.language).clock(at)
    reached = []
    for contact, way in await family.tell(work, world, checkin.resident_id, key, about=about, clock=clock):
        name = family.name_of(contact)
        await checkins.step(work, checkin, "notified" if way else "not_reachable", to=name)
        if way:
            reached.append(contact.relation)
    return reached


async def _tell_desk(work: Work, world: World, checkin: Checkin, key: str, **facts: str) -> None:
    resident, home = await conversations.with_home(work, checkin.resident_id)
    place = world.wording("zh").place(residents.place_of(home))
    about = checkins.subject(checkin.id)
    name = family.called(world, resident)
    family.tell_desk(work, world, key, about=about, name=name, place=place, **facts)
    await checkins.step(work, checkin, "notified", to=DESK)


async def open_visit(work: Work, world: World, checkin: Checkin, *, text: str, urgency: str) -> Request:
    """A visit as a staff task with its deadline, and the step that names it."""
    plan = await checkins.plan_by_id(work, checkin.plan_id)
    _, home = await conversations.with_home(work, checkin.resident_id)
    request = await requests.open_case(
        work,
        kind="visit",
        resident_id=checkin.resident_id,
        conversation_id=plan.conversation_id if plan is not None else None,
        place=residents.place_of(home),
        urgency=urgency,
        text=text,
        details={"deadline": _deadline(work, world), "checkin": checkin.id},
    )
    await checkins.step(work, checkin, "visit", to=request.number)
    return request


def _deadline(work: Work, world: World) -> str:
    return (work.local + world.figures.visit_within).isoformat()


def visit_number(checkin: Checkin) -> str | None:
    """The number of the visit that a check-in led to."""
    return next((step["to"] for step in reversed(checkin.steps) if step["what"] == "visit"), None)


async def on_visit_due(due: Due) -> None:
    """A visit of the plan (K1): a task for staff, unless the last one is still waiting or the plan is paused."""
    work, world = due.work, due.world
    plan = await checkins.plan_by_id(work, _id(due))
    if plan is None or not plan.active:
        return
    await checkins.arm_visit(work, plan, after=work.now)
    if checkins.is_paused(plan, work.local.date()):
        return
    cases = await requests.of_person(work, resident_id=plan.resident_id, conversation_id=0, limit=50)
    if any(case.kind == "visit" and case.details.get("plan") == plan.id for case in cases):
        return
    _, home = await conversations.with_home(work, plan.resident_id)
    await requests.open_case(
        work,
        kind="visit",
        resident_id=plan.resident_id,
        conversation_id=plan.conversation_id,
        place=residents.place_of(home),
        urgency="planned",
        text=world.replies.render("checkin_plan_visit_text", "zh", days=plan.visit_every_days).text,
        details={"plan": plan.id},
    )


# Small things


def drop_frames(turn: Turn) -> None:
    """No check-in question is open here any more."""
    for frame in [frame for frame in turn.dialogue.stack if frame.flow == NAME]:
        turn.dialogue.drop(frame)


def greeting(turn: Turn) -> dict[str, Any]:
    """How the person is addressed: by name and by the time of day."""
    hour = turn.now.hour
    part = "morning" if hour < 12 else "afternoon" if hour < 18 else "evening"
    name = (turn.resident.name if turn.resident else None) or ""
    words = turn.world.replies.render
    key = "checkin_name" if name else "checkin_name_unknown"
    return {
        "hello": words(f"checkin_hello_{part}", turn.language).text,
        "name": words(key, turn.language, name=name).text,
    }


def _id(due: Due) -> int:
    return int(due.timer.subject.rsplit(":", 1)[-1])


TIMERS: Mapping[str, Handler] = {
    checkins.TIMER: on_due,
    checkins.AGAIN: on_again,
    checkins.FAMILY: on_family,
    checkins.VISIT: on_visit,
    checkins.WATCH: on_watch,
    checkins.VISIT_TIMER: on_visit_due,
}
"""Timer kind → its handler."""
