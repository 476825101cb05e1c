"""One demo community for all tests of a module, swept between them: quicker than a new database for each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from data import crypto, embedded
from data.database import Database
from tests.harness import MONDAY, Talk, talk

_SWEEP = (
    "TRUNCATE conversation, request, alarm, handoff, timer, outgoing, number_counter CASCADE",
    "UPDATE resident SET preferences = '{}'",
)


@asynccontextmanager
async def standing(
    postgres: embedded.EmbeddedServer, template: str, keyring: crypto.Keyring, name: str
) -> AsyncIterator[Talk]:
    """The community, in a database of that name, for as long as the module's tests run."""
    address = await postgres.create_database(name, template=template)
    database = await Database.connect(address, postgres.place.home, keyring)
    try:
        async with talk(database) as made:
            yield made
    finally:
        await database.dispose()
        await postgres.drop_database(name)


async def sweep(house: Talk) -> Talk:
    """Nobody has said anything yet, it is Monday at ten, and everybody is as the demo has them."""
    async with house.database.transaction() as session:
        for statement in _SWEEP:
            await session.execute(text(statement))
    house.clock.set(MONDAY)
    return house
