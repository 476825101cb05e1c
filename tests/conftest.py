"""What tests stand on: a real PostgreSQL for the session, a fresh migrated database for each test, keys."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from data import crypto, embedded
from data.database import Database

Until = Callable[[Callable[[], object]], Awaitable[None]]

_TEMPLATE = "anlin_template"
_numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def keyring() -> crypto.Keyring:
    """The keys of the whole session, installed."""
    ring = crypto.Keyring.parse(crypto.generate_keys())
    crypto.install(ring)
    return ring


@pytest_asyncio.fixture(scope="session")
async def postgres() -> AsyncIterator[embedded.EmbeddedServer]:
    """An embedded server of our own. It may lose everything in a power cut, which makes it three times as fast."""
    careless = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    with tempfile.TemporaryDirectory(prefix="anlin-") as folder:
        home = Path(folder, "home")
        server = await embedded.start(home, settings=careless)
        yield server
        await server.stop()
        await asyncio.to_thread(embedded.throw_away, home)


@pytest_asyncio.fixture(scope="session")
async def template(postgres: embedded.EmbeddedServer, keyring: crypto.Keyring) -> str:
    """Name of a database that was migrated once and is only ever copied."""
    database = await Database.connect(await postgres.create_database(_TEMPLATE), postgres.place.home, keyring)
    await database.upgrade()
    await database.dispose()
    return _TEMPLATE


@pytest_asyncio.fixture
async def database(
    postgres: embedded.EmbeddedServer, template: str, keyring: crypto.Keyring
) -> AsyncIterator[Database]:
    """A clean database with all tables, this test's alone."""
    name = f"test_{next(_numbers)}"
    made = await Database.connect(
        await postgres.create_database(name, template=template), postgres.place.home, keyring
    )
    yield made
    await made.dispose()
    await postgres.drop_database(name)


@pytest.fixture(scope="session")
def until() -> Until:
    """`await until(lambda: …)`: waits for what other processes do; fails after 30 s instead of hanging."""

    async def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, "it did not come true within 30 s"
            await asyncio.sleep(0.01)

    return wait
