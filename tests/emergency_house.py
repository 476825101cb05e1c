"""A small community with scripted intents, the real emergency net, and addresses for everybody: for tests of alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from sqlalchemy import select

from bot.communities import Communities
from bot.turn import Turns
from data import alarms, content
from data.database import Database
from data.models import Alarm, AlarmStep, Contact, Outgoing, Staff
from flows import emergency, silence
from flows.declared import Filled, Flow, Given, Slot, Verdict
from flows.engine import Engine
from flows.state import Frame
from flows.turn import Turn
from nlu.emergency import EmergencyNet
from nlu.engine import Parser
from nlu.extractors import Extractors
from nlu.understanding import Intent
from tests.harness import Talk
from tests.small_community import Small, build, world

ME = "demo:resident-1"
"""王阿姨 in 5-1-1203, with two contacts: one who consented and has an address, one who consented and has none,
and one who did not consent."""

INTENTS: Mapping[str, tuple[str, float]] = {
    "我想约理发": ("book_service", 0.95),
    "两点": ("affirm", 0.3),
    "没事了，按错了": ("emergency_cancel", 0.95),
    "不用，没事": ("deny", 0.9),
    "不用了": ("deny", 0.9),
    "我挺好的": ("feel_fine", 0.9),
    "要": ("affirm", 0.9),
    "今天天气真不错啊": ("chitchat", 0.9),
    "食堂几点开门": ("ask_info", 0.95),
    "好的": ("affirm", 0.9),
    "唔那个": ("out_of_scope", 0.3),
    "有时候胸口闷一下": ("feel_unwell", 0.8),
    "501室，门没锁": ("report_repair", 0.8),
}


class Scripted:
    """An intent engine that knows the sentences of the tests and nothing else."""

    name = "scripted"

    async def classify(self, text: str) -> Sequence[Intent]:
        name, confidence = INTENTS.get(text, ("out_of_scope", 0.3))
        return (Intent(name=name, confidence=confidence),)


async def _any_words(turn: Turn, frame: Frame, given: Given) -> Verdict:
    return Filled(value=given.text)


class Haircut(Flow):
    """Something that can be interrupted; it borrows the words of the engine."""

    name = "change_time"
    intents = ("book_service",)
    slots = (Slot(name="what", ask="what_is_wrong", judge=_any_words, free=True),)

    def title(self, turn: Turn, frame: Frame) -> str:
        return "约理发"

    async def run(self, turn: Turn, frame: Frame) -> bool:
        turn.say("got_other")
        return True


class House(Talk):
    """The talk, and what became of it."""

    small: Small

    async def alarms(self) -> list[Alarm]:
        """Every alarm, oldest first."""
        async with self.work() as work:
            return list((await work.session.scalars(select(Alarm).order_by(Alarm.id))).all())

    async def alarm(self) -> Alarm:
        """The only alarm."""
        found = await self.alarms()
        assert len(found) == 1, [one.text for one in found]
        return found[0]

    async def steps(self, what: str | None = None) -> list[AlarmStep]:
        """The timeline of the only alarm, or its lines of one kind."""
        async with self.work() as work:
            every = await alarms.steps_of(work, (await self.alarm()).id)
            return [step for step in every if what is None or step.what == what]

    async def told(self, what: str = "notified") -> list[str]:
        """Who was told, in order."""
        return [step.to or "" for step in await self.steps(what)]

    async def sent(self) -> list[tuple[str, str]]:
        """(address, text) of everything queued for a phone."""
        async with self.work() as work:
            rows = await work.session.scalars(
                select(Outgoing).where(Outgoing.channel == "notify").order_by(Outgoing.id)
            )
            return [(row.target, row.body["text"]) for row in rows]


@lru_cache(maxsize=1)
def _parser() -> Parser:
    """Read once: the net's tables are large."""
    content_of = world()
    return Parser(
        Scripted(),
        EmergencyNet(),
        Extractors(
            services=content.lookup_rows(content_of.services),
            faults=content.lookup_rows(content_of.faults),
            places={place.name.zh: place.names for place in content_of.places.values()},
        ),
    )


async def house(database: Database, *, duty: bool = True) -> House:
    """Everything put together, on Monday at ten."""
    small = await build(database, duty=duty)
    async with small.work() as work:
        for position, (name, url, agreed) in enumerate(
            (("女儿", "json://daughter", True), ("邻居", None, True), ("儿子", "json://son", False))
        ):
            work.session.add(
                Contact(
                    resident_id=small.resident.id,
                    name=name,
                    relation="daughter",
                    notify_url=url,
                    position=position,
                    consented_at=work.now if agreed else None,
                )
            )
        for person in (await work.session.scalars(select(Staff))).all():
            person.notify_url = f"json://{person.id}"
    made = House(
        database=database,
        clock=small.clock,
        turns=Turns(
            database=database,
            clock=small.clock,
            parser=_parser(),
            world=world(),
            engine=Engine(flows=[*emergency.FLOWS, Haircut()], asides=[]),
            timers={**emergency.TIMERS, **silence.TIMERS},
            communities=Communities(),
        ),
    )
    made.small = small
    return made
