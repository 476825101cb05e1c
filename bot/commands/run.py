"""`anlin run`, `anlin web`, `anlin worker`: the service, whole or in parts."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from bot.settings import Settings
from data.errors import AnlinError

if TYPE_CHECKING:
    import uvicorn

    from bot.house import House

_out = Console()

Host = Annotated[str | None, typer.Option(help="Address to listen on")]
Port = Annotated[int | None, typer.Option(help="Port to listen on", min=1, max=65535)]
Home = Annotated[Path | None, typer.Option(help="Folder for data, keys and caches")]
Demo = Annotated[
    bool | None,
    typer.Option(
        "--demo/--no-demo", help="Fill an empty database with the demo community (default: on a laptop)"
    ),
]
Now = Annotated[
    str | None, typer.Option("--now", help="Start the product's clock here, e.g. 2026-11-22T10:00+08:00")
]
Speed = Annotated[
    float, typer.Option("--speed", help="How many times as fast as ordinary time", min=0.01, max=10_000)
]


class PortTaken(AnlinError):
    """Something else listens on that port."""

    code = "port_taken"


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command(
        "run",
        help="Everything in one process.\n\nExample: [bold]anlin run --port 8080[/]\n\n"
        "Drill: [bold]anlin run --demo --now 2026-11-22T08:00+08:00 --speed 60[/]",
    )(run)
    app.command(
        "web",
        help="Channels, API and desk only; workers run apart.\n\nExample: [bold]anlin web --port 8080[/]",
    )(web)
    app.command(
        "worker", help="Timers and deliveries only; any number of them.\n\nExample: [bold]anlin worker[/]"
    )(worker)


def settings_with(**given: object) -> Settings:
    """The settings, with what the command line says on top."""
    return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


def run(
    host: Host = None,
    port: Port = None,
    home: Home = None,
    demo: Demo = None,
    now: Now = None,
    speed: Speed = 1.0,
) -> None:
    settings = settings_with(host=host, port=port, home=home)
    asyncio.run(_serve(settings, web=True, worker=True, demo=demo, start=_moment(now), speed=speed))


def web(host: Host = None, port: Port = None, home: Home = None) -> None:
    settings = settings_with(host=host, port=port, home=home)
    asyncio.run(_serve(settings, web=True, worker=False, demo=False, start=None, speed=1.0))


def worker(home: Home = None, now: Now = None, speed: Speed = 1.0) -> None:
    settings = settings_with(home=home)
    asyncio.run(_serve(settings, web=False, worker=True, demo=False, start=_moment(now), speed=speed))


def _moment(written: str | None) -> datetime | None:
    if written is None:
        return None
    try:
        moment = datetime.fromisoformat(written)
    except ValueError as error:
        raise typer.BadParameter(f"{written} is no moment; write it like 2026-11-22T10:00+08:00") from error
    if moment.tzinfo is None:
        raise typer.BadParameter(f"{written} has no offset; write it like 2026-11-22T10:00+08:00")
    return moment


async def _serve(
    settings: Settings, *, web: bool, worker: bool, demo: bool | None, start: datetime | None, speed: float
) -> None:
    from bot import logs

    gc.disable()  # a quarter of a second of the start went into looking for garbage where there is none
    logs.configure(settings)
    if web:
        _refuse_taken(settings)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_database_early(settings))
        # The libraries load in a thread while PostgreSQL starts; `anlin --help` waits for neither.
        await asyncio.to_thread(_load, web)
        import uvicorn

        from bot import service
        from bot.build import build, clock_of

        house = await stack.enter_async_context(build(settings, clock=clock_of(start, speed)))
        await service.prepare(house, demo=demo, drill=start is not None or speed != 1)
        await stack.enter_async_context(service.running(house, web=web, worker=worker))
        if not web:
            _out.print("worker: timers and deliveries")
            await house.answering()
            _settle()
            house.clock.begin()
            await asyncio.Event().wait()
            return
        from bot.app import build_app

        server = uvicorn.Server(
            uvicorn.Config(
                build_app(house),
                host=settings.host,
                port=settings.port,
                log_config=None,
                access_log=False,
                ws_max_size=1_000_000,
                timeout_graceful_shutdown=3,
            )
        )
        await stack.enter_async_context(_announced(server, house, service.banner(house)))
        await server.serve()


def _settle() -> None:
    """What was loaded stays for good: the collector need never look at it again."""
    gc.collect()
    gc.freeze()
    gc.enable()


def _load(web: bool) -> None:
    for module in ("bot.build", "bot.service", *(("uvicorn", "bot.app") if web else ())):
        import_module(module)


@asynccontextmanager
async def _database_early(settings: Settings) -> AsyncIterator[None]:
    """Start the embedded database, if that is the one, and go on without waiting for it."""
    if settings.database_url is not None:
        yield
        return
    from data import embedded

    starting = asyncio.create_task(embedded.start(settings.home), name="database")
    try:
        yield
    finally:
        with contextlib.suppress(AnlinError):  # `build` meets the same fault and tells it
            await (await starting).stop()


@asynccontextmanager
async def _announced(server: uvicorn.Server, house: House, banner: str) -> AsyncIterator[None]:
    """Print the banner once the server listens, and begin to load what nobody had to wait for."""

    async def announce() -> None:
        while not server.started:  # noqa: ASYNC110  uvicorn offers no event for it
            await asyncio.sleep(0.02)
        _out.print(banner, highlight=False, soft_wrap=True)  # addresses stay whole in a log
        await house.answering()
        _settle()
        house.clock.begin()

    task = asyncio.create_task(announce())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _refuse_taken(settings: Settings) -> None:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise PortTaken(
                f"{settings.host}:{settings.port} cannot be used ({error.strerror}); choose another with --port"
            ) from error
