"""APScheduler wakes; due timers are claimed from the database and handed to flows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.clock import Clock
from bot.turn import Turns
from data import timers
from data.database import Database
from data.models import Timer

log = structlog.get_logger(__name__)

POLL = 0.5
"""Seconds between two looks at the timers: the poll is the truth, everything quicker is a hint."""
_AT_ONCE = 8  # timers handled side by side in one process
_BATCH = 200


class Scheduler:
    """The clockwork of one process. Any number of processes may run one on the same database (K8)."""

    def __init__(
        self, *, database: Database, clock: Clock, turns: Turns, committed: Callable[[], None]
    ) -> None:
        self._database, self._clock, self._turns = database, clock, turns
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._busy = asyncio.Lock()
        self._committed = committed

    def start(self) -> None:
        """Begin to look for due timers."""
        self._scheduler.add_job(
            self.tick,
            IntervalTrigger(seconds=POLL, timezone="UTC"),
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
        self._scheduler.start()

    async def stop(self) -> None:
        """Stop looking; what is being handled is finished first."""
        self._scheduler.pause()
        async with self._busy:
            self._scheduler.shutdown(wait=False)

    async def tick(self) -> None:
        """Handle everything that is due, and what falls due before the next look, each at its time."""
        async with self._busy:
            try:
                await self._handle_due()
            except Exception:
                log.exception("scheduler.failed")

    async def _handle_due(self) -> None:
        started = asyncio.get_running_loop().time()
        while True:
            async with self._database.transaction() as session:
                claimed = await timers.claim(session, now=self._clock.now(), limit=_BATCH)
            if claimed:
                gate = asyncio.Semaphore(_AT_ONCE)
                await asyncio.gather(*(self._handle(timer, gate) for timer in claimed))
                self._committed()
                continue
            async with self._database.transaction() as session:
                coming = await timers.next_due(session)
            left = 0.9 * POLL - (asyncio.get_running_loop().time() - started)
            if coming is None or left <= 0:
                return
            before = self._clock.now()
            if coming - before > timedelta(hours=1):
                return
            # With a drill's clock a second of waiting may be a minute of the product's time: wait on that clock.
            sleeping = asyncio.ensure_future(self._clock.sleep(max(0.0, (coming - before).total_seconds())))
            done, _ = await asyncio.wait({sleeping}, timeout=left)
            if not done:
                sleeping.cancel()
                return

    async def _handle(self, timer: Timer, gate: asyncio.Semaphore) -> None:
        async with gate:
            try:
                await self._turns.handle_timer(timer)
            except Exception:
                # The lease holds it back, longer each time; other timers go on.
                log.exception("timer.failed", timer=timer.key, kind=timer.kind, attempts=timer.attempts)
