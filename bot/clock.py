"""The product's clock: the only place that reads the time of day, so that a drill can move it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What everything else asks for the time."""

    def now(self) -> datetime:
        """The product's time, aware, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds of the product's time."""
        ...

    def begin(self) -> None:
        """Everything is loaded: a drill's time runs from here, ordinary time always did."""
        ...


class SystemClock:
    """Ordinary time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def begin(self) -> None:
        pass


class DrillClock:
    """Time that starts at a chosen moment and runs `speed` times as fast (O6); for drills on a demo database.

    It stands at the start until `begin`: seconds of loading are not minutes of the drill, on a slow machine neither.
    """

    def __init__(self, start: datetime, speed: float = 1.0) -> None:
        if start.tzinfo is None:
            raise ValueError("a drill needs a start with a time zone")
        if speed <= 0:
            raise ValueError("a drill cannot run backwards")
        self._start = start.astimezone(UTC)
        self._speed = speed
        self._origin: float | None = None  # on the monotonic clock; None: it stands

    def now(self) -> datetime:
        passed = time.monotonic() - self._origin if self._origin is not None else 0.0
        return self._start + timedelta(seconds=passed * self._speed)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)

    def begin(self) -> None:
        if self._origin is None:
            self._origin = time.monotonic()


class FixedClock:
    """Time that stands still until it is moved: for tests and for figures that must repeat."""

    def __init__(self, now: datetime) -> None:
        if now.tzinfo is None:
            raise ValueError("a clock needs a time zone")
        self._now = now.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def move(self, **by: float) -> datetime:
        """Move forward by a timedelta's keywords; returns the new time."""
        self._now += timedelta(**by)
        return self._now

    def set(self, moment: datetime) -> None:
        """Jump to that moment."""
        self._now = moment.astimezone(UTC)

    async def sleep(self, seconds: float) -> None:
        self.move(seconds=seconds)
        await asyncio.sleep(0)

    def begin(self) -> None:
        pass
