"""Saying a reminder at its time; "taken?" where it is about medicine, once more, then the family (F5, K7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from data import reminders, timers
from data.models import Reminder
from flows import family
from flows.declared import Flow
from flows.due import Due, Handler
from flows.reminder_words import for_the_person, taken
from flows.state import Frame
from flows.turn import Turn
from flows.unwell import put

NAME = "medicine"
TAKEN = "taken"
"""`Frame.asked` while "taken?" is open."""
_ALARMS = ("emergency", "emergency_doubt")
_STANDING_BY = "standing_by"
_LET_PASS = timedelta(minutes=5)  # how long an emergency's questions are left alone before we look again
_FRESH = timedelta(minutes=5)  # a question this fresh is put again after a reminder came between
_OF_THE_VOICE = ("repeat", "slower", "louder")
_SERVED = 0.7  # from this confidence another wish is served first, as in the engine


async def on_due(due: Due) -> None:
    """The time of a reminder. The next one is set at once, whatever is answered (K8)."""
    work = due.work
    reminder = await reminders.get(work, due.timer.subject.removeprefix("reminder:"), lock=True)
    at = datetime.fromisoformat(due.timer.payload["at"])
    if reminder is None or reminder.state != "active" or reminder.next_at != at or due.turn is None:
        return
    if work.now - at > due.world.figures.reminder_late:
        await reminders.missed(work, reminder, since=at)
        due.turn.say("reminder_missed", when=_moment(due.turn, at), **facts(due.turn, reminder))
    elif _in_emergency(due.turn):
        await timers.schedule(
            work,
            key=due.timer.key,
            kind=due.timer.kind,
            subject=due.timer.subject,
            due_at=work.now + _LET_PASS,
            payload=due.timer.payload,
        )
        return
    elif reminder.medicine and due.turn.conversation.owner == "bot":
        await _ask(due, due.turn, reminder, again=False)
        await _watch(due, reminder, reminders.ASK_AGAIN)
    else:
        await _say(due, due.turn, reminder)
    await reminders.advance(work, reminder)


async def _say(due: Due, turn: Turn, reminder: Reminder) -> None:
    """Say it. A question that was put just now is put again afterwards (C4)."""
    turn.say("reminder_due", **facts(turn, reminder))
    frame = turn.dialogue.active
    if turn.conversation.owner != "bot" or frame is None or frame.asked is None or not frame.touched:
        return
    if due.work.now - datetime.fromisoformat(frame.touched) < _FRESH:
        await due.engine.go_on(turn, frame)


async def _ask(due: Due, turn: Turn, reminder: Reminder, *, again: bool) -> None:
    _drop(turn, reminder.id)
    await due.engine.start(turn, NAME, reminder=reminder.id, again=again, **facts(turn, reminder))
    await reminders.note(due.work, reminder, "asked")


async def _watch(due: Due, reminder: Reminder, kind: str) -> None:
    after = due.world.figures.medicine_again
    await reminders.watch(due.work, reminder, kind=kind, due_at=due.work.now + after)


async def on_again(due: Due) -> None:
    """Not answered: ask once more."""
    reminder, turn = await _open_question(due), due.turn
    if reminder is None or turn is None:
        return
    if _in_emergency(turn):
        _drop(turn, reminder.id)
        return
    if turn.conversation.owner == "bot":
        await _ask(due, turn, reminder, again=True)
    await _watch(due, reminder, reminders.TELL_FAMILY)


async def on_family(due: Due) -> None:
    """Twice unanswered: the contacts whom the resident agreed to are told, and the resident hears that they are."""
    reminder, turn = await _open_question(due), due.turn
    if reminder is None or turn is None:
        return
    _drop(turn, reminder.id)
    await reminders.note(due.work, reminder, "no_answer")
    if turn.resident is None:
        return
    reached = []
    for contact, way in await family.tell(
        due.work,
        due.world,
        turn.resident.id,
        "reminder_family",
        about=f"reminder:{reminder.id}",
        **facts(turn, reminder),
    ):
        await reminders.note(
            due.work, reminder, "notified" if way else "not_reachable", to=family.name_of(contact)
        )
        if way:
            reached.append(contact.relation)
    if reached:
        turn.say("reminder_family_told", who=turn.wording.listed(reached), **facts(turn, reminder))


async def _open_question(due: Due) -> Reminder | None:
    """The reminder of an unanswered "taken?". After an outage nobody could answer: nothing is concluded from it."""
    reference = due.timer.subject.rsplit(":", 1)[-1]
    reminder = await reminders.get(due.work, reference, lock=True)
    if reminder is None or reminder.state == "cancelled":
        return None
    if due.late > due.world.figures.reminder_late:
        await reminders.note(due.work, reminder, "no_answer")
        return None
    return reminder


class Medicine(Flow):
    """ "Have you taken it?", opened by the clock with slots `reminder`, `again` and what it is about."""

    name = NAME
    parks = False
    own_silence = True

    async def begin(self, turn: Turn, frame: Frame) -> None:
        key = "reminder_medicine_again" if frame.slots.get("again") else "reminder_medicine"
        put(turn, frame, TAKEN, key, what=str(frame.slots.get("what", "")))

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        if turn.incoming is not None and turn.incoming.kind == "silence":
            return True
        if turn.intent(*_OF_THE_VOICE):
            return False
        said = taken(turn)
        if said is not None and not self._other_wish(turn):
            await self._answered(turn, frame, said)
            return True
        if self._other_wish(turn) or frame.tries:
            # Whatever it is, it is theirs to say now; the clock asks about the medicine again.
            turn.dialogue.drop(frame)
            return False
        frame.tries += 1
        put(turn, frame, TAKEN, "reminder_medicine_unclear", what=str(frame.slots.get("what", "")))
        return True

    async def cancelled(self, turn: Turn, frame: Frame) -> None:
        turn.say("reminder_not_taken")

    async def _answered(self, turn: Turn, frame: Frame, said: str) -> None:
        reminder = await reminders.get(turn.work, str(frame.slots["reminder"]))
        await reminders.answered(turn.work, int(frame.slots["reminder"]))
        frame.asked = None
        if reminder is not None:
            await reminders.note(turn.work, reminder, said)
        if said != "later" or reminder is None:
            turn.say("reminder_taken" if said == "taken" else "reminder_not_taken")
            return
        after = turn.world.figures.medicine_again
        await reminders.watch(turn.work, reminder, kind=reminders.ASK_AGAIN, due_at=turn.work.now + after)
        turn.say("reminder_later", after=turn.wording.duration(after))

    def _other_wish(self, turn: Turn) -> bool:
        """Another thing altogether, surely enough not to be an answer."""
        if turn.command is not None:
            return taken(turn) is None
        if turn.understanding is None:
            return False
        top = turn.understanding.intent
        about_it = (
            "affirm",
            "deny",
            "feel_fine",
            "set_reminder",
            "skip",
            "stop",
            "greet",
            "thank",
            "chitchat",
        )
        if top.name in about_it or top.confidence < turn.world.figures.sure:
            return False
        return taken(turn) is None or top.confidence >= _SERVED


def facts(turn: Turn, reminder: Reminder) -> dict[str, Any]:
    """What the texts about a reminder may name."""
    return {"what": for_the_person(reminder.text, turn.language)}


def _moment(turn: Turn, at: datetime) -> str:
    return turn.wording.moment(at.astimezone(turn.work.zone), turn.now)


def _in_emergency(turn: Turn) -> bool:
    frame = turn.dialogue.active
    return frame is not None and frame.flow in _ALARMS and frame.asked != _STANDING_BY


def _drop(turn: Turn, reminder_id: int) -> None:
    for frame in [frame for frame in turn.dialogue.stack if frame.flow == NAME]:
        if frame.slots.get("reminder") == reminder_id:
            turn.dialogue.drop(frame)


TIMERS: Mapping[str, Handler] = {
    reminders.TIMER: on_due,
    reminders.ASK_AGAIN: on_again,
    reminders.TELL_FAMILY: on_family,
}
"""Timer kind → its handler."""
