"""The audit over the API: who saw and did what; for leads and administrators (P6)."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Query
from sqlalchemy import ColumnElement

from bot.api import shapes
from bot.api.access import LEADS, Access, Caller
from bot.api.again import Again
from bot.api.documents import errors
from bot.api.inputs import Moment, Name, Paging, paging
from bot.api.lists import equal, listed
from bot.api.views import View
from data import listing
from data.models import Audit


def build(access: Access) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/audit", tags=["audit"], route_class=Again)

    @router.get("", responses=errors(), summary="List the audit")
    async def every(
        caller: Caller = Depends(access.needs(*LEADS)),
        page: Paging = Depends(paging),
        actor: Name | None = Query(None, description="staff:<id>, token:<name>, bot"),
        action: Name | None = Query(None, description="e.g. alarm.acknowledge"),
        subject: Name | None = Query(None, description="e.g. alarm:12"),
        since: Moment | None = Query(None, description="At or after"),
    ) -> shapes.Listed[shapes.AuditOut]:
        async with access.work(caller) as work:
            filters = {Audit.actor: actor, Audit.action: action, Audit.subject: subject}
            wanted: list[ColumnElement[bool]] = [Audit.community_id == work.community.id]
            wanted += equal(filters)
            if since is not None:
                wanted.append(Audit.at >= since)
            found = await listing.page(work, Audit, *wanted, limit=page.limit, after=page.after)
            view = View(work=work, world=access.house.world)
            items = [view.audit(row) for row in found.rows]
            return listed(items, found)

    return router
