"""Things that fall due: once, by any number of workers, though some fail and some die (K7, K8)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy import func, select, update

from bot.clock import FixedClock
from bot.communities import Communities
from bot.scheduler import Scheduler
from bot.turn import Turns
from data import crypto, embedded, timers
from data.models import Message, Timer
from flows import registry
from flows.due import Due, Handler
from tests.harness import MONDAY, Talk
from tests.standing_house import standing, sweep

ME = "demo:resident-1"


@pytest_asyncio.fixture(scope="module")
async def house(
    postgres: embedded.EmbeddedServer, template: str, keyring: crypto.Keyring
) -> AsyncIterator[Talk]:
    async with standing(postgres, template, keyring, "timers") as made:
        yield made


@pytest_asyncio.fixture
async def here(house: Talk) -> Talk:
    return await sweep(house)


def scheduler(here: Talk, handlers: Mapping[str, Handler]) -> Scheduler:
    """One process's clockwork; its own clock stands where the house's stands."""
    clock = FixedClock(here.clock.now())
    turns = Turns(
        database=here.database,
        clock=clock,
        parser=here.turns.parser,
        world=here.turns.world,
        engine=registry.engine(),
        timers=handlers,
        communities=Communities(),
    )
    return Scheduler(database=here.database, clock=clock, turns=turns, committed=lambda: None)


async def set_timer(
    here: Talk, key: str, kind: str = "ring", *, minutes: float = 0, **payload: object
) -> None:
    async with here.work() as work:
        await timers.schedule(
            work,
            key=key,
            kind=kind,
            subject=f"test:{key}",
            due_at=work.now + timedelta(minutes=minutes),
            payload=payload,
        )


async def left(here: Talk) -> list[Timer]:
    async with here.work() as work:
        return list((await work.session.scalars(select(Timer).order_by(Timer.key))).all())


async def end_leases(here: Talk) -> None:
    async with here.work() as work:
        await work.session.execute(
            update(Timer)
            .where(Timer.lease_until.is_not(None))
            .values(lease_until=func.clock_timestamp() - timedelta(seconds=1))
        )


async def test_two_schedulers_do_each_timer_once(here: Talk) -> None:
    rung: list[str] = []

    async def ring(due: Due) -> None:
        rung.append(due.timer.key)

    for number in range(40):
        await set_timer(here, f"t{number}")
    await asyncio.gather(*(scheduler(here, {"ring": ring}).tick() for _ in range(3)))
    assert sorted(rung) == sorted(f"t{number}" for number in range(40))
    assert not await left(here)


async def test_the_same_claimed_timer_is_handled_once(here: Talk) -> None:
    """Its lease ran out while a slow worker had it: both come to handle it, and one does."""
    rung: list[str] = []

    async def ring(due: Due) -> None:
        rung.append(due.timer.key)

    await set_timer(here, "slow")
    async with here.work() as work:
        (claimed,) = await timers.claim(work.session, now=work.now)
    one, other = scheduler(here, {"ring": ring}), scheduler(here, {"ring": ring})
    done = await asyncio.gather(one._turns.handle_timer(claimed), other._turns.handle_timer(claimed))
    assert sorted(done) == [False, True]
    assert rung == ["slow"]


async def test_a_failing_handler_is_held_back_and_the_others_go_on(here: Talk) -> None:
    rung: list[str] = []

    async def ring(due: Due) -> None:
        rung.append(due.timer.key)

    async def fail(due: Due) -> None:
        due.work.audit("half.done", due.timer.key)
        raise RuntimeError("broken")

    await set_timer(here, "a", "fail")
    await set_timer(here, "b")
    await set_timer(here, "c", "no_such_kind")
    works = scheduler(here, {"ring": ring, "fail": fail})
    await works.tick()
    await works.tick()
    assert rung == ["b"]
    assert [(timer.key, timer.attempts) for timer in await left(here)] == [("a", 1), ("c", 1)]
    await end_leases(here)
    await works.tick()
    held = await left(here)
    assert [timer.attempts for timer in held] == [2, 2]
    async with here.work() as work:
        lease = await work.session.scalar(
            select(Timer.lease_until - func.clock_timestamp()).where(Timer.key == "a")
        )
    assert lease is not None
    assert lease > timers.LEASE  # longer each time


async def test_a_handler_may_set_its_own_timer_again(here: Talk) -> None:
    rung: list[object] = []

    async def ring(due: Due) -> None:
        rung.append(due.work.now)
        if len(rung) < 3:
            await timers.schedule(
                due.work,
                key=due.timer.key,
                kind="ring",
                subject=due.timer.subject,
                due_at=due.work.now + timedelta(hours=2),
            )

    await set_timer(here, "again")
    for hours in (0, 1, 1, 2):
        here.clock.move(hours=hours)
        await scheduler(here, {"ring": ring}).tick()
    assert rung == [MONDAY + timedelta(hours=hours) for hours in (0, 2, 4)]
    assert not await left(here)


async def test_what_a_dead_worker_had_claimed_is_done_after_its_lease(here: Talk) -> None:
    rung: list[str] = []

    async def ring(due: Due) -> None:
        rung.append(due.timer.key)

    await set_timer(here, "claimed")
    async with here.work() as work:
        assert len(await timers.claim(work.session, now=work.now)) == 1
    works = scheduler(here, {"ring": ring})
    await works.tick()
    assert rung == []
    await end_leases(here)
    await works.tick()
    assert rung == ["claimed"]


async def test_a_late_timer_knows_how_late_it_is(here: Talk) -> None:
    late: list[timedelta] = []

    async def ring(due: Due) -> None:
        late.append(due.late)

    await set_timer(here, "late", minutes=5)
    here.clock.move(hours=3)
    await scheduler(here, {"ring": ring}).tick()
    assert late == [timedelta(hours=2, minutes=55)]


async def test_a_moved_timer_does_not_ring_at_its_old_time(here: Talk) -> None:
    rung: list[str] = []

    async def ring(due: Due) -> None:
        rung.append(due.timer.key)

    await set_timer(here, "moved")
    async with here.work() as work:
        (claimed,) = await timers.claim(work.session, now=work.now)
    await set_timer(here, "moved", minutes=300)
    assert not await scheduler(here, {"ring": ring})._turns.handle_timer(claimed)
    assert rung == []
    assert len(await left(here)) == 1


async def test_what_a_timer_says_is_said_with_its_removal(here: Talk) -> None:
    async def speak(due: Due) -> None:
        assert due.turn is not None
        due.turn.say("smalltalk_greet")

    async def break_off(due: Due) -> None:
        await speak(due)
        raise RuntimeError("broken")

    await here.ask(ME, "谢谢")
    async with here.work() as work:
        (conversation,) = (await work.session.scalars(select(Message.conversation_id).limit(1))).all()
    await set_timer(here, "speaks", "speak", conversation=conversation)
    await set_timer(here, "breaks", "break_off", conversation=conversation)
    await scheduler(here, {"speak": speak, "break_off": break_off}).tick()
    assert len(await here.unasked(ME)) == 1
    assert [timer.key for timer in await left(here)] == ["breaks"]


async def test_a_timer_of_a_conversation_that_is_gone_is_dropped(here: Talk) -> None:
    """Somebody was erased (P4): what was due to be said to them is not tried for ever."""

    async def speak(due: Due) -> None:
        assert due.turn is not None

    await set_timer(here, "orphan", "speak", conversation=987654)
    await scheduler(here, {"speak": speak}).tick()
    assert not await left(here)


async def test_cancelling_needs_to_know_what(here: Talk) -> None:
    await set_timer(here, "x", "ring")
    await set_timer(here, "y", "other")
    async with here.work() as work:
        with pytest.raises(ValueError, match="subject or a key"):
            await timers.cancel(work)
        await timers.cancel(work, subject="test:x", kind="other")
        assert await timers.lag(work.session, work.now) == timedelta(0)
    assert [timer.key for timer in await left(here)] == ["x", "y"]
    async with here.work() as work:
        await timers.cancel(work, subject="test:x")
        await timers.cancel(work, key="y")
    assert not await left(here)
