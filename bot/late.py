"""Parts of the service that nobody waits for at the start: built in the background, or by the first who asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class LateApp:
    """An ASGI application that `build` makes in a thread, once. Requests wait for it."""

    def __init__(self, build: Callable[[], ASGIApp]) -> None:
        self._build = build
        self._building: asyncio.Task[ASGIApp] | None = None

    def begin(self) -> asyncio.Task[ASGIApp]:
        """Start to build, unless that has been done."""
        if self._building is None:
            self._building = asyncio.create_task(asyncio.to_thread(self._build), name="late")
        return self._building

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = await asyncio.shield(self.begin())
        await app(scope, receive, send)
