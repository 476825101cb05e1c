"""The one database: connects to it, keeps its tables up to date, and gives out transactions (P1, P2)."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from data import crypto, embedded
from data.errors import AnlinError

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"

OLDEST_SERVER = 140_000
"""PostgreSQL 14, as `server_version_num` writes it: the oldest release its makers still mend in 2026."""

_POOL = (
    20  # connections kept by a process; the embedded server takes 100: web, worker and command line together
)
_POOL_EXTRA = 10  # more of them for a moment
_MIGRATION_LOCK = 0x616E6C696E  # "anlin": the key of the advisory lock under which one process migrates
_FIRST_PAUSE = 0.02  # seconds before the second attempt; then twice as long each time

_RETRIED = {"40001", "40P01", "55P03", "57P01", "57P02", "57P03"}
"""SQLSTATE of failures that a second attempt may not meet: serialization, deadlock, lock not available, server going
down, crashed, or not yet up (PostgreSQL manual, appendix A)."""

_UNDONE = frozenset({"40001", "40P01", "55P03"})
"""Those of them that leave no doubt whether the transaction was kept: it was not."""

T = TypeVar("T")


class DatabaseUnreachable(AnlinError):
    """The database of ANLIN_DATABASE_URL does not answer, or refuses us."""

    code = "database.unreachable"


class DatabaseUnsuitable(AnlinError):
    """The address is no PostgreSQL, or the server is older than `OLDEST_SERVER`."""

    code = "database.unsuitable"


class DatabaseNewer(AnlinError):
    """The tables were made by a later version of the product than this one."""

    code = "database.newer"


class Database:
    """A process's access to the database: a pool of connections and the sessions made from it."""

    def __init__(self, engine: AsyncEngine, server: embedded.EmbeddedServer | None = None) -> None:
        self.engine = engine
        self.server = server  # the embedded server, None when ANLIN_DATABASE_URL names one
        self.sessions = async_sessionmaker(engine, expire_on_commit=False)

    @classmethod
    async def connect(cls, url: str | None, home: Path, keyring: crypto.Keyring) -> Database:
        """Connect to `url`, or without one to the embedded server of `home`, and install the keys for this process.

        Raises `DatabaseUnreachable`, `DatabaseUnsuitable` and the errors of `data.embedded`. Tables are not looked
        at: call `upgrade`.
        """
        crypto.install(keyring)
        server = None if url else await embedded.start(home)
        database = cls(_engine(server.url if server else str(url)), server)
        try:
            await database._check()
        except BaseException:
            await database.dispose()
            raise
        return database

    @property
    def conninfo(self) -> str:
        """The address in libpq's words, for pg_dump and for connections of one's own."""
        return _conninfo(self.engine.url)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session in a transaction: committed at the end of the block, rolled back by an exception.

        Objects stay readable after the commit; what they do not hold yet is then not loaded any more.
        """
        async with self.sessions() as session, session.begin():
            yield session

    async def upgrade(self) -> None:
        """Bring the tables to the newest migration, in one transaction. Processes that start at once take turns.

        Raises `DatabaseNewer`.
        """
        if await self._newest():
            return
        from alembic import command  # takes a quarter of a second, and is needed once a release
        from alembic.util.exc import CommandError

        try:
            await self._migrate(lambda config: command.upgrade(config, "head"))
        except CommandError as error:
            raise DatabaseNewer(
                f"the tables are of a later version of the product; update it ({error})"
            ) from error

    async def draft_migration(self, message: str, revision: str) -> None:
        """Write the migration that brings an up-to-date database to what the models say (for developers)."""
        from alembic import command

        await self._migrate(
            lambda config: command.revision(config, message=message, rev_id=revision, autogenerate=True)
        )

    async def dispose(self) -> None:
        """Close the pool and let go of the embedded server."""
        await self.engine.dispose()
        if self.server is not None:
            await self.server.stop()

    async def revive(self) -> None:
        """Start the embedded server again should it have died. Another server is another's business."""
        if self.server is not None:
            await self.server.revive()

    async def _migrate(self, work: Callable[[Config], object]) -> None:
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))

        def migrate(connection: Connection) -> None:
            config.attributes["connection"] = connection
            work(config)

        async with self.engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            await connection.run_sync(migrate)

    async def _newest(self) -> bool:
        """Whether the tables are those of the newest migration: its file's name begins with its revision."""
        newest = max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
        async with self.engine.connect() as connection:
            if (await connection.execute(text("SELECT to_regclass('alembic_version')"))).scalar_one() is None:
                return False
            found = (
                (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalars().all()
            )
        return list(found) == [newest]

    async def _check(self) -> None:
        try:
            async with self.engine.connect() as connection:
                version = int((await connection.execute(text("SHOW server_version_num"))).scalar_one())
        except DBAPIError as error:
            raise DatabaseUnreachable(
                f"the database at {self.engine.url.render_as_string()} does not answer ({error.orig}); "
                "check ANLIN_DATABASE_URL, or leave it empty to use the embedded database",
            ) from error
        if version < OLDEST_SERVER:
            raise DatabaseUnsuitable(
                f"the server is PostgreSQL {version // 10_000}, at least {OLDEST_SERVER // 10_000} is needed"
            )


async def run(database: Database, work: Callable[[AsyncSession], Awaitable[T]], *, attempts: int = 3) -> T:
    """Do `work` in a transaction, anew if the database gave it up: deadlock, serialization, connection lost.

    `work` may run several times and a commit whose answer was lost is repeated, so it must be idempotent: everything
    it decides it reads anew from its session, and it touches nothing outside. The last failure is raised as it is.
    """
    for attempt in range(1, attempts + 1):
        try:
            async with database.transaction() as session:
                return await work(session)
        except DBAPIError as error:
            lost = _is_lost(error)
            if attempt == attempts or not (lost or getattr(error.orig, "sqlstate", None) in _RETRIED):
                raise
        if lost:
            await database.revive()
        # Two that stood in each other's way should not meet again at the same moment.
        await asyncio.sleep(_FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1))
    raise AssertionError("attempts must be at least 1")


