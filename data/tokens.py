"""Tokens with which other systems use the API: made once and shown once, kept only as a hash, taken back at any time."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from data.errors import AnlinError, NotFound
from data.models import ApiToken, Staff
from data.work import Work

ROLES = ("officer", "repairer", "lead", "admin", "device")
"""What a token may do: the roles of staff (H14), and `device`, which may report signals and nothing else."""

_PREFIX = "anlin_"  # so that a leaked token is recognised by those who look for such things


class RoleUnknown(AnlinError):
    """There is no such role."""

    code = "role_unknown"


async def create(work: Work, *, name: str, role: str, staff_id: str | None = None) -> str:
    """Make a token and return its secret, the only time it can be seen.

    `staff_id`: the member of staff it acts as. Raises RoleUnknown, NotFound (no such member of staff).
    """
    if role not in ROLES:
        raise RoleUnknown(f"no role {role!r}; one of {', '.join(ROLES)}", roles=list(ROLES))
    if staff_id is not None:
        member = await work.session.get(Staff, staff_id)
        if member is None or member.community_id != work.community.id:
            raise NotFound(f"no staff {staff_id!r} here", staff=staff_id)
    secret = _PREFIX + secrets.token_urlsafe(32)
    work.session.add(
        ApiToken(
            community_id=work.community.id,
            name=name,
            role=role,
            staff_id=staff_id,
            token_hash=digest(secret),
            created_at=work.now,
        )
    )
    work.audit("token.create", f"token:{name}", role=role)
    await work.session.flush()
    return secret


async def revoke(work: Work, name: str) -> int:
    """Take back every token of that name in this community; returns how many there were."""
    found = (
        await work.session.scalars(
            select(ApiToken).where(
                ApiToken.community_id == work.community.id,
                ApiToken.name == name,
                ApiToken.revoked_at.is_(None),
            )
        )
    ).all()
    for token in found:
        token.revoked_at = work.now
    work.audit("token.revoke", f"token:{name}", count=len(found))
    await work.session.flush()
    return len(found)


async def every(work: Work) -> Sequence[ApiToken]:
    """The community's tokens that are not taken back, the newest first."""
    return (
        await work.session.scalars(
            select(ApiToken)
            .where(ApiToken.community_id == work.community.id, ApiToken.revoked_at.is_(None))
            .order_by(ApiToken.id.desc())
        )
    ).all()


def digest(secret: str) -> bytes:
    """What is kept of a secret; it is long and random, so a plain hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


async def verify(session: AsyncSession, secret: str) -> ApiToken | None:
    """The token of a secret, in whichever community; None when there is none or it was taken back.

    The secret itself is not compared: an unknown hash is simply not found.
    """
    return await session.scalar(
        select(ApiToken).where(ApiToken.token_hash == digest(secret), ApiToken.revoked_at.is_(None))
    )
