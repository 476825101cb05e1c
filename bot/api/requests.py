"""Repairs, bookings, complaints, suggestions, visits, offers of help and hours given over the API: list, look at, move (H7, H8)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy import ColumnElement

from bot.api import shapes
from bot.api.access import EVERYBODY, Access, Caller, acting, known
from bot.api.again import Again
from bot.api.documents import errors
from bot.api.inputs import NOTHING, REF, Move, Name, Paging, paging
from bot.api.lists import equal, listed, of_resident
from bot.api.views import View
from data import listing, requests
from data.errors import NotFound
from data.models import Request
from data.work import Work
from flows import cases

Kind = Literal["repair", "booking", "complaint", "suggestion", "visit", "volunteer", "hours"]
State = Literal[
    "open", "accepted", "on_site", "done", "closed", "booked", "answered", "cancelled", "reopened"
]
FIELD_WORK = ("repair", "visit")
"""What a repairer sees (H14)."""

MOVES = {
    "accept": ("accept", "Somebody takes it"),
    "on-site": ("on_site", "Somebody is there"),
    "done": (
        "done",
        "It is done; for a complaint or suggestion the note is the answer; hours are confirmed and credited",
    ),
    "close": ("close", "It is closed"),
    "reopen": ("reopen", "It is taken up again; its clocks start anew"),
    "cancel": ("cancel", "It is called off; the note tells the resident why"),
}


async def find(work: Work, caller: Caller, reference: str) -> Request:
    """A case by id or number that this caller may see; raises NotFound."""
    found = await requests.get(work, known(reference))
    if found is None or (caller.role == "repairer" and found.kind not in FIELD_WORK):
        raise NotFound("no such request")
    if not requests.may_see(found, caller.role, caller.staff_id):
        raise NotFound("no such request")
    return found


def build(access: Access) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/requests", tags=["requests"], route_class=Again)
    staff = Depends(access.needs(*EVERYBODY))

    @router.get("", responses=errors(), summary="List cases")
    async def every(
        caller: Caller = staff,
        page: Paging = Depends(paging),
        kind: Kind | None = Query(None),
        state: State | None = Query(None),
        resident: Name | None = Query(None, description="Id, key, or demo sender name"),
        service: Name | None = Query(None, description="Key of a service"),
        fault: Name | None = Query(None, description="Key of a fault"),
        staff_id: Name | None = Query(None, alias="staff", description="Who has it"),
    ) -> shapes.Listed[shapes.RequestOut]:
        async with access.work(caller) as work:
            wanted: list[ColumnElement[bool]] = [Request.community_id == work.community.id]
            wanted.append(requests.for_eyes_of(caller.role, caller.staff_id))
            if caller.role == "repairer":
                wanted.append(Request.kind.in_(FIELD_WORK))
            filters = {
                Request.kind: kind,
                Request.state: state,
                Request.service: service,
                Request.fault: fault,
                Request.staff_id: staff_id,
            }
            wanted += equal(filters)
            wanted += await of_resident(work, Request.resident_id, resident)
            found = await listing.page(work, Request, *wanted, limit=page.limit, after=page.after)
            items = await View(work=work, world=access.house.world).requests(found.rows)
            return listed(items, found)

    @router.get("/{id}", responses=errors(), summary="Look at a case, with its history")
    async def one(ref: str = REF, caller: Caller = staff) -> shapes.RequestFull:
        async with access.work(caller) as work:
            found = await find(work, caller, ref)
            return await View(work=work, world=access.house.world).request(found)

    def mover(name: str) -> Callable[..., Awaitable[shapes.RequestFull]]:
        async def move(body: Move = NOTHING, ref: str = REF, caller: Caller = staff) -> shapes.RequestFull:
            async with access.work(caller) as work:
                seen = await find(work, caller, ref)
                member = await acting(work, caller, body.as_, owner=seen.staff_id)
                moved = await cases.move(
                    work, access.house.world, str(seen.id), name, staff_id=member, note=body.note
                )
                return await View(work=work, world=access.house.world).request(moved)

        return move

    for path, (name, summary) in MOVES.items():
        router.post(
            f"/{{id}}/{path}", responses=errors(409), summary=summary, operation_id=f"request_{name}"
        )(mover(name))
    return router
