"""The demo community behind the REST interface, filled once for all tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from data import crypto, embedded
from data.database import Database
from tests.api_desk import Desk, open_desk


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def desk(
    postgres: embedded.EmbeddedServer, template: str, keyring: crypto.Keyring
) -> AsyncIterator[Desk]:
    """One for all: each test makes what it changes."""
    url = await postgres.create_database("test_api", template=template)
    database = await Database.connect(url, postgres.place.home, keyring)
    try:
        async with open_desk(database) as made:
            yield made
    finally:
        await database.dispose()
        await postgres.drop_database("test_api")
