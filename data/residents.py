"""Residents, their homes, contacts and consents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from data.crypto import blind_index
from data.models import Consent, Contact, Home, Resident
from data.work import Work

DEMO_SENDER = "demo:"
CONSENT_VERSION = "2026-11"
"""Version of the consent text in `flows/replies`; a changed text gets a new one."""
SERVICE = "service"
"""The purpose without which nobody can be served but in an emergency."""


def address_key(community_id: int, place: dict[str, Any] | None) -> str:
    """One spelling for a place, to be looked up by its blind index."""
    parts = place or {}
    fields = ("building", "unit", "room", "name")
    return f"place:{community_id}:" + "/".join(str(parts.get(field) or "") for field in fields)


async def by_sender(work: Work, sender: str) -> Resident | None:
    """The resident whom a channel's sender name stands for; in a demo, `demo:elder-3` (interfaces.md)."""
    if not (work.community.demo and sender.startswith(DEMO_SENDER)):
        return None
    return await work.session.scalar(
        select(Resident).where(
            Resident.community_id == work.community.id, Resident.key == sender.removeprefix(DEMO_SENDER)
        )
    )


async def by_reference(work: Work, reference: str) -> Resident | None:
    """A resident by id, by key, or by demo sender name."""
    if reference.startswith(DEMO_SENDER):
        return await by_sender(work, reference)
    condition = Resident.key == reference
    if reference.isascii() and reference.isdigit() and len(reference) < 19:
        condition = Resident.id == int(reference)
    return await work.session.scalar(
        select(Resident).where(Resident.community_id == work.community.id, condition)
    )


async def home_at(work: Work, *, building: str, unit: str | None, room: str | None) -> Home:
    """The home at that address, made when it is new."""
    address = {"building": building, "unit": unit, "room": room}
    index = blind_index(address_key(work.community.id, address))
    found = await work.session.scalar(
        select(Home).where(Home.community_id == work.community.id, Home.address_index == index)
    )
    if found is None:
        found = Home(community_id=work.community.id, address=address, address_index=index)
        work.session.add(found)
        await work.session.flush()
    return found


async def register(
    work: Work, *, name: str, home: Home | None, language: str, phone: str | None = None
) -> Resident:
    """Write down somebody new (F13)."""
    resident = Resident(
        community_id=work.community.id,
        name=name,
        home_id=home.id if home else None,
        language=language,
        phone=phone,
        phone_index=blind_index(f"phone:{phone}") if phone else None,
        preferences={},
        created_at=work.now,
    )
    work.session.add(resident)
    await work.session.flush()
    return resident


async def consent(work: Work, resident: Resident, *, purpose: str, version: str = CONSENT_VERSION) -> None:
    """Write down an agreement (P4)."""
    work.session.add(Consent(resident_id=resident.id, purpose=purpose, version=version, given_at=work.now))
    await work.session.flush()


async def agreed(work: Work, resident_id: int, *, purpose: str) -> str | None:
    """The version of the consent text a resident agreed to last and still does; None where they do not (P4)."""
    return await work.session.scalar(
        select(Consent.version)
        .where(Consent.resident_id == resident_id, Consent.purpose == purpose, Consent.withdrawn_at.is_(None))
        .order_by(Consent.given_at.desc(), Consent.id.desc())
        .limit(1)
    )


async def up_to_date(work: Work, resident_id: int) -> bool:
    """Whether a resident agreed to the newest consent text, or never was asked: staff wrote them down (F13)."""
    asked = await work.session.scalar(
        select(Consent.id).where(Consent.resident_id == resident_id, Consent.purpose == SERVICE).limit(1)
    )
    return asked is None or await agreed(work, resident_id, purpose=SERVICE) == CONSENT_VERSION


async def alarm_contacts(work: Work, resident_id: int, *, daily: bool = False) -> Sequence[Contact]:
    """The family contacts who may be told, in their order; only those the resident agreed to.

    `daily`: of missed check-ins and medicine, which fewer of them may hear of than of emergencies.
    """
    wanted = [Contact.resident_id == resident_id, Contact.consented_at.is_not(None)]
    if daily:
        wanted.append(Contact.told == "all")
    return (await work.session.scalars(select(Contact).where(*wanted).order_by(Contact.position))).all()


async def contacts(work: Work, resident_id: int) -> Sequence[Contact]:
    """Everybody a resident named, in their order, whether they may be told of alarms or not."""
    return (
        await work.session.scalars(
            select(Contact).where(Contact.resident_id == resident_id).order_by(Contact.position, Contact.id)
        )
    ).all()


def place_of(home: Home | None) -> dict[str, Any] | None:
    """A home as a request's or alarm's place: {building, unit, room, name}."""
    return {**home.address, "name": None} if home is not None else None
