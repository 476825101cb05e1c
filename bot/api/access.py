"""Who may use the API for what: bearer tokens, roles, and in whose name a move is made (H14, H16)."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from fastapi import Header, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import case, select

from bot.communities import CommunityUnknown
from bot.house import House
from data import tokens
from data.errors import AnlinError, NotFound
from data.models import Community, Staff
from data.work import Work
from flows.handoff import member_of_staff

Role = Literal["officer", "repairer", "lead", "admin", "device"]
EVERYBODY: tuple[Role, ...] = ("officer", "repairer", "lead", "admin")
OFFICE: tuple[Role, ...] = ("officer", "lead", "admin")
LEADS: tuple[Role, ...] = ("lead", "admin")

_bearer = HTTPBearer(
    auto_error=False, description="A token of `anlin token add`, or the one in ANLIN_ADMIN_TOKEN."
)


class Unauthorized(AnlinError):
    """The request carries no token, or one that is not valid (any more)."""

    code = "unauthorized"


class Forbidden(AnlinError):
    """The token's role may not do this, or not in this community."""

    code = "forbidden"


class StaffNeeded(AnlinError):
    """This is done in the name of a member of staff, and the token stands for none: name one with `as`."""

    code = "staff_needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever holds the token."""

    role: str
    actor: str  # as in the audit: token:<name>
    staff_id: str | None = None  # the member of staff the token stands for
    community_id: int | None = None  # its community; None: see `community`
    community: str | None = None  # key of the community asked for; None: the installation's first


class Access:
    """The door of the API."""

    def __init__(self, house: House) -> None:
        self.house = house

    def needs(self, *roles: Role) -> Callable[..., Awaitable[Caller]]:
        """A dependency: the caller, if its role is one of these. Raises Unauthorized, Forbidden."""

        async def caller(
            credentials: HTTPAuthorizationCredentials | None = Security(_bearer),
            community: str | None = Header(
                None,
                alias="Anlin-Community",
                pattern=r"^[A-Za-z0-9_-]{1,64}$",
                description="Key of the community, where the installation has several; only the administrator's "
                "token may choose.",
            ),
        ) -> Caller:
            found = await self._who(credentials.credentials if credentials else "", community)
            if found.role not in roles:
                raise Forbidden(f"this needs one of the roles {', '.join(roles)}", roles=list(roles))
            return found

        return caller

    @asynccontextmanager
    async def work(self, caller: Caller) -> AsyncIterator[Work]:
        """One transaction in the caller's name, in the caller's community: committed at the end."""
        async with self.house.database.transaction() as session:
            found = select(Community).order_by(Community.id).limit(1)
            if caller.community_id is not None:
                found = select(Community).where(Community.id == caller.community_id)
            elif caller.community is not None:
                found = select(Community).where(Community.key == caller.community)
            community = await session.scalar(found)
            if community is None:
                raise CommunityUnknown("no such community; start with --demo or import one")
            yield Work(session=session, now=self.house.clock.now(), community=community, actor=caller.actor)
        self.house.outbox.wake()

    async def _who(self, secret: str, community: str | None) -> Caller:
        own = self.house.settings.admin_token
        if own is not None and secret and hmac.compare_digest(_bytes(own.get_secret_value()), _bytes(secret)):
            return Caller(role="admin", actor="token:admin", community=community)
        async with self.house.database.transaction() as session:
            token = await tokens.verify(session, secret) if secret else None
            if token is None:
                raise Unauthorized("a valid token is needed: Authorization: Bearer …")
            if community is not None:
                home = await session.get(Community, token.community_id)
                if home is None or home.key != community:
                    raise Forbidden("this token belongs to another community")
        return Caller(
            role=token.role,
            actor=f"token:{token.name}"[:64],
            staff_id=token.staff_id,
            community_id=token.community_id,
        )


async def acting(work: Work, caller: Caller, wanted: str | None, *, owner: str | None = None) -> str:
    """The member of staff in whose name something is done.

    `wanted` is the `as` of the body: an administrator may name anybody, a token that stands for nobody may name somebody
    of its own role. Without it: the token's own staff; for an administrator the case's present `owner`, else the first
    administrator. Raises Forbidden, StaffUnknown, StaffNeeded.
    """
    if wanted is not None and wanted != caller.staff_id:
        member = await member_of_staff(work, wanted)
        free = caller.staff_id is None and member.role == caller.role
        if caller.role != "admin" and not free:
            raise Forbidden(f"this token may not act as {wanted}", staff=wanted)
        return wanted
    if caller.staff_id is not None:
        return (await member_of_staff(work, caller.staff_id)).id
    if caller.role == "admin":
        if owner is not None:
            return owner
        first = await _first_in_charge(work)
        if first is not None:
            return first
    raise StaffNeeded("name the member of staff with `as`")


def known(reference: str) -> str:
    """An id or number from a path, if it can be one at all; raises NotFound."""
    if not (0 < len(reference) <= 64 and reference.isascii() and reference.isprintable()):
        raise NotFound("no such id or number")
    return reference


async def _first_in_charge(work: Work) -> str | None:
    order = case((Staff.role == "admin", 0), else_=1)
    found: str | None = await work.session.scalar(
        select(Staff.id)
        .where(Staff.community_id == work.community.id, Staff.active, Staff.role.in_(LEADS))
        .order_by(order, Staff.id)
        .limit(1)
    )
    return found


def _bytes(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogatepass")
