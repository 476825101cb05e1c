"""Say → expect: a conversation through the real turn, the real database and the real understanding, on a clock that is moved."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.build import parser_of, world_of
from bot.clock import FixedClock
from bot.communities import Communities
from bot.reading import late_parts
from bot.settings import Settings
from bot.turn import Turns
from data import conversations, demo_fill, timers
from data.database import Database
from data.models import Message
from data.work import Work
from flows import registry
from flows.messages import Incoming, Kind
from flows.state import Dialogue
from flows.world import Figures, World
from nlu.emergency import EmergencyNet
from nlu.engine import Parser

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=SHANGHAI)
"""A working day, ten in the morning."""


@dataclass(slots=True)
class Talk:
    """One demo community, and anybody who speaks in it."""

    database: Database
    clock: FixedClock
    turns: Turns
    _cursors: dict[str, int] = field(default_factory=dict)

    async def say(
        self,
        sender: str,
        text: str,
        *,
        message_id: str | None = None,
        channel: str = "rest",
        kind: Kind = "text",
        data: dict[str, object] | None = None,
    ) -> list[Message]:
        """Say something; gives the answers."""
        incoming = Incoming(
            channel=channel, sender=sender, text=text, message_id=message_id, kind=kind, data=data or {}
        )
        return list((await self.turns.handle(incoming)).messages)

    async def ask(self, sender: str, text: str, **given: object) -> str:
        """Say something; gives the answers' texts in one."""
        return "\n".join(message.text for message in await self.say(sender, text, **given))  # type: ignore[arg-type]

    async def pass_time(self, **by: float) -> int:
        """Move the clock and do everything that falls due on the way, each at its time; gives how many."""
        end = self.clock.now() + timedelta(**by)
        done = 0
        while True:
            async with self.database.transaction() as session:
                coming = await timers.next_due(session)
            if coming is None or coming > end:
                break
            self.clock.set(max(coming, self.clock.now()))
            async with self.database.transaction() as session:
                claimed = await timers.claim(session, now=self.clock.now())
            for timer in claimed:
                done += await self.turns.handle_timer(timer)
        self.clock.set(end)
        return done

    async def unasked(self, sender: str, channel: str = "rest") -> list[str]:
        """What was said to somebody since the last look without being an answer to a REST message."""
        async with self.work() as work:
            conversation = await conversations.find(work, channel=channel, sender=sender)
            if conversation is None:
                return []
            found = await conversations.messages_after(
                work, conversation, self._cursors.get(sender, 0), unless_answered_via="rest"
            )
        if found:
            self._cursors[sender] = found[-1].id
        return [message.text for message in found]

    async def dialogue(self, sender: str, channel: str = "rest") -> Dialogue:
        """Where somebody's conversation stands."""
        async with self.work() as work:
            conversation = await conversations.find(work, channel=channel, sender=sender)
            return Dialogue.from_json(conversation.state if conversation else {})

    @asynccontextmanager
    async def work(self, actor: str = "bot") -> AsyncIterator[Work]:
        """A transaction in the demo community."""
        async with self.database.transaction() as session:
            community = await Communities().get(session)
            yield Work(session=session, now=self.clock.now(), community=community, actor=actor)


_shared: dict[str, object] = {}


async def understanding() -> tuple[World, Parser]:
    """Content and understanding, loaded once for all tests of a process."""
    if not _shared:
        settings = Settings(_env_file=None, home=Path("/nonexistent"))  # type: ignore[call-arg]
        world = world_of(settings)
        parser = parser_of(settings, world, EmergencyNet())
        for part in late_parts(parser):
            await part.wait()
        _shared.update(world=world, parser=parser)
    return _shared["world"], _shared["parser"]  # type: ignore[return-value]


@asynccontextmanager
async def talk(
    database: Database,
    *,
    now: datetime = MONDAY,
    figures: Figures | None = None,
    demo: bool = True,
    history: bool = False,
) -> AsyncIterator[Talk]:
    """The demo community on a fresh database, ready to be talked to."""
    world, parser = await understanding()
    if figures is not None:
        world = replace(world, figures=figures)
    clock = FixedClock(now)
    if demo:
        async with database.transaction() as session:
            await demo_fill.fill(session, now=now, history=history)
    yield Talk(
        database=database,
        clock=clock,
        turns=Turns(
            database=database,
            clock=clock,
            parser=parser,
            world=world,
            engine=registry.engine(),
            timers=registry.TIMERS,
            communities=Communities(),
        ),
    )


def texts(messages: Sequence[Message]) -> str:
    """Several messages as one text."""
    return "\n".join(message.text for message in messages)
