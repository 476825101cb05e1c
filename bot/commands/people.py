"""`anlin staff`, `anlin token`: who may sign in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from bot.clock import SystemClock
from bot.settings import Settings
from data.errors import AnlinError

if TYPE_CHECKING:
    from data.work import Work

_out = Console()
staff = typer.Typer(help="Members of staff.", no_args_is_help=True)
token = typer.Typer(help="Tokens for the API.", no_args_is_help=True)


class Role(StrEnum):
    """What somebody may do (H14)."""

    officer = "officer"
    repairer = "repairer"
    lead = "lead"
    admin = "admin"


class StaffExists(AnlinError):
    """There is somebody with that sign-in name already."""

    code = "staff_exists"


def add_to(app: typer.Typer) -> None:
    """Register the groups."""
    app.add_typer(staff, name="staff")
    app.add_typer(token, name="token")


@staff.command(
    "add",
    help='A new member of staff; asks for the password.\n\nExample: anlin staff add officer-3 "王敏" --role officer',
)
def add_staff(
    name: Annotated[str, typer.Argument(help="Sign-in name")],
    full_name: Annotated[str, typer.Argument(help="As residents hear it")],
    role: Annotated[Role, typer.Option(help="What they may do")] = Role.officer,
    password: Annotated[
        str | None, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)
    ] = None,
) -> None:
    # Imported here, as in every command: `anlin --help` need not wait for the database's library.
    from sqlalchemy import select

    from data.models import Staff
    from data.staff import hash_password

    async def work(work: Work) -> None:
        if await work.session.scalar(select(Staff.id).where(Staff.id == name)):
            raise StaffExists(f"there is a {name} already; choose another sign-in name")
        work.session.add(
            Staff(
                id=name,
                community_id=work.community.id,
                name=full_name,
                role=role.value,
                password=hash_password(password or ""),
                skills=[],
            )
        )
        work.audit("staff.add", f"staff:{name}", role=role.value)
        _out.print(f"{name} may sign in as {role.value}")

    with_work(work)


@token.command(
    "add", help="A new API token; it is shown once.\n\nExample: anlin token add kiosk --role officer"
)
def add_token(
    name: Annotated[str, typer.Argument(help="What it is for")],
    role: Annotated[Role, typer.Option(help="What it may do")] = Role.officer,
) -> None:
    from data import tokens

    async def work(work: Work) -> None:
        secret = await tokens.create(work, name=name, role=role.value)
        _out.print("Keep it now, it is not shown again:")
        print(secret)  # noqa: T201  plain, so that it can be piped

    with_work(work)


def with_work(do: Callable[[Work], Awaitable[None]]) -> None:
    """Do something in the operator's name, in the installation's first community (made if there is none)."""
    from sqlalchemy import select

    from bot.keys import keyring_of
    from data.database import Database
    from data.models import Community
    from data.work import Work

    async def go() -> None:
        settings = Settings()
        url = settings.database_url.get_secret_value() if settings.database_url else None
        database = await Database.connect(url, settings.home, keyring_of(settings))
        try:
            await database.upgrade()
            async with database.transaction() as session:
                community = await session.scalar(select(Community).order_by(Community.id).limit(1))
                if community is None:
                    community = Community(
                        key="community", name="社区", zone=settings.tz, demo=False, settings={}
                    )
                    session.add(community)
                    await session.flush()
                await do(
                    Work(session=session, now=SystemClock().now(), community=community, actor="operator")
                )
        finally:
            await database.dispose()

    asyncio.run(go())
