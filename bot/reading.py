"""What has been learned, loaded in the background: the product answers while it is still reading."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import structlog

from nlu.emergency import Suspicion
from nlu.engine import IntentEngine, Parser, SecondListener
from nlu.understanding import Intent

log = structlog.get_logger(__name__)
Part = TypeVar("Part")


class Late(Generic[Part]):
    """A part that is not there yet, and is loaded once."""

    def __init__(self, load: Callable[[], Part]) -> None:
        self._load = load
        self._loading: asyncio.Future[Part] | None = None

    def begin(self) -> asyncio.Future[Part]:
        """Start to load, unless that has been done. Loading takes turns with whatever else Python does in this
        process, so the service begins it when it answers already."""
        if self._loading is None:
            self._loading = asyncio.ensure_future(asyncio.to_thread(self._load))
            self._loading.add_done_callback(self._tell)
        return self._loading

    @property
    def ready(self) -> bool:
        """Whether it is loaded."""
        return self._loaded is not None

    @property
    def fault(self) -> str | None:
        """Why it could not be loaded, if so."""
        if self._loading is None or not self._loading.done() or self._loading.cancelled():
            return None
        error = self._loading.exception()
        return str(error) if error else None

    async def wait(self) -> None:
        """Until it is loaded; raises what went wrong."""
        await self._part()

    async def _part(self) -> Part:
        return await asyncio.shield(self.begin())

    @property
    def _loaded(self) -> Part | None:
        loading = self._loading
        if loading is None or not loading.done() or loading.cancelled() or loading.exception() is not None:
            return None
        return loading.result()

    def _tell(self, loading: asyncio.Future[Part]) -> None:
        if not loading.cancelled() and loading.exception() is not None:
            log.error("nlu.not_loaded", why=str(loading.exception()))


class LateEngine(Late[IntentEngine]):
    """An intent engine that is not there yet. Messages wait for it, calls for help do not (see `bot.turn`)."""

    @property
    def name(self) -> str:
        """The loaded engine's name, or `loading`."""
        return self._loaded.name if self._loaded is not None else "loading"

    async def classify(self, text: str) -> Sequence[Intent]:
        """The intents, once the engine is there."""
        return await (await self._part()).classify(text)


class LateListener(Late[SecondListener]):
    """The second listener of the emergency net, not there yet. Messages wait for it as they do for the engine."""

    async def hear(self, text: str) -> Suspicion | None:
        """What it makes of the message, once it is there."""
        return await (await self._part()).hear(text)


def late_parts(parser: Parser) -> list[Late[IntentEngine] | Late[SecondListener]]:
    """What of the parser is loaded late, in the order in which it should be."""
    return [part for part in (parser.engine, parser.listener) if isinstance(part, (LateEngine, LateListener))]
