"""Delivers what was committed: to channels that must be pushed to, to contacts and to staff; with retry."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.orm import aliased

from bot.clock import Clock
from data import events
from data.database import Database
from data.errors import AnlinError
from data.models import Outgoing

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
LONGEST_WAIT = 300.0  # seconds between two attempts at the most
ATTEMPTS = 12  # then it is marked failed and shown to staff: about 40 minutes
_BATCH = 50  # deliveries of a channel under way at once
_PATIENCE = 5.0  # seconds that deliveries under way have when the product stops


class NotDelivered(AnlinError):
    """The network did not take a message. `wait`: seconds it asks to be left alone; `final`: it never will take it."""

    code = "not_delivered"

    def __init__(self, for_log: str, *, wait: float | None = None, final: bool = False) -> None:
        super().__init__(for_log)
        self.wait = wait
        self.final = final


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message to bring somewhere."""

    id: int
    target: str  # the channel's address: chat id, Apprise address …
    body: Mapping[str, Any]  # {text, speech?, buttons?, image?, title?}
    attempts: int  # this one included
    message_id: int | None = None  # of data.models.Message; None: a notice outside any conversation


class Carrier(Protocol):
    """Brings messages to one network."""

    async def send(self, delivery: Delivery) -> None:
        """Returns when the network has taken it; raises NotDelivered otherwise."""
        ...


class Outbox:
    """Claims due deliveries and hands each to its channel's carrier; one at a time within a conversation, in order."""

    def __init__(self, database: Database, clock: Clock, carriers: Mapping[str, Carrier]) -> None:
        self._database, self._clock = database, clock
        self.carriers = dict(carriers)
        self._woken = asyncio.Event()
        self._under_way: dict[str, set[asyncio.Task[None]]] = {}

    def wake(self) -> None:
        """Something was committed that may have to be delivered."""
        self._woken.set()

    async def run(self, *, poll: float = 1.0) -> None:
        """Deliver for ever; wakes when told, and looks by itself every `poll` seconds.

        Each channel has room of its own, so one that does not answer holds up no other. When it is stopped, what is
        under way is brought to its end: a message that was taken and not marked would be sent a second time.
        """
        try:
            while True:
                try:
                    begun = await self._begin_due()
                except Exception:
                    log.exception("outbox.failed")
                    await asyncio.sleep(poll)
                    continue
                if not begun:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(poll):
                            await self._woken.wait()
                self._woken.clear()
        finally:
            await self._finish()

    async def deliver_due(self) -> int:
        """Deliver what is due now; returns how many were tried."""
        claimed = [outgoing for channel in tuple(self.carriers) for outgoing in await self._claim(channel)]
        await asyncio.gather(*(self._deliver(outgoing) for outgoing in claimed))
        return len(claimed)

    async def _begin_due(self) -> int:
        begun = 0
        for channel in tuple(self.carriers):
            under_way = self._under_way.setdefault(channel, set())
            if len(under_way) >= _BATCH:
                continue
            for outgoing in await self._claim(channel, _BATCH - len(under_way)):
                task = asyncio.create_task(self._deliver(outgoing))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                task.add_done_callback(self._over)
                begun += 1
        return begun

    def _over(self, task: asyncio.Task[None]) -> None:
        self.wake()  # there is room, and the next of its conversation is first in line now
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error(
                "outbox.not_marked", kind=type(error).__name__
            )  # its lease ends, then it is tried again

    async def _finish(self) -> None:
        tasks = {task for under_way in self._under_way.values() for task in under_way}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_PATIENCE)
            for task in late:
                task.cancel()

    async def _claim(self, channel: str, limit: int = _BATCH) -> Sequence[Outgoing]:
        earlier = aliased(Outgoing)
        free = or_(Outgoing.lease_until.is_(None), Outgoing.lease_until < func.clock_timestamp())
        first_in_line = ~exists().where(
            earlier.conversation_id == Outgoing.conversation_id,
            earlier.state == "pending",
            earlier.id < Outgoing.id,
        )
        due = (
            select(Outgoing.id)
            .where(
                Outgoing.state == "pending",
                Outgoing.due_at <= self._clock.now(),
                Outgoing.channel == channel,
                free,
                or_(Outgoing.conversation_id.is_(None), first_in_line),
            )
            .order_by(Outgoing.due_at, Outgoing.id)
            .limit(limit)
            .with_for_update(skip_locked=True, of=Outgoing)
        )
        async with self._database.transaction() as session:
            return (
                await session.scalars(
                    update(Outgoing)
                    .where(Outgoing.id.in_(due.scalar_subquery()))
                    .values(lease_until=func.clock_timestamp() + LEASE, attempts=Outgoing.attempts + 1)
                    .returning(Outgoing)
                    .execution_options(synchronize_session=False)
                )
            ).all()

    async def _deliver(self, outgoing: Outgoing) -> None:
        delivery = Delivery(
            id=outgoing.id,
            target=outgoing.target,
            body=outgoing.body,
            attempts=outgoing.attempts,
            message_id=outgoing.message_id,
        )
        try:
            async with asyncio.timeout(LEASE.total_seconds() * 0.8):
                await self.carriers[outgoing.channel].send(delivery)
        except NotDelivered as error:
            await self._failed(outgoing, error.for_log, wait=error.wait, final=error.final)
        except TimeoutError:
            await self._failed(outgoing, "no answer in time")
        except Exception as error:
            log.exception("outbox.carrier_failed", outgoing=outgoing.id, channel=outgoing.channel)
            await self._failed(outgoing, type(error).__name__)
        else:
            await self._mark(outgoing, state="sent", sent_at=self._clock.now(), error=None)

    async def _failed(
        self, outgoing: Outgoing, why: str, *, wait: float | None = None, final: bool = False
    ) -> None:
        if final or outgoing.attempts >= ATTEMPTS:
            log.warning("outbox.gave_up", outgoing=outgoing.id, channel=outgoing.channel, why=why)
            await self._mark(outgoing, state="failed", error=why[:300])
            return
        pause = timedelta(seconds=max(wait or 0.0, min(LONGEST_WAIT, 2.0 ** (outgoing.attempts - 1))))
        await self._mark(outgoing, lease_until=func.clock_timestamp() + pause, error=why[:300])

    async def _mark(self, outgoing: Outgoing, **values: Any) -> None:
        async with self._database.transaction() as session:
            await session.execute(update(Outgoing).where(Outgoing.id == outgoing.id).values(**values))
            if "state" in values:
                subject = (
                    f"conversation:{outgoing.conversation_id}" if outgoing.conversation_id else outgoing.about
                )
                await events.emit(
                    session,
                    community_id=outgoing.community_id,
                    topic="delivery",
                    subject=subject or f"outgoing:{outgoing.id}",
                    at=self._clock.now(),
                    payload={"message": outgoing.message_id, "state": values["state"]},
                )
