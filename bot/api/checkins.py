"""Check-ins over the API: list, look at (K4)."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy import ColumnElement

from bot.api import shapes
from bot.api.access import OFFICE, Access, Caller, known
from bot.api.again import Again
from bot.api.documents import errors
from bot.api.inputs import REF, Moment, Name, Paging, paging
from bot.api.lists import listed, of_resident
from bot.api.views import View
from data import checkins, listing
from data.errors import NotFound
from data.models import Checkin

State = Literal["due", "asked", "fine", "unwell", "help", "no_answer", "sign_of_life", "paused"]


def build(access: Access) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/checkins", tags=["checkins"], route_class=Again)
    office = Depends(access.needs(*OFFICE))

    @router.get("", responses=errors(), summary="List check-ins")
    async def every(
        caller: Caller = office,
        page: Paging = Depends(paging),
        state: State | None = Query(None),
        resident: Name | None = Query(None, description="Id, key, or demo sender name"),
        since: Moment | None = Query(None, description="Due at or after"),
        until: Moment | None = Query(None, description="Due before"),
    ) -> shapes.Listed[shapes.CheckinOut]:
        async with access.work(caller) as work:
            wanted: list[ColumnElement[bool]] = [Checkin.community_id == work.community.id]
            if state is not None:
                wanted.append(Checkin.state == state)
            if since is not None:
                wanted.append(Checkin.due_at >= since)
            if until is not None:
                wanted.append(Checkin.due_at < until)
            wanted += await of_resident(work, Checkin.resident_id, resident)
            found = await listing.page(work, Checkin, *wanted, limit=page.limit, after=page.after)
            view = View(work=work, world=access.house.world)
            items = [view.checkin(row) for row in found.rows]
            return listed(items, found)

    @router.get("/{id}", responses=errors(), summary="Look at a check-in")
    async def one(ref: str = REF, caller: Caller = office) -> shapes.CheckinOut:
        async with access.work(caller) as work:
            number = known(ref)
            found = await checkins.get(work, int(number)) if number.isdigit() and len(number) < 19 else None
            if found is None:
                raise NotFound("no such check-in")
            return View(work=work, world=access.house.world).checkin(found)

    return router
