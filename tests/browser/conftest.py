"""A real browser at a really running desk: uvicorn in this loop, Debian's Chromium, a small community of its own."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn
from fastapi import FastAPI
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    ViewportSize,
    async_playwright,
)
from sqlalchemy import text, update

from bot.channels.rest import build_rest
from bot.clock import Clock, SystemClock
from bot.communities import Communities
from bot.desk.app import mount_desk
from bot.desk.visit import COOKIE
from bot.house import House
from bot.outbox import Outbox
from bot.settings import Settings
from bot.turn import Turns
from bot.voice_room import VoiceRoom, open_voice
from data import staff
from data.crypto import Keyring
from data.database import Database
from data.embedded import EmbeddedServer
from data.events import EventStream
from data.models import Conversation, Staff, StaffSession
from flows import emergency, handoff, rating, silence
from flows.engine import Engine
from flows.world import World
from nlu.emergency import EmergencyNet
from nlu.engine import Parser
from nlu.extractors import Extractors
from nlu.understanding import Intent
from tests import small_community
from tests.small_community import Small

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "desk-test"
WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}


class Unsure:
    """An intent engine that never knows: what the desk shows does not hang on it."""

    name = "unsure"

    async def classify(self, text: str) -> Sequence[Intent]:
        return (Intent(name="out_of_scope", confidence=0.0),)


def house_of(
    database: Database, home: Path, world: World, clock: Clock, events: EventStream, voice: VoiceRoom
) -> House:
    """A house with everything the desk uses."""
    engine = Engine(flows=[*emergency.FLOWS, *handoff.FLOWS, *rating.FLOWS], asides=[])
    turns = Turns(
        database=database,
        clock=clock,
        parser=Parser(engine=Unsure(), net=EmergencyNet(), extractor=Extractors(services=(), faults=(), places=())),
        world=world,
        engine=engine,
        timers={**emergency.TIMERS, **silence.TIMERS},
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


class _Server(uvicorn.Server):
    """Says when it listens, and leaves the signals to pytest."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(house: House) -> AsyncIterator[str]:
    """The desk and the REST channel on a port of their own; gives the address."""
    app = FastAPI()
    app.include_router(build_rest(house))
    mount_desk(app, house)
    server = _Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, timeout_graceful_shutdown=1)
    )
    task = asyncio.create_task(server.serve())
    await server.up.wait()
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


@dataclass(kw_only=True)
class Site:
    """The running desk, its community, and what the browser complained of."""

    address: str
    house: House
    small: Small
    pool: Pool
    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)

    async def visitor(self, size: ViewportSize = WIDE) -> Page:
        """A browser of its own, with nobody signed in."""
        context = await self.pool.take()
        page = await context.new_page()
        await page.set_viewport_size(size)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)
        self.pages.append(page)
        return page

    async def at_desk(self, who: str = "officer-1", path: str = "/desk/", size: ViewportSize = WIDE) -> Page:
        """A member of staff who has signed in (not by the form: each password costs 50 ms) and is on that page."""
        page = await self.visitor(size)
        secret = secrets.token_urlsafe(16)
        async with self.house.work("test") as work:
            work.session.add(
                StaffSession(
                    staff_id=who,
                    secret_hash=hashlib.sha256(secret.encode()).digest(),
                    created_at=work.now,
                    seen_at=work.now,
                    ends_at=work.now + staff.SESSION,
                )
            )
        await page.context.add_cookies(
            [{"name": COOKIE, "value": secret, "domain": "127.0.0.1", "path": "/desk"}]
        )
        await page.goto(self.address + path)
        await page.wait_for_selector("main.page")
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} {message.location}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.address, self.address.replace("http", "ws"), "data:", "blob:")):
            self.outside.append(request.url)


class Pool:
    """Browser contexts, used again from test to test so that what they have loaded need not be loaded anew."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._made: list[BrowserContext] = []
        self._taken = 0

    async def take(self) -> BrowserContext:
        """One that nobody else has in this test."""
        if self._taken == len(self._made):
            context = await self._browser.new_context(locale="zh-CN")
            context.set_default_timeout(15_000)
            self._made.append(context)
        self._taken += 1
        return self._made[self._taken - 1]

    async def clean(self) -> None:
        """As new: no pages, no cookies, nothing remembered."""
        for context in self._made[: self._taken]:
            await context.set_offline(False)
            for page in context.pages:
                with contextlib.suppress(Exception):  # a page that is elsewhere has nothing to forget
                    await page.evaluate("localStorage.clear()")
                await page.close()
            await context.clear_cookies()
        self._taken = 0


@pytest_asyncio.fixture(scope="session")
async def pool() -> AsyncIterator[Pool]:
    """One Chromium for all tests."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield Pool(started)
        await started.close()


@pytest_asyncio.fixture(scope="session")
async def running(
    postgres: EmbeddedServer, template: str, keyring: Keyring, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[str, House, Small]]:
    """The desk with staff who can sign in and one resident, 王阿姨 of 5-1-1203; one for all tests."""
    home, clock = tmp_path_factory.mktemp("desk"), SystemClock()
    database = await Database.connect(
        await postgres.create_database("desk", template=template), postgres.place.home, keyring
    )
    small = replace(await small_community.build(database, clock.now()), clock=clock)
    hashed = await asyncio.to_thread(staff.hash_password, PASSWORD)
    async with database.transaction() as session:
        await session.execute(update(Staff).values(password=hashed))
    async with EventStream(database) as events, open_voice(Settings(home=home)) as voice:
        house = house_of(database, home, small_community.world(), clock, events, voice)
        async with serving(house) as address:
            yield address, house, small
    await database.dispose()


@pytest_asyncio.fixture
async def site(running: tuple[str, House, Small], pool: Pool) -> AsyncIterator[Site]:
    """The desk with nothing going on. A test fails if the browser complained or asked anybody else."""
    address, house, small = running
    made = Site(address=address, house=house, small=small, pool=pool)
    yield made
    await pool.clean()
    async with house.database.transaction() as session:
        await session.execute(text(f"TRUNCATE {', '.join(_TRACES)} CASCADE"))
        for statement in (
            update(Conversation).values(owner="bot", staff_id=None, state={}),
            update(Staff).values(failed_sign_ins=0, locked_until=None),
        ):
            await session.execute(statement, execution_options={"synchronize_session": False})
    assert made.outside == []
    assert made.complaints == []


_TRACES = ("alarm", "handoff", "request", "message", "outgoing", "timer", "staff_session", "audit", "event")
"""Tables that a test leaves something in."""
