"""Corrections of a resident's facts by staff (H15), each written to the audit without the facts themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update

from data.crypto import blind_index
from data.models import Conversation, Resident
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
