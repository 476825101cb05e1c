"""A demo community with check-ins and reminders: real database, turns, net and extractors; intents by a short list."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import select

from bot.clock import FixedClock
from bot.communities import Communities
from bot.turn import Turns
from data import checkins, content, conversations, residents
from data.database import Database
from data.models import Checkin, Contact, Outgoing, Reminder, Request
from data.work import Work
from flows import booking, checkin, emergency, handoff, knowledge, reminders, silence
from flows.engine import Engine
from nlu.emergency import EmergencyNet
from nlu.engine import IntentEngine, Parser
from nlu.extractors import Extractors
from nlu.understanding import Intent
from tests.harness import SHANGHAI, Talk
from tests.small_community import build, world

EVENING = datetime(2026, 11, 22, 20, 0, tzinfo=SHANGHAI)
"""The evening before: no message lies in the hour before a check-in at nine."""
ELDER = "demo:elder-1"


class ByList:
    """Knows what a handful of sentences mean, and nothing else."""

    name = "list"

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known

    async def classify(self, text: str) -> Sequence[Intent]:
        for part, name in self._known.items():
            if part in text:
                return (Intent(name=name, confidence=0.95),)
        return (Intent(name="out_of_scope", confidence=0.2),)


KNOWN = {
    "别再提醒": "cancel_reminder",
    "取消": "cancel_reminder",
    "哪些提醒": "list_reminders",
    "提醒我": "set_reminder",
    "叫我": "set_reminder",
    "remind me": "set_reminder",
    "别打电话": "pause_checkin",
    "别问": "pause_checkin",
    "恢复": "pause_checkin",
    "头晕": "feel_unwell",
    "挺好": "feel_fine",
    "理发": "book_service",
    "好的": "affirm",
    "不对": "deny",
}


def engine() -> Engine:
    return Engine(
        flows=[
            *emergency.FLOWS,
            *booking.FLOWS,
            *handoff.FLOWS,
            *checkin.FLOWS,
            *reminders.FLOWS,
        ],
        asides=[*knowledge.ASIDES, *checkin.ASIDES, *reminders.ASIDES],
    )


async def _elder(
    work: Work, key: str, *, name: str, room: str, rule: str | None, visit_every_days: int = 30
) -> None:
    """Somebody who lives alone, with a daughter who may be told and a neighbour who may not."""
    home = await residents.home_at(work, building="3", unit="2", room=room)
    person = await residents.register(work, name=name, home=home, language="zh")
    person.key = key
    work.session.add_all(
        [
            Contact(
                resident_id=person.id,
                name="李晓燕",
                relation="女儿",
                notify_url=f"anlin://demo:family-{key[-1]}",
                position=0,
                consented_at=work.now,
            ),
            Contact(
                resident_id=person.id,
                name="张阿姨",
                relation="邻居",
                notify_url="anlin://demo:neighbour",
                position=1,
            ),
        ]
    )
    await work.session.flush()
    conversation = await conversations.enter(work, channel="terminal", sender=f"demo:{key}")
    await checkins.plan(
        work,
        resident_id=person.id,
        conversation_id=conversation.id,
        rrule=rule,
        visit_every_days=visit_every_days,
    )


@asynccontextmanager
async def house(
    database: Database, *, now: datetime = EVENING, intents: IntentEngine | None = None
) -> AsyncIterator[Talk]:
    """The demo community, with nothing due but what the test sets."""
    content_world = world()
    clock = FixedClock(now)
    small = await build(database, now)
    async with small.work("bot") as work:
        await _elder(work, "elder-1", name="王秀英", room="501", rule="FREQ=DAILY;BYHOUR=9;BYMINUTE=0")
        await _elder(work, "elder-2", name="马德福", room="202", rule=None, visit_every_days=7)
    extractor = Extractors(
        services=content.lookup_rows(content_world.services),
        faults=content.lookup_rows(content_world.faults),
        places={place.name.zh: place.names for place in content_world.places.values()},
    )
    yield Talk(
        database=database,
        clock=clock,
        turns=Turns(
            database=database,
            clock=clock,
            parser=Parser(engine=intents or ByList(KNOWN), net=EmergencyNet(), extractor=extractor),
            world=content_world,
            engine=engine(),
            timers={**emergency.TIMERS, **checkin.TIMERS, **reminders.TIMERS, **silence.TIMERS},
            communities=Communities(),
        ),
    )


async def to(talk: Talk, hour: int, minute: int = 0, *, day: int = 23) -> None:
    """Let time pass until then, doing everything that falls due."""
    moment = datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)
    await talk.pass_time(seconds=(moment - talk.clock.now()).total_seconds())


async def checkins_of(talk: Talk, key: str = "elder-1") -> list[Checkin]:
    """A resident's check-ins, oldest first."""
    async with talk.work() as work:
        person = await residents.by_reference(work, key)
        assert person is not None
        rows = await work.session.scalars(
            select(Checkin).where(Checkin.resident_id == person.id).order_by(Checkin.due_at)
        )
        return list(rows)


async def plan_id(talk: Talk, key: str = "elder-1") -> int:
    async with talk.work() as work:
        person = await residents.by_reference(work, key)
        assert person is not None
        plan = await checkins.plan_of(work, person.id)
        assert plan is not None
        return plan.id


async def visits(talk: Talk, key: str = "elder-1") -> list[Request]:
    """Visit tasks of a resident, oldest first."""
    async with talk.work() as work:
        person = await residents.by_reference(work, key)
        assert person is not None
        rows = await work.session.scalars(
            select(Request)
            .where(
                Request.resident_id == person.id,
                Request.kind == "visit",
                Request.created_at >= EVENING,
            )
            .order_by(Request.id)
        )
        return list(rows)


async def told(talk: Talk, target: str = "anlin://demo:family-1") -> list[str]:
    """What was sent to a family contact, oldest first."""
    async with talk.work() as work:
        rows = await work.session.scalars(
            select(Outgoing).where(Outgoing.channel == "notify").order_by(Outgoing.id)
        )
        return [row.body["text"] for row in rows if row.target == target]


async def reminders_of(talk: Talk) -> list[Reminder]:
    """Every reminder set in the test, oldest first; the demo's own are older."""
    async with talk.work() as work:
        rows = await work.session.scalars(
            select(Reminder).where(Reminder.state != "demo").order_by(Reminder.id)
        )
        return list(rows)


def whats(row: Checkin) -> list[str]:
    """What happened, in order."""
    return [step["what"] for step in row.steps]
