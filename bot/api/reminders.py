"""Reminders over the API: list, look at, drop (F5)."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy import ColumnElement

from bot.api import shapes
from bot.api.access import OFFICE, Access, Caller, acting, known
from bot.api.again import Again
from bot.api.documents import errors
from bot.api.inputs import NOTHING, REF, Move, Name, Paging, paging
from bot.api.lists import listed, of_resident
from bot.api.views import View
from data import listing, reminders
from data.errors import NotFound
from data.models import Reminder
from flows import cases

State = Literal["active", "done", "cancelled"]


def build(access: Access) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/reminders", tags=["reminders"], route_class=Again)
    office = Depends(access.needs(*OFFICE))

    @router.get("", responses=errors(), summary="List reminders")
    async def every(
        caller: Caller = office,
        page: Paging = Depends(paging),
        state: State | None = Query(None),
        resident: Name | None = Query(None, description="Id, key, or demo sender name"),
    ) -> shapes.Listed[shapes.ReminderOut]:
        async with access.work(caller) as work:
            wanted: list[ColumnElement[bool]] = [Reminder.community_id == work.community.id]
            if state is not None:
                wanted.append(Reminder.state == state)
            wanted += await of_resident(work, Reminder.resident_id, resident)
            found = await listing.page(work, Reminder, *wanted, limit=page.limit, after=page.after)
            view = View(work=work, world=access.house.world)
            items = [view.reminder(row) for row in found.rows]
            return listed(items, found)

    @router.get("/{id}", responses=errors(), summary="Look at a reminder")
    async def one(ref: str = REF, caller: Caller = office) -> shapes.ReminderOut:
        async with access.work(caller) as work:
            found = await reminders.get(work, known(ref))
            if found is None:
                raise NotFound("no such reminder")
            return View(work=work, world=access.house.world).reminder(found)

    async def drop(body: Move = NOTHING, ref: str = REF, caller: Caller = office) -> shapes.ReminderOut:
        async with access.work(caller) as work:
            member = await acting(work, caller, body.as_)
            dropped = await cases.drop_reminder(work, access.house.world, known(ref), staff_id=member)
            return View(work=work, world=access.house.world).reminder(dropped)

    async def delete(ref: str = REF, caller: Caller = office) -> shapes.ReminderOut:
        return await drop(NOTHING, ref, caller)

    summary = "Drop a reminder; the resident is told"
    router.post("/{id}/cancel", responses=errors(), summary=summary)(drop)
    router.delete("/{id}", responses=errors(), summary=summary)(delete)
    return router
