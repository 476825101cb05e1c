"""The intent engine, loaded in the background: the product answers while it is still reading."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from nlu.engine import IntentEngine
from nlu.understanding import Intent

log = structlog.get_logger(__name__)


class LateEngine:
    """An engine that is not there yet. Messages wait for it, calls for help do not (see `bot.turn`)."""

    def __init__(self, load: Callable[[], IntentEngine]) -> None:
        self._load = load
        self._loading: asyncio.Future[IntentEngine] | None = None

    def begin(self) -> asyncio.Future[IntentEngine]:
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
    def name(self) -> str:
        """The loaded engine's name, or `loading`."""
        return self._loaded.name if self._loaded is not None else "loading"

    @property
    def fault(self) -> str | None:
        """Why it could not be loaded, if so."""
        if self._loading is None or not self._loading.done() or self._loading.cancelled():
            return None
        error = self._loading.exception()
        return str(error) if error else None

    async def classify(self, text: str) -> Sequence[Intent]:
        """The intents, once the engine is there."""
        return await (await asyncio.shield(self.begin())).classify(text)

    async def wait(self) -> None:
        """Until it is loaded; raises what went wrong."""
        await asyncio.shield(self.begin())

    @property
    def _loaded(self) -> IntentEngine | None:
        loading = self._loading
        if loading is None or not loading.done() or loading.cancelled() or loading.exception() is not None:
            return None
        return loading.result()

    def _tell(self, loading: asyncio.Future[IntentEngine]) -> None:
        if not loading.cancelled() and loading.exception() is not None:
            log.error("nlu.not_loaded", why=str(loading.exception()))
