"""Connections, transactions, migrations and second attempts (P1, P2)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from data import crypto
from data import database as module
from data.database import Database, run
from data.embedded import EmbeddedServer
from data.models import Base, Community


def community(key: str) -> Community:
    return Community(key=key, name="幸福里", zone="Asia/Shanghai", demo=True, settings={"问候": "您好"})


async def keys(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Community.key).order_by(Community.key)))


async def test_a_transaction_commits_and_its_objects_stay_readable(database: Database) -> None:
    async with database.transaction() as session:
        made = community("a")
        session.add(made)
    assert made.id > 0
    assert made.settings == {"问候": "您好"}
    assert await keys(database) == ["a"]


async def test_an_exception_takes_everything_back(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as session:
            session.add(community("a"))
            await session.flush()
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await keys(database) == []


async def test_migrations_make_what_the_models_say(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))

    async with database.engine.connect() as connection:
        found = await connection.run_sync(differences)
    assert found == [], "the models changed: write a migration with Database.draft_migration"


async def test_an_upgrade_of_what_is_up_to_date_changes_nothing(database: Database) -> None:
    async with database.transaction() as session:
        session.add(community("a"))
    await database.upgrade()
    assert await keys(database) == ["a"]


async def test_programs_that_upgrade_at_once_take_turns(
    postgres: EmbeddedServer, keyring: crypto.Keyring
) -> None:
    url = await postgres.create_database("upgraded_at_once")
    programs = [await Database.connect(url, postgres.place.home, keyring) for _ in range(3)]
    await asyncio.gather(*(program.upgrade() for program in programs))
    assert await keys(programs[0]) == []
    for program in programs:
        await program.dispose()
    await postgres.drop_database("upgraded_at_once")


async def test_tables_of_a_later_version_are_left_alone(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(module.DatabaseNewer, match="9999"):
        await database.upgrade()


async def test_the_session_counts_in_utc_and_says_who_it_is(database: Database) -> None:
    async with database.transaction() as session:
        assert await session.scalar(text("SHOW TimeZone")) == "UTC"
        assert await session.scalar(text("SHOW application_name")) == "anlin"


async def test_a_lost_connection_costs_the_next_transaction_nothing(database: Database) -> None:
    async with database.transaction() as session:
        lost = await session.scalar(select(func.pg_backend_pid()))
    async with await psycopg.AsyncConnection.connect(database.conninfo, autocommit=True) as other:
        await other.execute("SELECT pg_terminate_backend(%s, 5000)", [lost])
    assert await keys(database) == []


async def test_work_is_done_anew_when_its_connection_breaks(database: Database) -> None:
    tries = 0

    async def work(session: AsyncSession) -> str:
        nonlocal tries
        tries += 1
        session.add(community("a"))
        await session.flush()
        if tries == 1:
            mine = await session.scalar(select(func.pg_backend_pid()))
            async with await psycopg.AsyncConnection.connect(database.conninfo, autocommit=True) as other:
                await other.execute("SELECT pg_terminate_backend(%s, 5000)", [mine])
            await session.execute(text("SELECT 1"))
        return "done"

    assert await run(database, work) == "done"
    assert tries == 2
    assert await keys(database) == ["a"]


async def test_of_two_that_lock_each_other_both_are_done(database: Database) -> None:
    async with database.transaction() as session:
        session.add_all([community("a"), community("b")])
    meeting = asyncio.Barrier(2)
    tries = 0

    async def rename(session: AsyncSession, first: str, second: str) -> None:
        nonlocal tries
        tries += 1
        touch = text("UPDATE community SET name = name || '+' WHERE key = :key")
        await session.execute(touch, {"key": first})
        if tries <= 2:
            await meeting.wait()
        await session.execute(touch, {"key": second})

    await asyncio.gather(
        run(database, lambda session: rename(session, "a", "b")),
        run(database, lambda session: rename(session, "b", "a")),
    )
    async with database.transaction() as session:
        assert set(await session.scalars(select(Community.name))) == {"幸福里++"}
    assert tries == 3


async def test_a_mistake_is_not_repeated(database: Database) -> None:
    tries = 0

    async def work(session: AsyncSession) -> None:
        nonlocal tries
        tries += 1
        await session.execute(text("SELECT 1 / 0"))

    with pytest.raises(DBAPIError):
        await run(database, work)
    assert tries == 1


async def test_attempts_end(database: Database) -> None:
    tries = 0

    async def work(session: AsyncSession) -> None:
        nonlocal tries
        tries += 1
        await session.execute(text("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$"))

    with pytest.raises(DBAPIError):
        await run(database, work, attempts=3)
    assert tries == 3


@pytest.mark.parametrize("address", ["mysql://localhost/x", "sqlite://", "no address"])
async def test_another_database_is_refused(address: str, tmp_path: Path, keyring: crypto.Keyring) -> None:
    with pytest.raises(module.DatabaseUnsuitable, match="ANLIN_DATABASE_URL"):
        await Database.connect(address, tmp_path, keyring)


async def test_a_server_that_does_not_answer_is_said_without_the_password(
    tmp_path: Path, keyring: crypto.Keyring
) -> None:
    with pytest.raises(module.DatabaseUnreachable, match="ANLIN_DATABASE_URL") as failed:
        await Database.connect(f"postgresql://me:hush@/x?host={tmp_path}", tmp_path, keyring)
    assert "hush" not in str(failed.value)


async def test_addresses_are_understood_as_people_write_them(
    database: Database, keyring: crypto.Keyring
) -> None:
    written = database.engine.url.render_as_string(hide_password=False).replace(
        "postgresql+psycopg", "postgres"
    )
    other = await Database.connect(written, Path("/unused"), keyring)
    assert await keys(other) == []
    await other.dispose()
