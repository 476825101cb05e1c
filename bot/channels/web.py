"""The chat page of residents (N2): `/chat`, its socket, and the widget for other sites."""

from __future__ import annotations

from fastapi import APIRouter, Query, WebSocket

from bot.channels.live import Live
from bot.house import House


def build_web(house: House) -> APIRouter:
    """The socket of the chat page."""
    router = APIRouter()

    @router.websocket("/chat/ws")
    async def chat(
        socket: WebSocket, sender: str = Query(min_length=8, max_length=120, pattern=r"^[\w:.-]+$")
    ) -> None:
        await Live(house, socket, sender).run()

    return router
