"""Deliveries: one channel holds up no other, and stopping brings to its end what is under way (P2)."""

from __future__ import annotations

import asyncio
import contextlib

from sqlalchemy import select

from bot.outbox import Delivery, Outbox
from data.database import Database
from data.models import Outgoing
from tests import small_community


class Gated:
    """A network that takes a message when it is told to."""

    def __init__(self, *, open_: bool) -> None:
        self.gate, self.came = asyncio.Event(), asyncio.Event()
        self.taken: list[str] = []
        if open_:
            self.gate.set()

    async def send(self, delivery: Delivery) -> None:
        """Take a message."""
        self.came.set()
        await self.gate.wait()
        self.taken.append(delivery.target)


async def _queue(small: small_community.Small, channel: str, target: str) -> None:
    async with small.work() as work:
        work.session.add(
            Outgoing(
                community_id=small.community.id,
                channel=channel,
                target=target,
                body={"text": "…"},
                due_at=work.now,
                created_at=work.now,
            )
        )


async def test_a_network_that_does_not_answer_holds_up_no_other(database: Database) -> None:
    small = await small_community.build(database)
    slow, quick = Gated(open_=False), Gated(open_=True)
    outbox = Outbox(database, small.clock, {"slow": slow, "quick": quick})
    running = asyncio.create_task(outbox.run())
    await _queue(small, "slow", "waiting")
    outbox.wake()
    async with asyncio.timeout(30):
        await slow.came.wait()

    await _queue(small, "quick", "alarm")
    outbox.wake()

    async with asyncio.timeout(30):
        await quick.came.wait()
    assert slow.taken == []
    slow.gate.set()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_what_is_under_way_is_finished_and_marked_before_it_stops(database: Database) -> None:
    small = await small_community.build(database)
    network = Gated(open_=False)
    outbox = Outbox(database, small.clock, {"slow": network})
    running = asyncio.create_task(outbox.run())
    await _queue(small, "slow", "once")
    outbox.wake()
    async with asyncio.timeout(30):
        await network.came.wait()

    running.cancel()
    asyncio.get_running_loop().call_soon(network.gate.set)
    with contextlib.suppress(asyncio.CancelledError):
        await running

    async with small.work() as work:
        assert (await work.session.scalars(select(Outgoing.state))).all() == ["sent"]
    assert network.taken == ["once"]
