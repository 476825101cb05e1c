"""Corrections of a resident's facts, by staff (H15) or by themselves (F14), each written to the audit without the facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, update

from data.crypto import blind_index
from data.models import Contact, Conversation, Home, Resident
from data.work import Work

FIELDS = ("name", "phone", "language", "lives_alone", "high_risk")


async def correct(work: Work, resident: Resident, changes: Mapping[str, Any]) -> None:
    """Set the given fields (see FIELDS; phone in E.164 or None). Their conversations follow a new language.

    Raises ValueError for a field that cannot be corrected here.
    """
    unknown = set(changes) - set(FIELDS)
    if unknown:
        raise ValueError(f"not to be corrected here: {', '.join(sorted(unknown))}")
    if "language" in changes:
        await work.session.execute(
            update(Conversation)
            .where(Conversation.resident_id == resident.id)
            .values(language=changes["language"])
        )
    for name, value in changes.items():
        setattr(resident, name, value)
    if "phone" in changes:
        phone = changes["phone"]
        resident.phone_index = blind_index(f"phone:{phone}") if phone else None
    if changes:
        work.audit("resident.edit", f"resident:{resident.id}", fields=sorted(changes))
    await work.session.flush()


async def by_phone(work: Work, phone: str) -> list[int]:
    """The ids of the residents with that number (E.164)."""
    found = await work.session.scalars(
        select(Resident.id).where(
            Resident.community_id == work.community.id, Resident.phone_index == blind_index(f"phone:{phone}")
        )
    )
    return list(found.all())


TOLD = ("all", "alarms", "nothing")
"""What a contact may hear of: emergencies and everyday things, emergencies, or nothing unless they are rung."""


async def prefer(work: Work, resident: Resident, changes: Mapping[str, Any]) -> None:
    """Set preferences (type_size px, speech_rate characters a second, loudness); None takes one back to the default."""
    kept = {**resident.preferences, **changes}
    resident.preferences = {name: value for name, value in kept.items() if value is not None}
    work.audit("resident.edit", f"resident:{resident.id}", fields=sorted(changes))
    await work.session.flush()


async def move_home(work: Work, resident: Resident, home: Home) -> None:
    """They live somewhere else now."""
    resident.home_id = home.id
    work.audit("resident.edit", f"resident:{resident.id}", fields=["home"])
    await work.session.flush()
    await work.emit("resident", f"resident:{resident.id}", what="moved")


async def put_contact(
    work: Work, resident: Resident, *, name: str, relation: str, phone: str | None, told: str
) -> Contact:
    """Write down somebody to tell, or correct who has that name already; `told` is one of TOLD.

    Raises ValueError for another.
    """
    if told not in TOLD:
        raise ValueError(f"nobody can be told {told!r}")
    known = await work.session.scalars(
        select(Contact).where(Contact.resident_id == resident.id).with_for_update()
    )
    contact = next((one for one in known.all() if one.name == name), None)
    if contact is None:
        last = await work.session.scalar(
            select(func.max(Contact.position)).where(Contact.resident_id == resident.id)
        )
        contact = Contact(resident_id=resident.id, name=name, position=0 if last is None else last + 1)
        work.session.add(contact)
    contact.relation, contact.phone = relation, phone or contact.phone
    contact.consented_at = None if told == "nothing" else contact.consented_at or work.now
    contact.told = "all" if told == "nothing" else told
    await work.session.flush()
    work.audit("contact.edit", f"resident:{resident.id}", contact=contact.id, told=told)
    return contact


async def drop_contact(work: Work, contact: Contact) -> None:
    """Strike somebody off a resident's list."""
    work.audit("contact.remove", f"resident:{contact.resident_id}", contact=contact.id)
    await work.session.delete(contact)
    await work.session.flush()
