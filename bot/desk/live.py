"""News for an open page: what changes anywhere in the community is shown without loading the page again (H11)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass

import structlog
from nicegui import Client

from bot.desk.visit import SessionOver, Visit

log = structlog.get_logger(__name__)
Refresh = Callable[[frozenset[str]], Awaitable[None]]
_PAUSE = 1.0  # seconds before a refresh that failed is tried again
_CHECK = 15.0  # seconds after which the session is looked at again before anything new is shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What one part of a page wants to hear of."""

    topics: frozenset[str]  # alarm, handoff, request, message, delivery, conversation …
    refresh: Refresh  # gets the subjects that changed, e.g. {"alarm:12"}


class Live:
    """Follows the community's events for one open page.

    Take `Live.begin` before the page reads its state: then nothing falls in between. Changes that come while a
    refresh is under way are gathered and shown together by the next one, so a flood of news costs no more than the
    page can show.
    """

    def __init__(self, visit: Visit, client: Client, cursor: int) -> None:
        self._visit, self._client, self._cursor = visit, client, cursor
        self._watches: list[Watch] = []
        self._news: dict[str, set[str]] = {}
        self._woken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def begin(cls, visit: Visit, client: Client) -> Live:
        """From now on."""
        return cls(visit, client, await visit.house.events.cursor())

    def watch(self, topics: Collection[str], refresh: Refresh) -> None:
        """Refresh when one of these changed."""
        self._watches.append(Watch(topics=frozenset(topics), refresh=refresh))

    def start(self) -> None:
        """Go on until the page is closed."""
        self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._show())]
        self._client.on_delete(self.stop)

    def stop(self) -> None:
        """The page is gone."""
        for task in self._tasks:
            task.cancel()

    async def _follow(self) -> None:
        topics = frozenset[str]().union(*(watch.topics for watch in self._watches))
        news = self._visit.house.events.follow(
            self._cursor, topics=topics, communities={self._visit.community_id}
        )
        async with aclosing(news):
            async for change in news:
                self._news.setdefault(change.topic, set()).add(change.subject)
                self._woken.set()

    async def _show(self) -> None:
        loop = asyncio.get_running_loop()
        checked = loop.time()
        while True:
            await self._woken.wait()
            await self._client.connected()  # out of reach: what comes meanwhile is shown when it is back
            self._woken.clear()
            news, self._news = self._news, {}
            try:
                if loop.time() - checked > _CHECK:
                    await self._visit.check()
                    checked = loop.time()
                await self._refresh(news)
            except SessionOver:
                self._client.open("/sign-in")
                return
            except Exception:
                log.exception("desk.refresh_failed", page=self._client.page.path)
                for topic, subjects in news.items():
                    self._news.setdefault(topic, set()).update(subjects)
                self._woken.set()
                await asyncio.sleep(_PAUSE)

    async def _refresh(self, news: dict[str, set[str]]) -> None:
        for watch in self._watches:
            subjects = frozenset[str]().union(*(news.get(topic, ()) for topic in watch.topics))
            if subjects:
                with self._client:
                    await watch.refresh(subjects)
