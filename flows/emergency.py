"""The emergency conversation: the alarm first, then what to do now, then one question at a time (E1–E4, E8).

The engine brings `Emergency` to the top whenever a message is judged level 1–3 or the button is pressed, and
`Doubt` when it may be one. After the questions the frame stays while the alarm is open, so that later words
join it; a clear other wish is served meanwhile (docs/decisions: the alarm and its ladder).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from data import alarms, timers
from data.models import Alarm
from flows import alarm_ladder as ladder
from flows.declared import Flow
from flows.due import Due, Handler
from flows.emergency_alarm import NAME, SURE, begin, join, open_alarm, take_back
from flows.emergency_asking import (
    OVER,
    SILENCE_TIMER,
    STANDING_BY,
    ask,
    ask_next,
    first_words,
    no_answer,
    note,
    silence_key,
    take_volunteered,
    watch,
    yes_or_no,
)
from flows.emergency_doubt import DOUBT_TIMER, Doubt, on_doubt
from flows.emergency_plan import plan
from flows.emergency_words import (
    Danger,
    answered_danger,
    danger_in,
    others_wish,
    place_in,
    spoken_words,
    takes_back,
)
from flows.state import Frame
from flows.turn import Turn

_UNCLEAR_AT_MOST = 2
_NUMBER = re.compile(r"[0-9零一二两三四五六七八九十]|one|two|three|four|five|six|seven|eight|nine|ten")


class Emergency(Flow):
    """An open alarm of this person."""

    name = NAME
    parks = False

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        if "alarm" not in frame.memory:
            await begin(turn, frame, danger_in(turn) or Danger(kind="unknown", level=SURE))
            return True
        alarm = await alarms.get(turn.work, str(frame.memory["alarm"]), lock=True)
        danger = answered_danger(turn, frame.asked)
        if alarm is None or alarm.state == "resolved":
            return await self._after_the_end(turn, frame, danger)
        if turn.incoming is not None and turn.incoming.kind == "silence":
            await no_answer(turn, frame, alarm)
            return True
        if danger is None and takes_back(turn):
            await take_back(turn, frame, alarm)
            return True
        if danger is None and turn.conversation.owner == "bot" and others_wish(turn, alarm.kind, frame.asked):
            await watch(turn, frame, alarm)
            return False
        kind = alarm.kind
        rose = await join(turn, alarm, danger, frame.asked)
        if rose:
            await ladder.announce(turn.work, ladder.telling(turn.world), alarm)
        if turn.conversation.owner == "staff" and danger is None:
            return True  # a person is talking with them; their words join the alarm, the bot is silent (C15)
        said_anew = (danger is not None or alarm.kind != kind) and first_words(turn, frame, alarm)
        await self._go_on(turn, frame, alarm, silent=said_anew)
        return True

    async def run(self, turn: Turn, frame: Frame) -> bool:
        if frame.memory.get("ended"):
            return True
        if "alarm" not in frame.memory:
            await begin(turn, frame, danger_in(turn) or Danger(kind="unknown", level=SURE))
        frame.asked = frame.asked or STANDING_BY
        return False

    async def cancelled(self, turn: Turn, frame: Frame) -> None:
        """Left by the engine: the alarm stays, so nothing was cancelled."""
        turn.say("emergency_standing_by")

    async def _after_the_end(self, turn: Turn, frame: Frame, danger: Danger | None) -> bool:
        """Staff closed the alarm meanwhile: new danger is a new alarm, anything else is not for this flow."""
        if danger is not None:
            frame.memory = {"begun": True}
            await begin(turn, frame, danger)
            return True
        turn.dialogue.drop(frame)
        return turn.conversation.owner != "bot"

    async def _go_on(self, turn: Turn, frame: Frame, alarm: Alarm, *, silent: bool) -> None:
        """Take the answer to the open question, then put the next one."""
        asked = frame.asked
        if asked is None or asked == STANDING_BY:
            if turn.intent("help"):
                frame.memory.pop("words", None)  # "what shall I do?": the instructions once more
                first_words(turn, frame, alarm)
            elif not await take_volunteered(turn, frame, alarm) and not silent:
                turn.say("emergency_noted")
            await ask_next(turn, frame, alarm)
            return
        if asked == OVER:
            await self._over(turn, frame, alarm)
            return
        if await self._answer(turn, frame, alarm, asked):
            if frame.memory.get("ended") or turn.dialogue.find(NAME) is None:
                return
            await ask_next(turn, frame, alarm)
            return
        if frame.asked == OVER:
            return
        if await take_volunteered(turn, frame, alarm):
            await ask_next(turn, frame, alarm)
            return
        frame.tries += 1
        if frame.tries < _UNCLEAR_AT_MOST:
            await ask(turn, frame, alarm, asked, again=True)
            return
        await note(turn, frame, alarm, asked, "unknown")
        await ask_next(turn, frame, alarm)

    async def _answer(self, turn: Turn, frame: Frame, alarm: Alarm, asked: str) -> bool:
        """Whether the message answers the open question; if so, it is written down and acted on."""
        if turn.intent("skip", "stop"):
            # 「不知道」: for a question about life, not to know is the worst answer.
            await note(turn, frame, alarm, asked, "unknown")
            frame.memory["no_more"] = turn.intent("stop")
            return True
        if asked in ("where", "where_detail"):
            return await self._where(turn, frame, alarm, asked)
        if asked in plan().free and spoken_words(turn) and not turn.intent("deny"):
            await note(turn, frame, alarm, asked, spoken_words(turn))
            return True
        answer = yes_or_no(turn, asked)
        if answer is None or asked in plan().free:
            if turn.intent("feel_fine", "cancel_request", "deny"):
                await ask(turn, frame, alarm, OVER)
            return False
        if asked == "ok" and answer == "yes":
            await take_back(turn, frame, alarm)
            return True
        await note(turn, frame, alarm, asked, answer)
        return True

    async def _where(self, turn: Turn, frame: Frame, alarm: Alarm, asked: str) -> bool:
        words = spoken_words(turn)
        place = place_in(turn) or alarm.facts.get("location")
        if place is None and turn.intent("deny", "feel_fine", "cancel_request"):
            await ask(turn, frame, alarm, OVER)
            return False
        vague = danger_in(turn) is not None or plan().bare["unknown"].search(words.lower()) is not None
        if place is None and words and not vague and not turn.intent("affirm") and asked == "where":
            place = {"name": words[:80]}  # a place in their own words is better than none
            await alarms.join(turn.work, alarm, place=place)
        if place is None and (asked == "where" or not (vague or _NUMBER.search(words))):
            return False
        frame.memory["asked"] = [*frame.memory.get("asked", []), asked]
        turn.say(
            "emergency_place_noted",
            place=turn.wording.place(alarm.place),
            spoken={"place": turn.wording.place_spoken(alarm.place)},
        )
        return True

    async def _over(self, turn: Turn, frame: Frame, alarm: Alarm) -> None:
        """ "Is it over?" Only a clear yes takes the alarm back; everything else goes on."""
        if danger_in(turn) is None and (
            turn.intent("affirm", "feel_fine") or plan().answer(OVER, spoken_words(turn)) == "yes"
        ):
            await take_back(turn, frame, alarm)
            return
        turn.say("emergency_noted")
        await ask_next(turn, frame, alarm)


class Over(Flow):
    """ "It was nothing": takes back an alarm that is not the open conversation (E8)."""

    name = "emergency_over"
    intents = ("emergency_cancel",)
    parks = False

    async def begin(self, turn: Turn, frame: Frame) -> None:
        alarm = await open_alarm(turn)
        if alarm is None or alarm.taken_back_at is not None:
            turn.say("emergency_nothing_open" if alarm is None else "emergency_taken_back")
            return
        running = turn.dialogue.find(NAME)
        await alarms.take_back(turn.work, alarm, spoken_words(turn))
        await timers.cancel(turn.work, key=silence_key(turn, alarm))
        if running is not None:
            turn.dialogue.drop(running)
        turn.say("emergency_taken_back")


async def on_silence(due: Due) -> None:
    """The question of an alarm was not answered in time."""
    if due.turn is None:
        return
    turn, asked = due.turn, due.timer.payload["question"]
    frame = turn.dialogue.find(NAME)
    alarm = await alarms.get(due.work, due.timer.subject.removeprefix("alarm:"), lock=True)
    if alarm is None or alarm.state == "resolved" or frame is None:
        return
    if frame.memory.get("alarm") != alarm.id or frame.asked != asked:
        return
    heard = turn.conversation.last_in_at
    since = datetime.fromisoformat(due.timer.payload["since"])
    if heard is not None and heard > since and turn.dialogue.active is not frame:
        # They are talking, about something else that was served meanwhile: silence counts from their last word.
        await timers.schedule(
            due.work,
            key=due.timer.key,
            kind=SILENCE_TIMER,
            subject=due.timer.subject,
            due_at=max(heard, due.work.now) + due.world.figures.alarm_silence,
            payload={**due.timer.payload, "since": heard.isoformat()},
        )
        return
    await no_answer(turn, frame, alarm)


FLOWS: tuple[Flow, ...] = (Emergency(), Doubt(), Over())
TIMERS: Mapping[str, Handler] = {**ladder.TIMERS, SILENCE_TIMER: on_silence, DOUBT_TIMER: on_doubt}
"""Timer kind → its handler, the ladder's included."""
