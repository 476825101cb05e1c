"""`anlin db`: tables, backup, restore, throwing away."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from bot.settings import Settings
from data.errors import AnlinError

if TYPE_CHECKING:
    from data.database import Database

_out = Console()
db = typer.Typer(help="Tables, backup, restore.", no_args_is_help=True)


class ToolFailed(AnlinError):
    """PostgreSQL's own tool did not do what it was asked."""

    code = "database_tool_failed"


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    app.add_typer(db, name="db")


@db.command(help="Bring the tables to the newest version.\n\nExample: anlin db upgrade")
def upgrade() -> None:
    async def work(database: Database) -> None:
        await database.upgrade()
        _out.print("the tables are up to date")

    _with_database(work)


@db.command(
    help="Write everything to one file. Keep the keys as well: without them it cannot be read.\n\nExample: anlin db backup anlin.dump"
)
def backup(file: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write")]) -> None:
    async def work(database: Database) -> None:
        partial = file.with_name(file.name + ".partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as sink:
            await _tool(database, "pg_dump", "--format=custom", "--no-owner", database.conninfo, stdout=sink)
        partial.replace(file)
        _out.print(f"written to {file} ({file.stat().st_size // 1024} KiB)")

    _with_database(work)


@db.command(help="Replace everything by a backup.\n\nExample: anlin db restore anlin.dump --yes")
def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A file that backup wrote")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    if not yes:
        typer.confirm("Everything that is in the database now will be replaced. Go on?", abort=True)

    async def work(database: Database) -> None:
        await database.engine.dispose()
        await _tool(
            database,
            "pg_restore",
            "--clean",
            "--if-exists",
            "--no-owner",
            "--single-transaction",
            "--exit-on-error",
            "--dbname",
            database.conninfo,
            str(file.resolve()),
        )
        await database.upgrade()
        _out.print(f"restored from {file}")

    _with_database(work)


@db.command(
    "throw-away",
    help="Delete the embedded database of the home folder for ever.\n\nExample: anlin db throw-away --yes",
)
def throw_away(yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False) -> None:
    from data import embedded

    settings = Settings()
    if not yes:
        typer.confirm(
            f"Everything under {settings.home} that the embedded database holds is deleted. Go on?",
            abort=True,
        )
    embedded.throw_away(settings.home)
    _out.print("the embedded database is gone")


def _with_database(work: Callable[[Database], Awaitable[None]]) -> None:
    from bot.keys import keyring_of
    from data.database import Database

    async def go() -> None:
        settings = Settings()
        url = settings.database_url.get_secret_value() if settings.database_url else None
        database = await Database.connect(url, settings.home, keyring_of(settings))
        try:
            await work(database)
        finally:
            await database.dispose()

    asyncio.run(go())


async def _tool(database: Database, name: str, *arguments: str, stdout: IO[bytes] | None = None) -> None:
    binaries = database.server.binaries if database.server is not None else None
    program = str(binaries / name) if binaries is not None else shutil.which(name)
    if program is None:
        raise ToolFailed(f"{name} is not installed; install PostgreSQL's client programs")

    def go() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603  PostgreSQL's own program, arguments as a list
            [program, *arguments], stdout=stdout or subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
        )

    done = await asyncio.to_thread(go)
    if done.returncode != 0:
        raise ToolFailed(f"{name}: {done.stderr.decode(errors='replace').strip()[-600:]}")
