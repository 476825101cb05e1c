"""Alarms over the API: list, look at, acknowledge, on the way, on site, resolve (E5–E7)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy import ColumnElement

from bot.api import shapes
from bot.api.access import EVERYBODY, Access, Caller, Forbidden, acting, known
from bot.api.again import Again
from bot.api.documents import errors
from bot.api.inputs import NOTHING, REF, Move, Name, Paging, Resolve, paging
from bot.api.lists import equal, listed, of_resident
from bot.api.views import View
from data import alarms, listing
from data.models import Alarm
from data.work import Work
from flows import alarm_staff
from flows.alarm_staff import AlarmNotFound

State = Literal["raised", "acknowledged", "on_way", "on_site", "resolved"]
MOVES = {
    "acknowledge": (alarm_staff.acknowledge, "A human has it: the ladder stops"),
    "on-way": (alarm_staff.on_way, "Somebody has set out"),
    "on-site": (alarm_staff.on_site, "Somebody is there"),
}


async def find(work: Work, reference: str) -> Alarm:
    """An alarm by id or number; raises AlarmNotFound."""
    found = await alarms.get(work, known(reference))
    if found is None:
        raise AlarmNotFound("no such alarm")
    return found


def build(access: Access) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/alarms", tags=["alarms"], route_class=Again)
    staff = Depends(access.needs(*EVERYBODY))

    @router.get("", responses=errors(), summary="List alarms")
    async def every(
        caller: Caller = staff,
        page: Paging = Depends(paging),
        state: State | None = Query(None),
        kind: Name | None = Query(None, description="medical, fall, fire, gas …"),
        level: int | None = Query(None, ge=1, le=5),
        resident: Name | None = Query(None, description="Id, key, or demo sender name"),
    ) -> shapes.Listed[shapes.AlarmOut]:
        async with access.work(caller) as work:
            filters = {Alarm.state: state, Alarm.kind: kind, Alarm.level: level}
            wanted: list[ColumnElement[bool]] = [Alarm.community_id == work.community.id]
            wanted += equal(filters)
            wanted += await of_resident(work, Alarm.resident_id, resident)
            found = await listing.page(work, Alarm, *wanted, limit=page.limit, after=page.after)
            items = await View(work=work, world=access.house.world).alarms(found.rows)
            return listed(items, found)

    @router.get("/{id}", responses=errors(), summary="Look at an alarm, with its timeline")
    async def one(ref: str = REF, caller: Caller = staff) -> shapes.AlarmOut:
        async with access.work(caller) as work:
            return (await View(work=work, world=access.house.world).alarms([await find(work, ref)]))[0]

    @router.get("/{id}/dossier", responses=errors(), summary="What helpers need to know (audited)")
    async def dossier(ref: str = REF, caller: Caller = staff) -> shapes.DossierOut | None:
        async with access.work(caller) as work:
            found = await find(work, ref)
            if caller.role == "repairer" and found.staff_id != caller.staff_id:
                raise Forbidden("only who acknowledged the alarm sees this")
            looked = await alarm_staff.dossier(work, found)
            return None if looked is None else View(work=work, world=access.house.world).dossier(looked)

    def mover(name: str) -> Callable[..., Awaitable[shapes.AcknowledgedOut]]:
        make, _ = MOVES[name]

        async def move(
            body: Move = NOTHING, ref: str = REF, caller: Caller = staff
        ) -> shapes.AcknowledgedOut:
            async with access.work(caller) as work:
                seen = await find(work, ref)
                member = await acting(work, caller, body.as_, owner=seen.staff_id)
                mine = work.acting_as(f"staff:{member}")
                house = access.house
                moved = await make(mine, house.world, house.turns.engine, str(seen.id), member, body.note)
                looked = await alarm_staff.dossier(mine, moved)
                return await View(work=work, world=house.world).acknowledged(moved, looked)

        return move

    for path, (_, summary) in MOVES.items():
        router.post(
            f"/{{id}}/{path}",
            responses=errors(409),
            summary=summary,
            operation_id=f"alarm_{path.replace('-', '_')}",
        )(mover(path))

    @router.post("/{id}/resolve", responses=errors(409), summary="It is over: code and note are needed")
    async def resolve(body: Resolve, ref: str = REF, caller: Caller = staff) -> shapes.AlarmOut:
        async with access.work(caller) as work:
            seen = await find(work, ref)
            member = await acting(work, caller, body.as_, owner=seen.staff_id)
            house = access.house
            moved = await alarm_staff.resolve(
                work.acting_as(f"staff:{member}"),
                house.world,
                house.turns.engine,
                str(seen.id),
                member,
                code=body.code,
                note=body.note,
            )
            return (await View(work=work, world=house.world).alarms([moved]))[0]

    return router
