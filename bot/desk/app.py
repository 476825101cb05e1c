"""Where the staff desk joins the service: its front door at once, its rooms when the first person comes.

NiceGUI takes most of a second to load, and the service must answer sooner than that: it is loaded in a thread when
somebody opens the sign-in page, which is while they type their password.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.requests import HTTPConnection

from bot.desk.sign_in import build_sign_in
from bot.desk.visit import language_of, spoken
from bot.house import House

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger(__name__)
_HEADERS = (
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
)


def mount_desk(app: FastAPI, house: House) -> None:
    """Put the desk at /desk. Its rooms are built on the first visit and closed with the application."""
    rooms = Rooms(house)
    app.include_router(build_sign_in(house, begin=rooms.begin))

    @app.get("/desk", include_in_schema=False)
    async def door() -> RedirectResponse:
        return RedirectResponse("/desk/")

    app.mount("/desk/static", StaticFiles(directory=Path(__file__).parent / "static"), name="desk-static")
    app.mount("/desk", rooms)
    outer = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(served: Any) -> AsyncIterator[Any]:
        async with outer(served) as state:
            try:
                yield state
            finally:
                await rooms.close()

    app.router.lifespan_context = lifespan


class Rooms:
    """The NiceGUI application as an ASGI application that is loaded when it is needed."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._loading: asyncio.Task[ASGIApp] | None = None

    def begin(self) -> asyncio.Task[ASGIApp]:
        """Start to load, unless that has been done; another attempt when the last one failed."""
        if self._loading is None or (self._loading.done() and self._loading.exception() is not None):
            self._loading = asyncio.create_task(_load(), name="desk")
        return self._loading

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = await asyncio.shield(self.begin())
        scope["house"] = self._house  # each page asks its request which house it is in
        if scope["type"] in ("http", "websocket"):
            spoken.set(language_of(HTTPConnection(scope)))

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await app(scope, receive, guarded)

    async def close(self) -> None:
        """Let every open page go."""
        loading, self._loading = self._loading, None
        if loading is None:
            return
        await asyncio.wait({loading})
        if loading.exception() is None:
            from bot.desk import rooms

            await rooms.stop()


async def _load() -> ASGIApp:
    started = asyncio.get_running_loop().time()
    await asyncio.to_thread(__import__, "bot.desk.rooms")
    from bot.desk import rooms

    app = await rooms.start()
    log.info("desk.ready", seconds=round(asyncio.get_running_loop().time() - started, 2))
    return app
