"""Staff: signing in and staying signed in. Passwords as argon2, lock-out, sessions kept on the server (P5)."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import delete, select

from data.errors import AnlinError
from data.models import Staff, StaffSession
from data.work import Work

TRIES = 5
LOCKED = timedelta(minutes=15)
SESSION = timedelta(hours=12)
_hasher = PasswordHasher()


class SignInFailed(AnlinError):
    """Name and password do not belong together, or the account is not active."""

    code = "sign_in_failed"


class SignInLocked(AnlinError):
    """Too many wrong passwords; signing in is possible again later."""

    code = "sign_in_locked"


@cache
def _nobody() -> str:
    """What an unknown name's password is compared with, so that it takes as long as a known one's."""
    return _hasher.hash(secrets.token_urlsafe(16))


def hash_password(password: str) -> str:
    """The argon2id hash of a password; takes some 50 ms, so call it in a thread."""
    return _hasher.hash(password)


async def sign_in(work: Work, *, staff_id: str, password: str) -> str:
    """Check a password and open a session; returns its secret, of which only a hash is kept.

    Raises SignInFailed or SignInLocked; commit in either case, since failures count. An unknown name takes as long
    as a wrong password.
    """
    found = await work.session.scalar(select(Staff).where(Staff.id == staff_id).with_for_update())
    if found is not None and found.locked_until is not None and found.locked_until > work.now:
        raise SignInLocked(f"{staff_id} is locked", until=found.locked_until.isoformat())
    if not _fits(found.password if found and found.password else _nobody(), password) or not (
        found and found.active
    ):
        if found is not None:
            found.failed_sign_ins += 1
            if found.failed_sign_ins >= TRIES:
                found.locked_until = work.now + LOCKED
                found.failed_sign_ins = 0
            await work.session.flush()
        raise SignInFailed("wrong name or password")
    found.failed_sign_ins, found.locked_until = 0, None
    secret = secrets.token_urlsafe(32)
    work.session.add(
        StaffSession(
            staff_id=found.id,
            secret_hash=_hash(secret),
            created_at=work.now,
            seen_at=work.now,
            ends_at=work.now + SESSION,
        )
    )
    work.acting_as(f"staff:{found.id}").audit("staff.sign_in", f"staff:{found.id}")
    await work.session.flush()
    return secret


async def signed_in(work: Work, secret: str) -> Staff | None:
    """Whose session this secret is, or None when it ended."""
    row = (
        await work.session.execute(
            select(StaffSession, Staff)
            .join(Staff, Staff.id == StaffSession.staff_id)
            .where(StaffSession.secret_hash == _hash(secret), StaffSession.ends_at > work.now, Staff.active)
        )
    ).one_or_none()
    if row is None:
        return None
    session, member = row
    session.seen_at = work.now
    member.seen_at = work.now
    found: Staff = member
    return found


async def sign_out(work: Work, secret: str) -> None:
    """End a session."""
    await work.session.execute(delete(StaffSession).where(StaffSession.secret_hash == _hash(secret)))


def _fits(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
