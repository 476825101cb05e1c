"""Residents, the people to tell when something happens to them, and what they agreed to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data.crypto import EncryptedJSON, EncryptedText
from data.models.base import Base, Id, Key, Moment
from data.models.community import Home


class Resident(Base):
    """A person who lives in the community."""

    __tablename__ = "resident"
    __table_args__ = (Index("ix_resident_phone", "community_id", "phone_index"),)

    id: Mapped[Id]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), index=True)
    key: Mapped[Key | None] = mapped_column(unique=True)  # name in imports and in the demo, e.g. `elder-1`
    home_id: Mapped[int | None] = mapped_column(ForeignKey("home.id"), index=True)
    name: Mapped[str | None] = mapped_column(EncryptedText)
    phone: Mapped[str | None] = mapped_column(EncryptedText)  # E.164
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    birth_year: Mapped[str | None] = mapped_column(EncryptedText)
    health: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJSON)  # {conditions: […], medicines: […]}
    language: Mapped[str] = mapped_column(String(2), default="zh")
    preferences: Mapped[dict[str, Any]] = mapped_column(
        default=dict
    )  # type_size px, speech_rate chars/s, loudness
    lives_alone: Mapped[bool] = mapped_column(default=False)
    high_risk: Mapped[bool] = mapped_column(
        default=False
    )  # 80+ alone or life-threatening illness: weekly visits
    created_at: Mapped[Moment]
    erased_at: Mapped[Moment | None]

    home: Mapped[Home | None] = relationship(lazy="raise")
    contacts: Mapped[list[Contact]] = relationship(
        back_populates="resident", order_by="Contact.position", lazy="raise"
    )
    consents: Mapped[list[Consent]] = relationship(lazy="raise")


class Contact(Base):
    """Somebody to tell: family, neighbour, doctor; in the order of `position`."""

    __tablename__ = "contact"

    id: Mapped[Id]
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    name: Mapped[str] = mapped_column(EncryptedText)
    relation: Mapped[str] = mapped_column(String(40))  # daughter, son, neighbour …
    phone: Mapped[str | None] = mapped_column(EncryptedText)  # E.164
    notify_url: Mapped[str | None] = mapped_column(EncryptedText)  # an Apprise address
    position: Mapped[int] = mapped_column(default=0)
    consented_at: Mapped[Moment | None]  # the resident agreed that this person is told
    told: Mapped[str] = mapped_column(
        String(8), default="all"
    )  # of what: alarms, or all: also missed check-ins and medicine

    resident: Mapped[Resident] = relationship(back_populates="contacts", lazy="raise")


class Consent(Base):
    """One agreement: to which purpose, in which version of the text, when, and when it was withdrawn (P4)."""

    __tablename__ = "consent"

    id: Mapped[Id]
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    purpose: Mapped[Key]  # service, family, health
    version: Mapped[str] = mapped_column(String(20))
    given_at: Mapped[Moment]
    withdrawn_at: Mapped[Moment | None]
