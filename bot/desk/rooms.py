"""The desk's pages and the NiceGUI application that serves them; loaded by `bot.desk.app` when it is needed."""

from __future__ import annotations

from contextlib import AsyncExitStack

from fastapi import FastAPI
from nicegui import ui

from bot.desk.alarms import show as alarms
from bot.desk.board import show as board
from bot.desk.handoffs import show as handoffs
from bot.desk.requests import show as requests

PAGES = (board, alarms, handoffs, requests)
"""Importing a page registers it; named here so that a reader sees them all."""

_inner = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
_open = AsyncExitStack()
_users = 0
_SLEEP = 30.0  # seconds a page may be out of reach (a lift, a changed network) before it is loaded anew

ui.run_with(
    _inner,
    title="安邻",
    favicon=None,
    language="zh-CN",
    binding_refresh_interval=None,  # nothing is bound: pages are told what changed
    reconnect_timeout=_SLEEP,
    tailwind=False,  # the desk has its own style sheet
    show_welcome_message=False,
)


async def start() -> FastAPI:
    """The application, running. NiceGUI is one per process, so it runs as long as anybody uses it."""
    global _users
    if _users == 0:
        await _open.enter_async_context(_inner.router.lifespan_context(_inner))
    _users += 1
    return _inner


async def stop() -> None:
    """The counterpart of `start`."""
    global _users
    _users -= 1
    if _users == 0:
        await _open.aclose()
