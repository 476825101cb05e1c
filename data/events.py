"""News of what changed, for the desk, the chat pages and other processes: written with the change, missed by nobody.

An event is a row of the table `event`, inserted by `emit` in the transaction of the change it tells of. A PostgreSQL
notification goes with it, as a hint that it is worth looking; the rows are the truth.

**Why no event is missed.** Row ids are given out when a row is written, but rows become visible when their transaction
commits, in whatever order: who remembers "the last id I saw" skips a smaller id that commits later. So the cursor is
not an id but what PostgreSQL calls a snapshot: which transactions had ended when we last looked. Each row carries its
transaction's number (`txid`), and new is exactly what is visible now and was not in the former snapshot: every event
once, at once, even while a slow transaction with a smaller number is still open. The whole snapshot need not be kept
by a page that reconnects: `Change.cursor` is its lower bound, below which everything has been seen. After a reconnect
a few events of the last moments may therefore come twice, with the same `id`; none is left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

import psycopg
from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from data.database import Database
from data.models import Event

CHANNEL = "anlin_events"
"""The notification channel; what a notification carries is only the topic."""

_POLL = 5.0  # seconds after which we look without having been told to: hints may be lost, rows are not
_PAGE = 500  # events read at once
_QUEUE = 64  # batches that wait for a follower before it is left to catch up by itself
_LONGEST_PAUSE = 5.0  # seconds between attempts to connect again

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which transactions had ended at a moment, as PostgreSQL's `pg_snapshot` says it."""

    xmin: int  # every transaction below this one had ended
    xmax: int  # none from this one on
    running: frozenset[int] = frozenset()  # those between the two that had not

    @classmethod
    def parse(cls, written: str) -> Snapshot:
        """From `xmin:xmax:running,running`."""
        xmin, xmax, running = written.split(":")
        return cls(int(xmin), int(xmax), frozenset(int(txid) for txid in running.split(",") if txid))

    def __str__(self) -> str:
        return f"{self.xmin}:{self.xmax}:{','.join(str(txid) for txid in sorted(self.running))}"

    def sees(self, txid: int) -> bool:
        """Whether that transaction had ended."""
        return txid < self.xmin or (txid < self.xmax and txid not in self.running)

    def later(self, other: Snapshot) -> Snapshot:
        """The later of two snapshots of one server: what has ended only ever grows."""
        return max(self, other, key=lambda one: (one.xmin, one.xmax, -len(one.running)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An event as a follower gets it."""

    id: int  # the same when an event comes twice
    cursor: int  # give it to `follow(after=…)` to go on from here
    txid: int  # the transaction that wrote it
    community_id: int  # whose it is; staff see only their communities
    topic: str  # alarm, handoff, request, message, checkin, reminder, staff, device …
    subject: str  # e.g. alarm:12, conversation:7
    at: datetime  # the product's time, aware
    payload: Mapping[str, Any]  # no personal data


async def emit(
    session: AsyncSession,
    *,
    community_id: int,
    topic: str,
    subject: str,
    at: datetime,
    payload: Mapping[str, Any] | None = None,
) -> int:
    """Tell of a change in the transaction of the change: it is heard when, and only if, that commits. Gives its id.

    `at` is aware; `payload` is small JSON without personal data: live views read the thing itself, by its rules.
    """
    if at.utcoffset() is None:
        raise ValueError("an event needs a time with a zone")
    await session.flush()  # what the event is about comes first
    written = (
        insert(Event)
        .values(community_id=community_id, topic=topic, subject=subject, at=at, payload=dict(payload or {}))
        .returning(Event.id, Event.topic)
        .cte("written")
    )
    result = await session.execute(select(written.c.id, func.pg_notify(CHANNEL, written.c.topic)))
    return int(result.one()[0])


@dataclass(frozen=True, slots=True)
class _Batch:
    changes: tuple[Change, ...]
    seen: Snapshot


@dataclass(slots=True, eq=False)
class _Follower:
    queue: asyncio.Queue[_Batch | None] = field(default_factory=lambda: asyncio.Queue(_QUEUE))
    behind: bool = False  # batches were dropped: it must read the rows itself

    def offer(self, batch: _Batch) -> None:
        """Hand over a batch, or note that there was no room."""
        if self.behind:
            return
        if self.queue.full():
            self.leave_behind()
        else:
            self.queue.put_nowait(batch)

    def leave_behind(self) -> None:
        """Empty the queue and wake the follower, which will find out what it missed."""
        self.behind = True
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class EventStream:
    """One listening connection for the whole process, and any number of followers.

    `async with EventStream(database) as stream:` or `start` and `close`. A lost connection is made again, and the
    embedded server with it; followers only notice a pause.
    """

    def __init__(self, database: Database, *, poll: float = _POLL) -> None:
        self._database = database
        self._poll = poll  # seconds
        self._followers: set[_Follower] = set()
        self._seen: Snapshot | None = None  # up to where followers were served
        self._listening = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def start(self) -> None:
        """Begin to listen; returns when it does."""
        self._task = asyncio.create_task(self._listen_for_ever(), name="events")
        await self._listening.wait()

    async def close(self) -> None:
        """Stop listening; every `follow` ends."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for follower in self._followers:
            follower.leave_behind()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def cursor(self) -> int:
        """Now, as a cursor: a page takes it, reads its state, then follows from it, and has no gap in between."""
        async with self._database.engine.connect() as connection:
            return (await _now(connection)).xmin

    async def follow(
        self,
        after: int | None = None,
        *,
        topics: Collection[str] | None = None,
        communities: Collection[int] | None = None,
    ) -> AsyncGenerator[Change, None]:
        """Every event after a cursor, then every new one, for ever; None: only new ones.

        `topics` and `communities` choose; None is all. In order of `id` within what is found at one look. Slow
        readers are never waited for: they read from the database what their queue could not hold. Close the iterator
        (`contextlib.aclosing`) when leaving it early.
        """

        def wanted(change: Change) -> bool:
            return (topics is None or change.topic in topics) and (
                communities is None or change.community_id in communities
            )

        follower = _Follower()
        self._followers.add(follower)
        try:
            seen = await self._beginning(after)
            follower.behind, catching_up = False, after is not None
            while not self._closed:
                if catching_up:
                    async for batch in self._pages(seen):
                        for change in filter(wanted, batch.changes):
                            yield change
                        seen = batch.seen
                news = await follower.queue.get()
                catching_up = news is None
                if news is None:
                    follower.behind = False
                    continue
                for change in news.changes:
                    if wanted(change) and not seen.sees(change.txid):
                        yield change
                seen = seen.later(news.seen)
        finally:
            self._followers.discard(follower)

    async def _beginning(self, after: int | None) -> Snapshot:
        async with self._database.engine.connect() as connection:
            now = await _now(connection)
        if after is None:
            return now
        if after > now.xmin:  # a cursor of another server, from before a restore: whatever is kept is news
            after = 1
        return Snapshot(max(after, 1), max(after, 1))

    async def _pages(self, seen: Snapshot) -> AsyncIterator[_Batch]:
        """What became visible since `seen`, in pages that share one snapshot; only the last page moves the cursor on."""
        async with self._database.engine.connect() as connection:
            now = await _now(connection)
        last = 0
        while True:
            async with self._database.engine.connect() as connection:
                batch = await _read(connection, seen, now, last)
            if len(batch.changes) < _PAGE:
                yield batch
                return
            last = batch.changes[-1].id
            yield _Batch(batch.changes, seen)

    async def _listen_for_ever(self) -> None:
        pause = 0.1
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._database.conninfo,
                    autocommit=True,
                    keepalives_idle=30,
                    application_name="anlin events",
                ) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    await self._adopt_restored()
                    pause = 0.1
                    while True:
                        await self._publish()
                        self._listening.set()
                        async for _ in connection.notifies(timeout=self._poll, stop_after=1):
                            pass
            except Exception as error:  # whatever it was, the views must go on: look again, and say so
                _log.warning("the event stream lost its connection (%s: %s)", type(error).__name__, error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            try:
                await self._database.revive()
            except Exception as error:
                _log.warning("the database could not be started again (%s: %s)", type(error).__name__, error)

    async def _publish(self) -> None:
        """Hand what is new to every follower."""
        async with self._database.engine.connect() as connection:
            now = await _now(connection)
            if self._seen is not None and self._followers:
                batch = await _read(connection, self._seen, now, 0)
                for follower in self._followers:
                    if len(batch.changes) == _PAGE:  # too much for a queue: everybody reads it page by page
                        follower.leave_behind()
                    elif batch.changes:
                        follower.offer(batch)
        self._seen = now

    async def _adopt_restored(self) -> None:
        """Mark rows of a restored backup as old: their transaction numbers are another server's, and may be in the future."""
        async with self._database.engine.begin() as connection:
            await connection.execute(
                text(
                    "UPDATE event SET txid = 1 WHERE txid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
                )
            )


async def _now(connection: AsyncConnection) -> Snapshot:
    return Snapshot.parse((await connection.execute(text("SELECT pg_current_snapshot()::text"))).scalar_one())


_NEWS = text(
    "SELECT id, community_id, topic, subject, at, payload, txid FROM event"
    " WHERE txid >= :floor AND id > :last"
    " AND NOT pg_visible_in_snapshot(txid::text::xid8, CAST(:seen AS pg_snapshot))"
    " AND pg_visible_in_snapshot(txid::text::xid8, CAST(:now AS pg_snapshot))"
    " ORDER BY id LIMIT :page"
)


async def _read(connection: AsyncConnection, seen: Snapshot, now: Snapshot, last: int) -> _Batch:
    """Up to `_PAGE` events with an id above `last` that are in `now` and were not in `seen`."""
    values = {"floor": seen.xmin, "last": last, "seen": str(seen), "now": str(now), "page": _PAGE}
    rows = (await connection.execute(_NEWS, values)).all()
    complete = len(rows) < _PAGE
    return _Batch(
        tuple(
            Change(
                id=row.id,
                cursor=now.xmin if complete and number == len(rows) else seen.xmin,
                txid=row.txid,
                community_id=row.community_id,
                topic=row.topic,
                subject=row.subject,
                at=row.at,
                payload=row.payload,
            )
            for number, row in enumerate(rows, start=1)
        ),
        now,
    )
