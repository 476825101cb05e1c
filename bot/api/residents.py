"""Residents over the API: list, look at, correct; and the dossier, each look of which is written down (H15, E7)."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field, StringConstraints
from sqlalchemy import ColumnElement

from bot.api import shapes
from bot.api.access import OFFICE, Access, Caller, known
from bot.api.again import Again
from bot.api.documents import errors
from bot.api.inputs import REF, Body, Name, Paging, Words, paging
from bot.api.lists import listed
from bot.api.views import View, place
from data import conversations, listing, resident_edits, residents
from data.crypto import blind_index
from data.errors import NotFound
from data.models import Home, Resident
from data.residents import address_key, place_of
from data.work import Work

Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
_Number = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,5}$")]


class Correction(Body):
    """What may be corrected; what is left out stays."""

    name: Annotated[Words, StringConstraints(max_length=80)] | None = None
    phone: Phone | None = Field(None, description="E.164; null takes it away")
    language: Literal["zh", "en"] | None = None
    lives_alone: bool | None = None
    high_risk: bool | None = Field(None, description="80 or older and alone, or a life-threatening illness")


async def find(work: Work, reference: str) -> Resident:
    """A resident by id, key, or demo sender name; raises NotFound."""
    found = await residents.by_reference(work, known(reference))
    if found is None or found.erased_at is not None:
        raise NotFound("no such resident")
    return found


def build(access: Access) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/residents", tags=["residents"], route_class=Again)
    office = Depends(access.needs(*OFFICE))

    @router.get("", responses=errors(), summary="List residents")
    async def every(
        caller: Caller = office,
        page: Paging = Depends(paging),
        key: Name | None = Query(None, description="Name in imports and in the demo, e.g. elder-1"),
        phone: Phone | None = Query(None, description="E.164"),
        building: _Number | None = Query(None, description="With unit and room: who lives there"),
        unit: _Number | None = Query(None),
        room: _Number | None = Query(None),
    ) -> shapes.Listed[shapes.ResidentOut]:
        async with access.work(caller) as work:
            wanted: list[ColumnElement[bool]] = [
                Resident.community_id == work.community.id,
                Resident.erased_at.is_(None),
            ]
            if key is not None:
                wanted.append(Resident.key == key)
            if phone is not None:
                wanted.append(Resident.id.in_(await resident_edits.by_phone(work, phone)))
            if building is not None:
                address = {"building": building, "unit": unit, "room": room}
                index = blind_index(address_key(work.community.id, address))
                wanted.append(Resident.home.has(Home.address_index == index))
            found = await listing.page(work, Resident, *wanted, limit=page.limit, after=page.after)
            items = await View(work=work, world=access.house.world).residents(found.rows)
            return listed(items, found)

    @router.get("/{id}", responses=errors(), summary="Look at a resident")
    async def one(ref: str = REF, caller: Caller = office) -> shapes.ResidentOut:
        async with access.work(caller) as work:
            found = await find(work, ref)
            work.audit("resident.view", f"resident:{found.id}")
            return (await View(work=work, world=access.house.world).residents([found]))[0]

    @router.patch("/{id}", responses=errors(), summary="Correct a resident's facts")
    async def correct(body: Correction, ref: str = REF, caller: Caller = office) -> shapes.ResidentOut:
        async with access.work(caller) as work:
            found = await find(work, ref)
            given = body.model_dump(exclude_unset=True)
            changes = {name: value for name, value in given.items() if value is not None or name == "phone"}
            await resident_edits.correct(work, found, changes)
            return (await View(work=work, world=access.house.world).residents([found]))[0]

    @router.get("/{id}/dossier", responses=errors(), summary="What helpers need to know (audited)")
    async def dossier(ref: str = REF, caller: Caller = office) -> shapes.DossierOut:
        async with access.work(caller) as work:
            found = await find(work, ref)
            _, home = await conversations.with_home(work, found.id)
            contacts = await residents.alarm_contacts(work, found.id)
            health = found.health or {}
            work.audit("resident.reveal", f"resident:{found.id}")
            return shapes.DossierOut(
                resident=found.id,
                name=found.name,
                phone=found.phone,
                birth_year=found.birth_year,
                lives_alone=found.lives_alone,
                high_risk=found.high_risk,
                home=place(place_of(home)),
                access_note=home.access_note if home is not None else None,
                conditions=list(health.get("conditions", ())),
                medicines=list(health.get("medicines", ())),
                contacts=[
                    shapes.ReachableOut(name=one.name, relation=one.relation, phone=one.phone)
                    for one in contacts
                ],
            )

    return router
