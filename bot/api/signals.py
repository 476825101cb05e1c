"""Devices over the API: their reports, and the devices themselves (E9)."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Query, Response
from pydantic import ConfigDict, Field
from sqlalchemy import ColumnElement

from bot import signals
from bot.api import shapes
from bot.api.access import OFFICE, Access, Caller
from bot.api.again import Again
from bot.api.documents import errors
from bot.api.inputs import REF, Body, Name, Paging, paging
from bot.api.lists import listed
from bot.api.residents import find as find_resident
from bot.api.views import View
from data import devices, listing
from data.errors import NotFound
from data.models import Device


class Registration(Body):
    """Whose device it is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"resident": "elder-1", "heartbeat_seconds": 3600}]}
    )

    resident: Name | None = Field(None, description="Id, key, or demo sender name; null: nobody's")
    heartbeat_seconds: int | None = Field(
        None, ge=10, le=30 * 86400, description="Silent for longer: an alarm of its own; null: never"
    )


def build(access: Access) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["signals"], route_class=Again)
    office = Depends(access.needs(*OFFICE))
    anyone = Depends(access.needs("officer", "repairer", "lead", "admin", "device"))

    @router.post(
        "/signals",
        status_code=201,
        responses={**errors(429), 200: {"model": shapes.SignalOut, "description": "Heard before"}},
        summary="A device reports",
    )
    async def report(body: signals.Report, response: Response, caller: Caller = anyone) -> shapes.SignalOut:
        async with access.work(caller) as work:
            house = access.house
            done = await signals.take(work, house.world, house.turns.engine, body, via="http")
            view = View(work=work, world=house.world)
            response.status_code = 201 if done.new else 200
            return shapes.SignalOut(
                id=done.signal.id,
                device=done.device.key,
                registered=done.device.registered_at is not None,
                type=done.signal.type,
                at=view.at(done.signal.at),
                received_at=view.at(done.signal.received_at),
                duplicate=not done.new,
                resident=done.resident.id if done.resident is not None else None,
                resident_unknown=bool((body.resident or "").strip()) and not done.named,
                alarm=done.alarm.number if done.alarm is not None else None,
            )

    @router.get("/devices", responses=errors(), summary="List devices")
    async def every(
        caller: Caller = office,
        page: Paging = Depends(paging),
        registered: bool | None = Query(None, description="false: those that staff still have to register"),
    ) -> shapes.Listed[shapes.DeviceOut]:
        async with access.work(caller) as work:
            wanted: list[ColumnElement[bool]] = [Device.community_id == work.community.id]
            if registered is not None:
                missing = Device.registered_at.is_(None)
                wanted.append(~missing if registered else missing)
            found = await listing.page(work, Device, *wanted, limit=page.limit, after=page.after)
            view = View(work=work, world=access.house.world)
            items = [view.device(row) for row in found.rows]
            return listed(items, found)

    @router.put("/devices/{id}", responses=errors(), summary="Register a device")
    async def register(body: Registration, ref: str = REF, caller: Caller = office) -> shapes.DeviceOut:
        async with access.work(caller) as work:
            key = await devices.key_of(work, ref)
            device = await devices.get(work, key, lock=True) if key is not None else None
            if device is None:
                raise NotFound("no such device has reported")
            owner = await find_resident(work, body.resident) if body.resident is not None else None
            await devices.register(work, device, resident=owner, heartbeat_seconds=body.heartbeat_seconds)
            return View(work=work, world=access.house.world).device(device)

    return router