async def again(attempt: Callable[[], Awaitable[T]], *, attempts: int = 3) -> T:
    """Do something that makes its own transaction, anew if the database undid it for another's sake.

    For work that is not idempotent: a failure after which it may have been kept (a lost connection) is raised at once.
    """
    for number in range(1, attempts + 1):
        try:
            return await attempt()
        except DBAPIError as error:
            if number == attempts or getattr(error.orig, "sqlstate", None) not in _UNDONE:
                raise
        await asyncio.sleep(_FIRST_PAUSE * 2**number * random.uniform(0.5, 1))
    raise AssertionError("attempts must be at least 1")


def _is_lost(error: DBAPIError) -> bool:
    """Whether the connection broke or was refused: SQLSTATE class 08, a killed backend, or no SQLSTATE at all."""
    state = getattr(error.orig, "sqlstate", None)
    if error.connection_invalidated or (isinstance(error, OperationalError) and state is None):
        return True
    return state is not None and state[:2] in ("08", "57") and state != "57014"  # 57014: cancelled, a timeout


def _engine(address: str) -> AsyncEngine:
    return create_async_engine(
        _psycopg_url(address),
        pool_size=_POOL,
        max_overflow=_POOL_EXTRA,
        pool_pre_ping=True,  # a tenth of a millisecond, so that a server's restart costs nobody a message
        pool_use_lifo=True,
        connect_args={"application_name": "anlin", "options": "-c timezone=UTC"},
        json_serializer=partial(json.dumps, ensure_ascii=False),
    )


def _psycopg_url(address: str) -> URL:
    """The address as people write it (`postgres://`, `postgresql://`), for our driver. Never shows the password."""
    try:
        url = make_url(address)
    except ArgumentError:
        raise DatabaseUnsuitable(
            "ANLIN_DATABASE_URL is no address; write postgresql://user:password@host:5432/name"
        ) from None
    if url.drivername.partition("+")[0] not in ("postgres", "postgresql"):
        raise DatabaseUnsuitable(f"ANLIN_DATABASE_URL must begin with postgresql://, not {url.drivername}://")
    return url.set(drivername="postgresql+psycopg")


def _conninfo(url: URL) -> str:
    given = {**url.translate_connect_args(username="user", database="dbname"), **url.query}
    return make_conninfo("", **{key: str(value) for key, value in given.items()})
