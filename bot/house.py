"""The running product's parts, built once and handed to channels, API, desk and scheduler."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from bot.clock import Clock
from bot.late import LateApp
from bot.reading import late_parts
from bot.settings import Settings
from data.database import Database
from data.events import EventStream
from data.models import Community
from data.work import Work

if TYPE_CHECKING:
    from bot.outbox import Outbox
    from bot.turn import Turns
    from bot.voice_room import VoiceRoom
    from flows.world import World


@dataclass(slots=True, kw_only=True)
class House:
    """Everything a room of the service needs from the others."""

    settings: Settings
    clock: Clock
    database: Database
    events: EventStream
    world: World  # content, replies and flows
    turns: Turns  # `turns.handle(incoming)`: the way of every message of a resident
    voice: VoiceRoom  # ears and voice of the terminals
    outbox: Outbox  # `outbox.wake()` after a commit that queued deliveries
    optional: dict[str, str] = field(
        default_factory=dict
    )  # part → "on" or why it is off; said at start, in /readyz
    late: list[LateApp] = field(
        default_factory=list
    )  # parts of the application that are built when it answers
    demo_staff: tuple[str, ...] = ()  # sign-in names of the demo; empty: not a demo

    async def answering(self) -> None:
        """The service answers: load what nobody had to wait for, one after another; then understanding, which takes longest.

        Returns when all of it is there.
        """
        for part in self.late:
            await asyncio.wait({part.begin()})  # a fault of it is its visitors' to meet
        for reading in late_parts(self.turns.parser):
            await asyncio.wait({reading.begin()})  # its fault is told by /readyz

    @asynccontextmanager
    async def work(self, actor: str, *, community: str | None = None) -> AsyncIterator[Work]:
        """One transaction in somebody's name: commits at the end, rolls back on an error."""
        async with self.database.transaction() as session:
            found = select(Community).order_by(Community.id).limit(1)
            if community is not None:
                found = select(Community).where(Community.key == community)
            yield Work(
                session=session,
                now=self.clock.now(),
                community=(await session.scalars(found)).one(),
                actor=actor,
            )
        self.outbox.wake()
