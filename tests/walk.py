"""A walk through conversations: anything said, pressed or not said at all, in any order, and what has to hold after each
turn. The tests walk short ways, `python -m bench random_walk` walks a long one.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from data import conversations
from data.models import Alarm, Handoff, Message, Request
from flows import alarm_staff, handoff
from flows.messages import Kind
from flows.state import CONFIRM, Dialogue
from tests.harness import Talk, texts

DEEPEST = 7  # four that wait, one that is active, a question about going on, an alarm
PERSON = "转人工"
WISHES = (
    *(
        "我想约理发",
        "帮我订午饭",
        "我想约家庭保洁，后天上午九点",
        "给我妈约助浴",
        "我想约明天上午十点法律咨询",
    ),
    *("我家水管漏了", "楼道灯不亮", "每天早上八点提醒我吃药", "我的预约怎么样了", "把理发改到后天下午三点"),
    *(
        "刚才那个不要了",
        "取消理发",
        "我头有点晕",
        "食堂几点开门",
        "帮我买火车票",
        "火星上有什么",
        "我要投诉楼上太吵",
    ),
    *(
        "建议多放几张椅子",
        "有哪些提醒",
        "I'd like a haircut tomorrow at 10 am",
        "这个先不要了，取消吧",
        PERSON,
    ),
)
ANSWERS = (
    *(
        "两份",
        "明天上午十点",
        "后天",
        "十一点半",
        "5号楼1单元1203",
        "不是5号楼，是6号楼",
        "5",
        "下午",
        "明天上午",
    ),
    *(
        "好",
        "不用",
        "不对",
        "是的",
        "好的谢谢",
        "嗯嗯嗯什么",
        "改时间",
        "不约了",
        "五十份",
        "排队等",
        "改成十一点",
    ),
    *(
        "跳过",
        "算了，不弄了",
        "再说一遍",
        "慢点说",
        "大点声",
        "你好",
        "谢谢",
        "呜噜呜噜",
        "",
        "？？",
        "yes",
        "no",
    ),
)
PRESSED = (
    *("/affirm", "/deny", "/stop", "/skip", "/book_service", "/report_repair", "/ask_human", "/old_button"),
    *('/choose{"time": 3}', '/choose{"time": "wait"}', '/change{"slot": "time"}', "/go_on"),
)
CONFIRMED = {("repair", "same"), ("waiting_offer", "take")}
"""Where a yes makes something that stays without a read-back before it: it was read back with the question."""
_MADE = ("booking", "repair", "complaint", "suggestion")


class Broken(AssertionError):
    """A promise of the conversation does not hold; tells the last turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How things stand between two turns."""

    dialogue: Dialogue
    owner: str  # of the conversation
    made: int  # how many bookings, repairs, complaints and suggestions there are
    errors: int  # turns that failed
    alarms: tuple[str, ...]  # numbers of this person's open alarms
    handoffs: tuple[int, ...]  # ids of this conversation's open hand-overs


@dataclass(slots=True)
class Walk:
    """One person's way through conversations."""

    here: Talk
    sender: str
    last: Sequence[Message] = ()
    story: list[str] = field(default_factory=list)

    async def turn(self, line: str, *, kind: Kind = "text", channel: str = "rest") -> None:
        """Say it, and look whether all promises hold. Raises Broken."""
        before = await self._see()
        self.last = await self.here.say(self.sender, line, kind=kind, channel=channel)
        self.story.append(f"> {line or kind}\n{texts(self.last)}")
        after = await self._see()
        self._look(line, kind, before, after)
        await self._staff_are_quick(after)

    async def wait(self, minutes: float) -> None:
        """Time passes; nothing is made by it."""
        before = await self._see()
        await self.here.pass_time(minutes=minutes)
        self.story.append(f"… {minutes} minutes\n" + "\n".join(await self.here.unasked(self.sender)))
        after = await self._see()
        self._hold(after.made == before.made, "made by the clock")
        self._hold(after.errors == 0, "a timer failed")
        await self._staff_are_quick(after)

    def _look(self, line: str, kind: str, before: Seen, after: Seen) -> None:
        was, top = before.dialogue.active, after.dialogue.active
        with_bot, still = before.owner == "bot", after.owner == "bot"
        self._hold(after.errors == 0, "a turn failed")
        self._hold(bool(self.last) or not with_bot or kind == "silence", "a dead end: no answer")
        self._hold(line != PERSON or not with_bot or not still, "no way to a person")
        self._hold(len(after.dialogue.stack) <= DEEPEST, "too much at once")
        self._hold(top is None or bool(top.asked) or not still, "nothing is asked, and nothing is done")
        more = after.made - before.made
        self._hold(more in (0, 1), "made twice")
        confirmed = was is not None and (was.asked == CONFIRM or (was.flow, was.asked) in CONFIRMED)
        self._hold(more == 0 or confirmed, "made without a confirmation")
        for flow, since in set(self._waiting(before.dialogue)[:-1]) - set(self._waiting(after.dialogue)):
            self._hold(self._explained(flow), f"{flow} of {since} vanished")
        self._hold(self._mentions(before.dialogue, after.dialogue), "what was taken is not mentioned")
        for message in self.last:
            shown = (message.payload or {}).get("buttons", ())
            self._hold(len(shown) <= 3, "more than three choices")

    def _mentions(self, before: Dialogue, after: Dialogue) -> bool:
        """When an answer filled the time or the number of a booking, the words say so."""
        was, now = before.active, after.active
        if (
            was is None
            or now is None
            or (was.flow, was.since) != (now.flow, now.since)
            or was.flow != "booking"
        ):
            return True
        said = texts(self.last)
        service = self.here.turns.world.services.get(str(now.slots.get("service")))
        for name in ("service", "time"):
            value = now.slots.get(name)
            if value is None or value == was.slots.get(name):
                continue
            if name == "service" and service is not None:
                names = (service.name.zh, service.name.en)
                question = [ask.question for ask in service.slots if ask.question]
                if not any(
                    one in said for one in (*names, *(q.zh for q in question), *(q.en for q in question))
                ):
                    return False
            if name == "time":
                hour = int(value[11:13])
                if not any(
                    f"{one}点" in said or f"{one} " in said or f"{one}:" in said for one in (hour, hour - 12)
                ):
                    return False
        return True

    def _waiting(self, dialogue: Dialogue) -> list[tuple[str, str]]:
        """What waits and has not waited longer than a day."""
        flows, oldest = self.here.turns.engine.flows, self.here.clock.now() - timedelta(hours=23)
        return [
            (frame.flow, frame.since)
            for frame in dialogue.stack
            if flows[frame.flow].parks and datetime.fromisoformat(frame.parked or frame.touched) > oldest
        ]

    def _explained(self, flow: str) -> bool:
        """Whether what was said tells that something beneath was left or given up."""
        replies, said = self.here.turns.world.replies, texts(self.last)
        words = [
            variant.text.split("{")[0][:6]
            for key in (f"{flow}_cancelled", "parked_given_up", "cancel_cancelled")
            for language in ("zh", "en")
            if replies.has(key, language)
            for variant in replies.variants(key, language)
        ]
        return any(word and word in said for word in words)

    def _hold(self, promise: bool, broken: str) -> None:
        if not promise:
            raise Broken(f"{broken} ({self.sender})\n" + "\n".join(self.story[-8:]))

    async def _staff_are_quick(self, seen: Seen) -> None:
        """Whatever went to staff is closed at once, so that the walk goes on with the bot."""
        world, engine = self.here.turns.world, self.here.turns.engine
        for number in seen.alarms:
            async with self.here.work() as work:
                await alarm_staff.acknowledge(work, world, engine, number, "officer-1")
                await alarm_staff.resolve(
                    work, world, engine, number, "officer-1", code="false_alarm", note="walk"
                )
        for one in seen.handoffs:
            async with self.here.work() as work:
                await handoff.take(work, world, str(one), "officer-1")
                await handoff.close(work, world, engine, str(one), "officer-1")

    async def _see(self) -> Seen:
        async with self.here.work() as work:
            found = await conversations.find(work, channel="rest", sender=self.sender)
            ours = Alarm.conversation_id == (found.id if found is not None else 0)
            if found is not None and found.resident_id is not None:
                ours = or_(ours, Alarm.resident_id == found.resident_id)
            open_alarms = await work.session.scalars(
                select(Alarm.number).where(Alarm.resolved_at.is_(None), ours)
            )
            handoffs = (
                await work.session.execute(
                    select(Handoff.id, Handoff.reason, Handoff.state, Handoff.conversation_id)
                )
            ).all()
            made = await work.session.scalar(
                select(func.count()).select_from(Request).where(Request.kind.in_(_MADE))
            )
            return Seen(
                dialogue=Dialogue.from_json(found.state if found is not None else {}),
                owner=found.owner if found is not None else "bot",
                made=made or 0,
                errors=sum(one.reason == "error" for one in handoffs),
                alarms=tuple(open_alarms.all()),
                handoffs=tuple(
                    one.id
                    for one in handoffs
                    if one.state != "closed" and found is not None and one.conversation_id == found.id
                ),
            )


async def wander(walk: Walk, chance: random.Random) -> None:
    """One turn of a random walk: mostly words, often a button that is shown, sometimes silence or the passing of time."""
    shown = [button["payload"] for one in walk.last for button in (one.payload or {}).get("buttons", ())]
    walk.here.clock.move(seconds=5)
    dice = chance.random()
    if shown and dice < 0.25:
        await walk.turn(chance.choice(shown))
    elif dice < 0.50:
        await walk.turn(chance.choice(WISHES))
    elif dice < 0.88:
        await walk.turn(chance.choice(ANSWERS))
    elif dice < 0.95:
        await walk.turn(chance.choice(PRESSED))
    elif dice < 0.97:
        await walk.turn("", kind="silence", channel="terminal")
    elif dice < 0.985:
        kinds: tuple[Kind, ...] = ("image", "sticker", "voice", "location")
        await walk.turn("", kind=chance.choice(kinds))
    else:
        await walk.wait(chance.choice((1, 12, 31, 65, 60 * 20)))
