"""Builds the ASGI application: channels, API, desk, pages, health."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from bot import health, problems
from bot.channels.parse import build_parse
from bot.channels.rest import build_rest
from bot.channels.terminal import build_terminal
from bot.channels.web import build_web
from bot.desk.app import mount_desk
from bot.house import House
from bot.late import LateApp

PAGES = Path(__file__).parent / "pages"


def _api(house: House) -> FastAPI:
    from bot.api.app import build_api  # two thirds of all routes, which take their time to be put together

    return build_api(house)


def build_app(house: House) -> FastAPI:
    """The application of one process. The house is already built and is closed by whoever built it."""
    app = FastAPI(title="Anlin", version="0.1.0", docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    problems.install(app)
    app.include_router(health.build(house))
    app.include_router(build_rest(house))
    app.include_router(build_parse(house))
    app.include_router(build_web(house))
    app.include_router(build_terminal(house))
    if house.settings.telegram_token is not None:
        from bot.channels.telegram import (
            build_telegram,  # its library takes its time, and not everybody needs it
        )

        app.include_router(build_telegram(house))
    house.late.append(api := LateApp(lambda: _api(house)))
    app.mount("/api/v1", api)
    app.mount("/pages", StaticFiles(directory=PAGES), name="pages")

    @app.get("/", include_in_schema=False)
    async def start() -> RedirectResponse:
        return RedirectResponse("/chat")

    @app.get("/chat", include_in_schema=False)
    async def chat() -> FileResponse:
        return FileResponse(PAGES / "chat.html")

    @app.get("/terminal", include_in_schema=False)
    async def terminal() -> FileResponse:
        return FileResponse(PAGES / "terminal.html")

    mount_desk(app, house)
    return app
