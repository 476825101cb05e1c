""" "Do you need help now?": asked when a message may be a cry for help; the answer, or none, decides (E4).

There is no alarm row while the question is open; what each answer leads to is in
docs/decisions (the alarm and its ladder).
"""

from __future__ import annotations

from data import alarms, timers
from flows import alarm_ladder as ladder
from flows.declared import Flow
from flows.due import Due
from flows.emergency_alarm import DOUBT, SURE, begin_alarm, doubt_key, end, open_alarm
from flows.emergency_asking import remembered
from flows.emergency_words import plain_no, plainly_else, spoken_words
from flows.state import Frame
from flows.turn import Turn

DOUBT_TIMER = "alarm.doubt"


class Doubt(Flow):
    """ "Do you need help now?" (E4). There is no alarm yet; its answer, or none, decides."""

    name = DOUBT
    intents = ("emergency",)  # the intent engine thinks so, the net does not: worth asking
    parks = False

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        if turn.conversation.owner == "staff":
            # A person is talking with them and reads the same words; a question of ours would only disturb.
            await self._tell(turn, "with_staff")
            await timers.cancel(turn.work, key=doubt_key(turn))
            turn.dialogue.drop(frame)
            return True
        if "words" not in frame.memory:
            await self._ask(turn, frame, "emergency_doubt")
            return True
        if turn.incoming is not None and turn.incoming.kind == "silence":
            await self._raise(turn, frame, "emergency_doubt_silence")
            return True
        if turn.intent("repeat", "slower", "louder"):
            await self._watch(turn, frame)
            return False
        if plain_no(turn):
            await self._no(turn, frame)
            return True
        if not plainly_else(turn):
            await self._raise(turn, frame, None)
            return True
        if not frame.memory.get("again"):
            frame.memory["again"] = True
            await self._ask(turn, frame, "emergency_doubt_again")
            return True
        await self._leave_to_officer(turn, frame)
        return turn.conversation.owner != "bot"

    async def run(self, turn: Turn, frame: Frame) -> bool:
        if frame.memory.get("ended"):
            return True
        if "words" not in frame.memory:
            await self._ask(turn, frame, "emergency_doubt")
        return False

    async def cancelled(self, turn: Turn, frame: Frame) -> None:
        await timers.cancel(turn.work, key=doubt_key(turn))
        turn.say("emergency_doubt_no")

    async def _ask(self, turn: Turn, frame: Frame, key: str) -> None:
        if "words" not in frame.memory:
            judged = turn.understanding.emergency if turn.understanding else None
            frame.memory["words"] = spoken_words(turn)
            frame.memory["kind"] = judged.kind if judged is not None else "unknown"
            # By the net or by a button, not only by the intent engine.
            frame.memory["heard"] = judged is not None or turn.command is not None
            await self._tell(turn, "asked")
        frame.asked = "help"
        frame.memory["question"] = remembered(turn.say(key))
        await self._watch(turn, frame)

    async def _watch(self, turn: Turn, frame: Frame) -> None:
        await timers.schedule(
            turn.work,
            key=doubt_key(turn),
            kind=DOUBT_TIMER,
            subject=f"conversation:{turn.conversation.id}",
            due_at=turn.work.now + turn.world.figures.alarm_silence,
            payload={"conversation": turn.conversation.id},
        )

    async def _raise(self, turn: Turn, frame: Frame, lead: str | None) -> None:
        await begin_alarm(turn, kind=frame.memory["kind"], level=SURE, lead=lead)

    async def _no(self, turn: Turn, frame: Frame) -> None:
        """A clear no: on record at level 5. It joins an alarm only if there is one."""
        await timers.cancel(turn.work, key=doubt_key(turn))
        await self._tell(turn, "denied", level=ladder.ON_RECORD)
        alarm = await open_alarm(turn)
        if alarm is not None:
            await alarms.join(turn.work, alarm, text=spoken_words(turn) or None)
        turn.say("emergency_doubt_no")
        end(turn, frame)

    async def silent(self, turn: Turn, frame: Frame) -> None:
        """No answer: an alarm of level 3 where the net heard danger; else it was a guess, which an officer looks at."""
        if frame.memory.get("heard", True):
            await self._raise(turn, frame, "emergency_doubt_silence")
        else:
            await self._leave_to_officer(turn, frame, "alarm_doubt_silent_staff")

    async def _leave_to_officer(self, turn: Turn, frame: Frame, notice: str = "alarm_doubt_staff") -> None:
        """Twice something else: they are talking and not in distress; the officer looks at it, they are not held up."""
        await timers.cancel(turn.work, key=doubt_key(turn))
        await self._tell(turn, "unanswered", level=4)
        text = turn.world.replies.render(notice, "zh", conversation=turn.conversation.id).text
        await ladder.tell_of_doubt(turn.work, ladder.telling(turn.world), turn.conversation, text)
        turn.dialogue.drop(frame)

    async def _tell(self, turn: Turn, outcome: str, level: int = 4) -> None:
        subject = f"conversation:{turn.conversation.id}"
        turn.work.audit("alarm.doubt", subject, outcome=outcome, level=level)
        await turn.work.emit("alarm", subject, what="doubt", outcome=outcome, level=level)


async def on_doubt(due: Due) -> None:
    """ "Do you need help now?" was not answered (E4)."""
    if due.turn is None:
        return
    frame = due.turn.dialogue.find(DOUBT)
    if frame is None or frame.asked is None:
        return
    await Doubt().silent(due.turn, frame)
