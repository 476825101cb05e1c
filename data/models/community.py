"""A community and its homes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from data.crypto import EncryptedJSON, EncryptedText
from data.models.base import Base, Id, Key


class Community(Base):
    """One residential community; everything else belongs to exactly one (P10)."""

    __tablename__ = "community"

    id: Mapped[Id]
    key: Mapped[Key] = mapped_column(unique=True)  # short name used in addresses, e.g. MQTT topics
    name: Mapped[str] = mapped_column(String(120))
    zone: Mapped[str] = mapped_column(String(64), default="Asia/Shanghai")  # IANA time zone
    demo: Mapped[bool] = mapped_column(default=False)  # drills are allowed only on a demo
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Home(Base):
    """A flat: where somebody lives and where help has to go."""

    __tablename__ = "home"
    __table_args__ = (Index("ix_home_address", "community_id", "address_index", unique=True),)

    id: Mapped[Id]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    address: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)  # {building, unit, room}, digits as ASCII
    address_index: Mapped[bytes] = mapped_column(LargeBinary)  # blind index of the address
    access_note: Mapped[str | None] = mapped_column(EncryptedText)  # how to get in: keyholder, lock box, dog
