"""What is said and asked in an emergency, one question at a time, and what silence after a question means (E3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from data import alarms, timers
from data.models import Alarm
from flows import alarm_ladder as ladder
from flows.emergency_plan import plan
from flows.emergency_words import spoken_words
from flows.messages import Said
from flows.state import Frame
from flows.turn import Turn

STANDING_BY, OVER = "standing_by", "over"
"""`Frame.asked` when nothing is asked any more, and while "is it over?" is open."""
SILENCE_TIMER = "alarm.silence"

_ASKED_AT_MOST = (
    3  # how often an unanswered question is put; the level is 1 by then, and people are on their way
)
_CALLS_FOR_ANSWER = ("yes", "no")


def first_words(turn: Turn, frame: Frame, alarm: Alarm) -> bool:
    """What to do now, for this kind and level; once for each. Returns whether something was said."""
    words = f"emergency_{alarm.kind}_{min(max(alarm.level, 1), 3)}"
    if frame.memory.get("words") == words:
        return False
    frame.memory["words"] = words
    turn.say(words)
    turn.said[-1] = replace(turn.said[-1], custom=ladder.as_json(alarm))
    return True


def name_place(turn: Turn, alarm: Alarm) -> None:
    """Where help goes is said at once, so that a wrong place is corrected at once."""
    if alarm.place:
        turn.say(
            "emergency_place",
            place=turn.wording.place(alarm.place),
            spoken={"place": turn.wording.place_spoken(alarm.place)},
        )


async def ask_next(turn: Turn, frame: Frame, alarm: Alarm) -> None:
    """The next question that is still needed; when none is, the frame stands by while the alarm is open."""
    question = _next_question(frame, alarm)
    if question is not None and turn.conversation.owner != "staff" and not frame.memory.get("no_more"):
        await ask(turn, frame, alarm, question)
        return
    await timers.cancel(turn.work, key=silence_key(turn, alarm))
    frame.memory.pop("question", None)
    if frame.asked not in (None, STANDING_BY) and turn.conversation.owner != "staff":
        turn.say("emergency_standing_by")
    frame.asked = STANDING_BY


def _next_question(frame: Frame, alarm: Alarm) -> str | None:
    asked = frame.memory.get("asked", [])
    facts = alarm.facts
    place = alarm.place or {}
    for question in plan().questions(alarm.kind, facts.get("who")):
        if question in asked or plan().needless(question, facts):
            continue
        if question == "where" and (place or facts.get("location")):
            continue
        if question == "where_detail" and (
            not place.get("building") or place.get("room") or place.get("name")
        ):
            continue
        unclear = plan().depends_on_who(alarm.kind) and "who" not in facts and "who" not in asked
        if unclear and question not in ("where", "where_detail"):
            return "who"
        return question
    return None


async def ask(turn: Turn, frame: Frame, alarm: Alarm, question: str, *, again: bool = False) -> None:
    if frame.asked != question:
        frame.tries = 0
        frame.memory["silences"] = 0
    frame.asked = question
    said = turn.say(f"emergency_{question}_again" if again else f"emergency_{question}")
    frame.memory["question"] = remembered(said)
    await alarms.step(turn.work, alarm, "asked", by="bot", detail=question)
    await watch(turn, frame, alarm)


def remembered(said: Said) -> dict[str, Any]:
    """A question as the engine puts it again."""
    buttons = [{"title": button.title, "payload": button.payload} for button in said.buttons]
    return {"text": said.text, "speech": said.speech, "buttons": buttons}


async def note(turn: Turn, frame: Frame, alarm: Alarm, question: str, answer: str) -> None:
    """Write an answer down, raise the level if it makes things worse, and say what to do about it."""
    frame.memory["asked"] = [*frame.memory.get("asked", []), question]
    if question == "who":
        if answer in _CALLS_FOR_ANSWER:
            await alarms.join(turn.work, alarm, facts={"who": "self" if answer == "yes" else "other"})
        return
    await alarms.join(turn.work, alarm, facts={question: answer})
    level = plan().worse.get(question, {}).get(answer)
    if level is not None and level < alarm.level:
        await alarms.set_level(turn.work, alarm, level, why=f"{question}: {answer}")
        await ladder.announce(turn.work, ladder.telling(turn.world), alarm)
    for key in (f"emergency_{alarm.kind}_{question}_{answer}", f"emergency_{question}_{answer}"):
        if turn.world.replies.has(key, turn.language):
            turn.say(key)
            return


async def take_volunteered(turn: Turn, frame: Frame, alarm: Alarm) -> bool:
    """Answers to questions that were not put yet: 「他没有呼吸了」 is not asked about afterwards."""
    taken = False
    for question in plan().questions(alarm.kind, alarm.facts.get("who")):
        if question not in plan().volunteered:
            continue
        answer = plan().volunteered_answer(question, spoken_words(turn))
        if answer is not None and answer != alarm.facts.get(question):
            await note(turn, frame, alarm, question, answer)
            taken = True
    return taken


def yes_or_no(turn: Turn, question: str) -> str | None:
    by_words = plan().answer(question, spoken_words(turn))
    if by_words is not None:
        return by_words
    if turn.intent("affirm"):
        return "yes"
    return "no" if turn.intent("deny") else None


async def watch(turn: Turn, frame: Frame, alarm: Alarm) -> None:
    """A question that matters is open: silence will raise the level (E3)."""
    if frame.asked in (None, STANDING_BY):
        return
    await timers.schedule(
        turn.work,
        key=silence_key(turn, alarm),
        kind=SILENCE_TIMER,
        subject=f"alarm:{alarm.id}",
        due_at=turn.work.now + turn.world.figures.alarm_silence,
        payload={
            "conversation": turn.conversation.id,
            "question": frame.asked,
            "since": turn.work.now.isoformat(),
        },
    )


async def no_answer(turn: Turn, frame: Frame, alarm: Alarm) -> None:
    """Silence after a question: one level worse, never below 1 and never lower; asked again in other words (E3)."""
    if frame.asked is None or frame.asked == STANDING_BY:
        return
    await alarms.step(turn.work, alarm, "no_answer", by="bot", detail=frame.asked)
    if 1 < alarm.level < ladder.ON_RECORD:
        await alarms.set_level(turn.work, alarm, alarm.level - 1, why="no answer")
        await ladder.announce(turn.work, ladder.telling(turn.world), alarm)
    silences = frame.memory.get("silences", 0) + 1
    frame.memory["silences"] = silences
    if silences >= _ASKED_AT_MOST or turn.conversation.owner == "staff":
        return
    await ask(turn, frame, alarm, frame.asked, again=True)


def silence_key(turn: Turn, alarm: Alarm) -> str:
    # With the conversation in it: two conversations of one person never wait for each other's timer.
    return f"alarm:{alarm.id}:silence:{turn.conversation.id}"
