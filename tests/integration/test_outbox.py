"""Deliveries: in order, retried, once; one channel holds up no other, and stopping ends what is under way (P2)."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from bot.outbox import ATTEMPTS, Delivery, NotDelivered, Outbox
from data import conversations
from data.database import Database
from data.models import Event, Outgoing
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


class Network:
    """Takes messages, or refuses as often as it is told to; says who was there at once."""

    def __init__(self, *refusals: Exception) -> None:
        self.refusals = list(refusals)
        self.taken: list[str] = []
        self.tries = 0
        self._inside: dict[str, int] = {}
        self.most_at_once = 0

    async def send(self, delivery: Delivery) -> None:
        """Take a message, or raise the next refusal."""
        self.tries += 1
        self._inside[delivery.target] = self._inside.get(delivery.target, 0) + 1
        self.most_at_once = max(self.most_at_once, self._inside[delivery.target])
        await asyncio.sleep(0)
        self._inside[delivery.target] -= 1
        if self.refusals:
            raise self.refusals.pop(0)
        self.taken.append(delivery.body["text"])


async def _conversation(small: small_community.Small, *texts: str, sender: str = "7") -> None:
    """Messages said to somebody on a channel that must be pushed to."""
    async with small.work() as work:
        conversation = await conversations.enter(work, channel="push", sender=sender)
        for text in texts:
            await conversations.say(work, conversation, text=text)


async def _lease_ends(small: small_community.Small) -> None:
    async with small.work() as work:
        await work.session.execute(
            update(Outgoing)
            .where(Outgoing.lease_until.is_not(None))
            .values(lease_until=func.clock_timestamp() - timedelta(seconds=1))
        )


async def _rows(small: small_community.Small) -> list[Outgoing]:
    async with small.work() as work:
        return list((await work.session.scalars(select(Outgoing).order_by(Outgoing.id))).all())


async def _until_quiet(outbox: Outbox) -> None:
    while await outbox.deliver_due():
        pass


async def test_the_order_of_a_conversation_is_kept_one_at_a_time(database: Database) -> None:
    small = await small_community.build(database)
    network = Network()
    await _conversation(small, "一", "二", "三")
    outbox = Outbox(database, small.clock, {"push": network})
    assert await outbox.deliver_due() == 1
    await _until_quiet(outbox)
    assert network.taken == ["一", "二", "三"]
    assert network.most_at_once == 1


async def test_a_refused_message_holds_back_those_behind_it(database: Database) -> None:
    small = await small_community.build(database)
    network = Network(NotDelivered("away"))
    await _conversation(small, "一", "二")
    await _conversation(small, "别人的", sender="8")
    outbox = Outbox(database, small.clock, {"push": network})
    await _until_quiet(outbox)
    assert network.taken == ["别人的"]
    await _lease_ends(small)
    await _until_quiet(outbox)
    assert network.taken == ["别人的", "一", "二"]


@pytest.mark.parametrize(
    ("attempts", "wait", "least"), [(0, None, 1), (4, None, 16), (11, None, 0), (0, 90.0, 90)]
)
async def test_each_refusal_waits_longer(
    database: Database, attempts: int, wait: float | None, least: float
) -> None:
    small = await small_community.build(database)
    await _conversation(small, "一")
    async with small.work() as work:
        await work.session.execute(update(Outgoing).values(attempts=attempts))
    await Outbox(database, small.clock, {"push": Network(NotDelivered("away", wait=wait))}).deliver_due()
    (row,) = await _rows(small)
    assert row.attempts == attempts + 1
    if attempts + 1 >= ATTEMPTS:
        assert row.state == "failed"
        return
    async with small.work() as work:
        left = await work.session.scalar(select(Outgoing.lease_until - func.clock_timestamp()))
    assert row.state == "pending"
    assert left is not None
    assert timedelta(seconds=least - 30) < left <= timedelta(seconds=least)


@pytest.mark.parametrize("refusal", [NotDelivered("blocked", final=True), NotDelivered("gone", final=True)])
async def test_what_is_given_up_is_marked_and_told(database: Database, refusal: NotDelivered) -> None:
    small = await small_community.build(database)
    network = Network(refusal)
    await _conversation(small, "一", "二")
    await _until_quiet(Outbox(database, small.clock, {"push": network}))
    first, second = await _rows(small)
    assert (first.state, first.error, second.state) == ("failed", refusal.for_log, "sent")
    async with small.work() as work:
        told = await work.session.scalars(select(Event).where(Event.topic == "delivery").order_by(Event.id))
        assert [event.payload["state"] for event in told.all()] == ["failed", "sent"]


async def test_an_error_nobody_thought_of_is_tried_again(database: Database) -> None:
    small = await small_community.build(database)
    network = Network(ValueError("?"))
    await _conversation(small, "一")
    outbox = Outbox(database, small.clock, {"push": network})
    await _until_quiet(outbox)
    await _lease_ends(small)
    await _until_quiet(outbox)
    assert network.taken == ["一"]


async def test_two_processes_deliver_each_message_once(database: Database) -> None:
    small = await small_community.build(database)
    network = Network()
    for sender in range(8):
        await _conversation(small, *(f"{sender}-{number}" for number in range(4)), sender=str(sender))
    both = [Outbox(database, small.clock, {"push": network}) for _ in range(2)]
    while any(row.state == "pending" for row in await _rows(small)):
        await asyncio.gather(*(outbox.deliver_due() for outbox in both))
    assert len(network.taken) == len(set(network.taken)) == 32
    for sender in range(8):
        own = [text for text in network.taken if text.startswith(f"{sender}-")]
        assert own == [f"{sender}-{number}" for number in range(4)]


async def test_what_a_dead_process_had_claimed_is_delivered_after_its_lease(database: Database) -> None:
    small = await small_community.build(database)
    await _conversation(small, "一")
    dead = Outbox(database, small.clock, {"push": Network()})
    assert len(await dead._claim("push")) == 1
    network = Network()
    alive = Outbox(database, small.clock, {"push": network})
    assert await alive.deliver_due() == 0
    await _lease_ends(small)
    assert await alive.deliver_due() == 1
    assert network.taken == ["一"]


async def test_nothing_is_sent_before_its_time(database: Database) -> None:
    small = await small_community.build(database)
    network = Network()
    await _conversation(small, "一")
    async with small.work() as work:
        await work.session.execute(update(Outgoing).values(due_at=work.now + timedelta(minutes=5)))
    outbox = Outbox(database, small.clock, {"push": network})
    assert await outbox.deliver_due() == 0
    small.clock.move(minutes=5)
    assert await outbox.deliver_due() == 1
