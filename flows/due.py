"""A timer that fell due, as the flow that set it sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from data.models import Timer
from data.work import Work
from flows.turn import Turn
from flows.world import World

if TYPE_CHECKING:
    from flows.engine import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Handed to a timer's handler, inside one transaction that ends with the timer's removal.

    The handler reads the state again before it acts, since anything may have happened since the timer was set; a
    handler that sets the same key for a later time keeps the timer. What `turn` says is delivered afterwards.
    """

    work: Work
    world: World
    engine: Engine
    timer: Timer
    turn: Turn | None  # the conversation named in the timer's payload, locked; None without one

    @property
    def late(self) -> timedelta:
        """How long after its time it is handled: large after an outage (K7)."""
        return self.work.now - self.timer.due_at


Handler = Callable[[Due], Awaitable[None]]
