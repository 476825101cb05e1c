"""Hand-overs over the API: the queue, taking, writing, notes, passing on, closing (H1, H2, H4, H5)."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy import ColumnElement

from bot.api import shapes
from bot.api.access import OFFICE, Access, Caller, acting, known
from bot.api.again import Again
from bot.api.documents import errors
from bot.api.inputs import NOTHING, REF, TO_QUEUE, Move, Name, Paging, Say, Transfer, paging
from bot.api.lists import equal, listed, of_resident
from bot.api.views import View
from data import handoffs, listing
from data.errors import NotFound
from data.models import Handoff
from data.work import Work
from flows import handoff as desk

State = Literal["queued", "active", "closed"]


async def find(work: Work, reference: str) -> Handoff:
    """A hand-over by id; raises NotFound."""
    found = await handoffs.get(work, known(reference))
    if found is None:
        raise NotFound("no such hand-over")
    return found


def build(access: Access) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/handoffs", tags=["handoffs"], route_class=Again)
    office = Depends(access.needs(*OFFICE))

    async def full(work: Work, row: Handoff) -> shapes.HandoffFull:
        return await View(work=work, world=access.house.world).handoff_full(row)

    @router.get("", responses=errors(), summary="List hand-overs")
    async def every(
        caller: Caller = office,
        page: Paging = Depends(paging),
        state: State | None = Query(None),
        owner: Name | None = Query(None, description="Staff id"),
        urgency: Literal["urgent", "ordinary"] | None = Query(None),
        resident: Name | None = Query(None, description="Id, key, or demo sender name"),
    ) -> shapes.Listed[shapes.HandoffOut]:
        async with access.work(caller) as work:
            filters = {Handoff.state: state, Handoff.staff_id: owner, Handoff.urgency: urgency}
            wanted: list[ColumnElement[bool]] = [Handoff.community_id == work.community.id]
            wanted += equal(filters)
            wanted += await of_resident(work, Handoff.resident_id, resident)
            found = await listing.page(work, Handoff, *wanted, limit=page.limit, after=page.after)
            view = View(work=work, world=access.house.world)
            items = [view.handoff(row) for row in found.rows]
            return listed(items, found)

    @router.get("/{id}", responses=errors(), summary="Look at a hand-over, with messages and notes")
    async def one(ref: str = REF, caller: Caller = office) -> shapes.HandoffFull:
        async with access.work(caller) as work:
            found = await find(work, ref)
            work.audit("handoff.view", f"handoff:{found.id}")
            return await full(work, found)

    @router.post("/{id}/take", responses=errors(409), summary="Take it; the bot is silent from now on")
    async def take(body: Move = NOTHING, ref: str = REF, caller: Caller = office) -> shapes.HandoffFull:
        async with access.work(caller) as work:
            member = await acting(work, caller, body.as_)
            return await full(work, await desk.take(work, access.house.world, known(ref), member))

    @router.post(
        "/{id}/messages",
        status_code=201,
        responses=errors(409),
        summary="Write to the resident; the first time stops the clock",
    )
    async def write(body: Say, ref: str = REF, caller: Caller = office) -> shapes.MessageOut:
        async with access.work(caller) as work:
            seen = await find(work, ref)
            member = await acting(work, caller, body.as_, owner=seen.staff_id)
            said = await desk.write(work, access.house.world, str(seen.id), member, body.text)
            return View(work=work, world=access.house.world).message(said)

    @router.post(
        "/{id}/notes",
        status_code=201,
        responses=errors(),
        summary="A private note; it has no way to the resident",
    )
    async def note(body: Say, ref: str = REF, caller: Caller = office) -> shapes.NoteOut:
        async with access.work(caller) as work:
            seen = await find(work, ref)
            member = await acting(work, caller, body.as_, owner=seen.staff_id)
            written = await desk.note(work, str(seen.id), member, body.text)
            return View(work=work, world=access.house.world).note(written)

    @router.post("/{id}/transfer", responses=errors(409), summary="Give it to a colleague or back")
    async def transfer(
        body: Transfer = TO_QUEUE, ref: str = REF, caller: Caller = office
    ) -> shapes.HandoffFull:
        async with access.work(caller) as work:
            seen = await find(work, ref)
            member = await acting(work, caller, body.as_, owner=seen.staff_id)
            moved = await desk.transfer(work, access.house.world, str(seen.id), member, to=body.to)
            if body.note is not None:
                await desk.note(work, str(seen.id), member, body.note)
            return await full(work, moved)

    @router.post("/{id}/close", responses=errors(409), summary="The conversation goes back to the bot")
    async def close(body: Move = NOTHING, ref: str = REF, caller: Caller = office) -> shapes.HandoffFull:
        async with access.work(caller) as work:
            seen = await find(work, ref)
            member = await acting(work, caller, body.as_, owner=seen.staff_id)
            house = access.house
            if body.note is not None:
                await desk.note(work, str(seen.id), member, body.note)
            closed = await desk.close(work, house.world, house.turns.engine, str(seen.id), member)
            return await full(work, closed)

    return router
