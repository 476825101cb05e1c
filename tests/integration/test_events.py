"""Live news: heard when committed, in any order of commits, by fast and slow followers, and never missed (H11, P2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime

import psycopg
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from data import events
from data.database import Database
from data.events import Change, EventStream, Snapshot, emit
from data.models import Community, Event

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest_asyncio.fixture
async def home(database: Database) -> int:
    """A community to have news of."""
    async with database.transaction() as session:
        made = Community(key="a", name="幸福里", zone="Asia/Shanghai", demo=True, settings={})
        session.add(made)
    return made.id


@pytest_asyncio.fixture
async def stream(database: Database, home: int) -> AsyncIterator[EventStream]:
    """A stream that is only woken by notifications: the poll would hide a lost one."""
    async with EventStream(database, poll=3600) as running:
        yield running


async def tell(session: AsyncSession, community: int, subject: str, topic: str = "alarm") -> int:
    return await emit(
        session, community_id=community, topic=topic, subject=subject, at=AT, payload={"level": 1}
    )


async def told(database: Database, community: int, *subjects: str, topic: str = "alarm") -> None:
    for subject in subjects:
        async with database.transaction() as session:
            await tell(session, community, subject, topic)


async def take(changes: AsyncIterator[Change], count: int) -> list[str]:
    async with asyncio.timeout(20):  # what is missed must fail, not hang
        return [(await anext(changes)).subject for _ in range(count)]


@asynccontextmanager
async def following(stream: EventStream, after: int | None = None) -> AsyncIterator[AsyncIterator[Change]]:
    async with aclosing(stream.follow(await stream.cursor() if after is None else after)) as changes:
        yield changes


async def test_an_event_says_what_happened(database: Database, stream: EventStream, home: int) -> None:
    async with following(stream) as changes:
        await told(database, home, "alarm:1")
        change = await anext(changes)
    assert (change.community_id, change.topic, change.subject, change.at) == (home, "alarm", "alarm:1", AT)
    assert change.payload == {"level": 1}


async def test_what_is_rolled_back_is_not_heard(database: Database, stream: EventStream, home: int) -> None:
    async with following(stream) as changes:
        async with database.sessions() as session:
            await tell(session, home, "alarm:1")
            await session.rollback()
        await told(database, home, "alarm:2")
        assert await take(changes, 1) == ["alarm:2"]


async def test_commits_in_reverse_order_are_all_heard_and_none_waits(
    database: Database, stream: EventStream, home: int
) -> None:
    async with following(stream) as changes, database.sessions() as slow:
        first = await tell(slow, home, "alarm:slow")
        async with database.transaction() as quick:
            second = await tell(quick, home, "alarm:quick")
        assert first < second
        assert await take(changes, 1) == ["alarm:quick"], (
            "heard while the transaction with the smaller id is open"
        )
        await slow.commit()
        assert await take(changes, 1) == ["alarm:slow"]


async def test_a_cursor_from_between_reverse_commits_misses_nothing(
    database: Database, stream: EventStream, home: int
) -> None:
    async with database.sessions() as slow:
        await tell(slow, home, "alarm:slow")
        async with following(stream) as changes:
            await told(database, home, "alarm:quick")
            cursor = (await anext(changes)).cursor
        await slow.commit()
    async with following(stream, after=cursor) as changes:
        assert "alarm:slow" in await take(changes, 2)


async def test_a_page_that_reconnects_goes_on_where_it_was(
    database: Database, stream: EventStream, home: int
) -> None:
    async with following(stream) as changes:
        await told(database, home, "alarm:1")
        cursor = (await anext(changes)).cursor
    await told(database, home, "alarm:2", "alarm:3")
    async with following(stream, after=cursor) as changes:
        assert await take(changes, 2) == ["alarm:2", "alarm:3"]
        await told(database, home, "alarm:4")
        assert await take(changes, 1) == ["alarm:4"]


async def test_without_a_cursor_only_what_is_new_is_heard(
    database: Database, stream: EventStream, home: int
) -> None:
    await told(database, home, "alarm:old")
    async with aclosing(stream.follow()) as changes:
        hearing = asyncio.create_task(take(changes, 1))
        for number in range(100):  # it begins when it runs: one of these is the first after that
            await told(database, home, f"alarm:new-{number}")
            if hearing.done():
                break
        (first,) = await hearing
    assert first.startswith("alarm:new")


async def test_followers_hear_what_they_chose(database: Database, stream: EventStream, home: int) -> None:
    async with database.transaction() as session:
        other = Community(key="b", name="乙", zone="Asia/Shanghai", demo=True, settings={})
        session.add(other)
    cursor = await stream.cursor()
    chosen = stream.follow(cursor, topics={"alarm"}, communities={home})
    async with aclosing(chosen) as changes:
        await told(database, other.id, "alarm:theirs")
        await told(database, home, "message:1", topic="message")
        await told(database, home, "alarm:ours")
        assert await take(changes, 1) == ["alarm:ours"]


async def test_a_slow_follower_is_not_waited_for_and_misses_nothing(
    database: Database, stream: EventStream, home: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_QUEUE", 2)
    subjects = [f"alarm:{number}" for number in range(12)]
    async with following(stream) as slow, following(stream) as quick:
        await told(database, home, "alarm:first")
        assert await take(slow, 1) == ["alarm:first"]
        assert await take(quick, 1) == ["alarm:first"]
        for subject in subjects:
            await told(database, home, subject)
            assert await take(quick, 1) == [subject]
        assert [follower.behind for follower in stream._followers].count(True) == 1
        assert await take(slow, 12) == subjects
        await told(database, home, "alarm:last")
        assert await take(slow, 1) == ["alarm:last"]


async def test_more_than_a_page_comes_whole_and_once(
    database: Database, stream: EventStream, home: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_PAGE", 10)
    subjects = [f"alarm:{number}" for number in range(35)]
    cursor = await stream.cursor()
    async with following(stream) as live:
        await told(database, home, "alarm:first")
        assert await take(live, 1) == ["alarm:first"]
        async with database.transaction() as session:
            for subject in subjects:
                await tell(session, home, subject)
        assert await take(live, 35) == subjects
        await told(database, home, "alarm:last")
        assert await take(live, 1) == ["alarm:last"]
    async with following(stream, after=cursor) as later:
        assert await take(later, 37) == ["alarm:first", *subjects, "alarm:last"]


async def test_a_lost_connection_is_made_again_and_nothing_is_missed(
    database: Database, stream: EventStream, home: int
) -> None:
    async with following(stream) as changes:
        await told(database, home, "alarm:1")
        assert await take(changes, 1) == ["alarm:1"]
        async with await psycopg.AsyncConnection.connect(database.conninfo, autocommit=True) as other:
            await other.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        await told(database, home, "alarm:2", "alarm:3")
        assert await take(changes, 2) == ["alarm:2", "alarm:3"]


async def test_lost_hints_are_made_good_by_looking(database: Database, home: int) -> None:
    async with EventStream(database, poll=0.05) as stream, following(stream) as changes:
        async with database.transaction() as session:
            session.add(Event(community_id=home, topic="alarm", subject="alarm:silent", at=AT, payload={}))
        assert await take(changes, 1) == ["alarm:silent"]


async def test_another_process_is_heard(database: Database, stream: EventStream, home: int) -> None:
    async with following(stream) as changes:
        async with await psycopg.AsyncConnection.connect(database.conninfo) as other:
            await other.execute(
                "INSERT INTO event (community_id, topic, subject, at, payload) VALUES (%s, 'device', 'device:1', %s, '{}')",
                [home, AT],
            )
            await other.execute("NOTIFY anlin_events")
        assert await take(changes, 1) == ["device:1"]


async def test_events_of_a_restored_backup_do_not_come_again_and_again(database: Database, home: int) -> None:
    async with database.transaction() as session:
        await tell(session, home, "alarm:restored")
        await session.execute(text("UPDATE event SET txid = 4000000000"))
    async with EventStream(database, poll=3600) as stream, following(stream) as changes:
        await told(database, home, "alarm:1", "alarm:2")
        assert await take(changes, 2) == ["alarm:1", "alarm:2"]
    async with database.transaction() as session:
        assert await session.scalar(select(func.min(Event.txid))) == 1


async def test_a_cursor_of_another_server_gets_what_is_kept(
    database: Database, stream: EventStream, home: int
) -> None:
    await told(database, home, "alarm:1", "alarm:2")
    async with following(stream, after=4_000_000_000) as changes:
        assert await take(changes, 2) == ["alarm:1", "alarm:2"]


async def test_closing_ends_every_follower(database: Database, home: int) -> None:
    stream = EventStream(database, poll=3600)
    await stream.start()
    changes = stream.follow(await stream.cursor())
    await told(database, home, "alarm:1")
    assert await take(changes, 1) == ["alarm:1"]
    await stream.close()
    assert [change async for change in changes] == []


async def test_an_event_needs_a_time_with_a_zone(database: Database, home: int) -> None:
    async with database.transaction() as session:
        with pytest.raises(ValueError, match="zone"):
            await emit(session, community_id=home, topic="alarm", subject="x", at=AT.replace(tzinfo=None))


@given(st.integers(1, 50), st.integers(0, 50), st.sets(st.integers(1, 99)))
def test_snapshots_are_written_and_read_alike(xmin: int, more: int, running: set[int]) -> None:
    inside = frozenset(txid for txid in running if xmin <= txid < xmin + more)
    snapshot = Snapshot(xmin, xmin + more, inside)
    assert Snapshot.parse(str(snapshot)) == snapshot
    assert all(snapshot.sees(txid) == (txid < xmin + more and txid not in inside) for txid in range(1, 120))
