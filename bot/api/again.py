"""A request of the API whose transaction the database undid for another's sake is done again before anybody hears of it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from data.database import again


class Again(APIRoute):
    """A route of the API. Each of its requests is one transaction, so after a deadlock nothing of it was kept."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        once = super().get_route_handler()

        async def handle(request: Request) -> Response:
            await request.body()  # kept in the request: it is read again by each attempt
            return await again(lambda: once(request))

        return handle
