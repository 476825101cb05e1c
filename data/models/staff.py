"""Staff, their duty, and how they and other systems sign in."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from data.crypto import EncryptedText
from data.models.base import Base, Id, Key, Moment


class Staff(Base):
    """A member of staff. `id` is the name they sign in with, e.g. officer-1."""

    __tablename__ = "staff"

    id: Mapped[str] = mapped_column(String(48), primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), index=True)
    name: Mapped[str] = mapped_column(EncryptedText)
    role: Mapped[str] = mapped_column(String(10))  # officer | repairer | lead | admin (H14)
    password: Mapped[str | None] = mapped_column(String(200))  # argon2 hash
    phone: Mapped[str | None] = mapped_column(EncryptedText)
    notify_url: Mapped[str | None] = mapped_column(EncryptedText)  # an Apprise address
    telegram: Mapped[str | None] = mapped_column(EncryptedText)  # chat id of the staff chat (H10)
    skills: Mapped[list[str]] = mapped_column(default=list)
    active: Mapped[bool] = mapped_column(default=True)
    failed_sign_ins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[Moment | None]
    seen_at: Mapped[Moment | None]  # presence at the desk


class Shift(Base):
    """One stretch of duty (H9)."""

    __tablename__ = "shift"

    id: Mapped[Id]
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"), index=True)
    starts_at: Mapped[Moment] = mapped_column(index=True)
    ends_at: Mapped[Moment]


class StaffSession(Base):
    """A signed-in browser; only a hash of its secret is kept."""

    __tablename__ = "staff_session"

    id: Mapped[Id]
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"), index=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[Moment]
    seen_at: Mapped[Moment]
    ends_at: Mapped[Moment]


class ApiToken(Base):
    """A token for the API; only its hash is kept."""

    __tablename__ = "api_token"

    id: Mapped[Id]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    name: Mapped[Key]
    role: Mapped[str] = mapped_column(String(10))
    staff_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[Moment]
    revoked_at: Mapped[Moment | None]


class Audit(Base):
    """Who saw and did what; only ever added to (P6)."""

    __tablename__ = "audit"

    id: Mapped[Id]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), index=True)
    at: Mapped[Moment]
    actor: Mapped[Key]  # staff:<id>, token:<name>, bot
    action: Mapped[Key]  # e.g. alarm.acknowledge, resident.reveal
    subject: Mapped[str] = mapped_column(String(64))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)  # no personal data
