"""A real browser at a really running desk: uvicorn in this loop, Debian's Chromium, a small community of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest_asyncio
import uvicorn
from fastapi import FastAPI
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright
from sqlalchemy import update

from bot.channels.rest import build_rest
from bot.clock import Clock, SystemClock
from bot.communities import Communities
from bot.desk.app import mount_desk
from bot.house import House
from bot.outbox import Outbox
from bot.settings import Settings
from bot.turn import Turns
from bot.voice_room import VoiceRoom, open_voice
from data.database import Database
from data.events import EventStream
from data.models import Staff
from data.staff import hash_password
from flows import emergency, handoff
from flows.engine import Engine
from flows.world import World
from nlu.emergency import EmergencyNet
from nlu.engine import Parser
from nlu.extractors import Extractors
from nlu.understanding import Intent
from tests import small_community
from tests.small_community import Small

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --autoplay-policy=user-gesture-required"
).split()
PASSWORD = "desk-test"
WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


class Unsure:
    """An intent engine that never knows: what the desk shows does not hang on it."""

    name = "unsure"

    async def classify(self, text: str) -> Sequence[Intent]:
        return (Intent(name="out_of_scope", confidence=0.0),)


def house_of(
    database: Database, home: Path, world: World, clock: Clock, events: EventStream, voice: VoiceRoom
) -> House:
    """A house with everything the desk uses."""
    engine = Engine(flows=[*emergency.FLOWS, *handoff.FLOWS], asides=[*handoff.ASIDES])
    turns = Turns(
        database=database,
        clock=clock,
        parser=Parser(engine=Unsure(), net=EmergencyNet(), extractor=Extractors(services=(), faults=(), places=())),
        world=world,
        engine=engine,
        timers=emergency.TIMERS,
        communities=Communities(),
    )  # fmt: skip
    return House(
        settings=Settings(home=home),
        clock=clock,
        database=database,
        events=events,
        world=world,
        turns=turns,
        voice=voice,
        outbox=Outbox(database, clock, {}),
    )


@asynccontextmanager
async def serving(house: House) -> AsyncIterator[str]:
    """The desk and the REST channel on a port of their own; gives the address."""
    app = FastAPI()
    app.include_router(build_rest(house))
    mount_desk(app, house)
    server = uvicorn.Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=0, log_config=None, timeout_graceful_shutdown=1, ws="wsproto"
        )
    )
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


@dataclass(kw_only=True)
class Site:
    """The running desk, its community, and what the browser complained of."""

    address: str
    house: House
    small: Small
    browser: Browser
    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    async def visitor(self, size: dict[str, int] = WIDE) -> Page:
        """A browser of its own, with nobody signed in."""
        context = await self.browser.new_context(viewport=size, locale="zh-CN")  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        self.contexts.append(context)
        page = await context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)
        return page

    async def at_desk(
        self, staff: str = "officer-1", path: str = "/desk/", size: dict[str, int] = WIDE
    ) -> Page:
        """A member of staff who has signed in and is on that page."""
        page = await self.visitor(size)
        await page.goto(f"{self.address}/desk/sign-in?then={path}")
        await page.fill("#name", staff)
        await page.fill("#password", PASSWORD)
        await page.press("#password", "Enter")
        await page.wait_for_selector("main.page")
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} {message.location}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.address, self.address.replace("http", "ws"), "data:", "blob:")):
            self.outside.append(request.url)


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        await started.close()


@pytest_asyncio.fixture(scope="session")
async def rooms() -> AsyncIterator[None]:
    """NiceGUI is one per process: it stays up while houses come and go."""
    from bot.desk import rooms

    await rooms.start()
    yield
    await rooms.stop()


@pytest_asyncio.fixture(scope="session")
async def hashed() -> str:
    """One hash for everybody: each costs 50 ms."""
    return await asyncio.to_thread(hash_password, PASSWORD)


@pytest_asyncio.fixture
async def site(
    database: Database, browser: Browser, rooms: None, hashed: str, tmp_path: Path
) -> AsyncIterator[Site]:
    """A desk with staff who can sign in and one resident, 王阿姨 of 5-1-1203."""
    clock = SystemClock()
    small = replace(await small_community.build(database, clock.now()), clock=clock)  # type: ignore[arg-type]
    async with database.transaction() as session:
        await session.execute(update(Staff).values(password=hashed))
    async with EventStream(database) as events, open_voice(Settings(home=tmp_path)) as voice:
        house = house_of(database, tmp_path, small_community.world(), clock, events, voice)
        async with serving(house) as address:
            made = Site(address=address, house=house, small=small, browser=browser)
            yield made
            for context in made.contexts:
                with contextlib.suppress(Exception):
                    await context.close()
    assert made.outside == []
    assert made.complaints == []
