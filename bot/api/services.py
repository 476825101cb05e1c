"""The catalogue of services over the API (F1)."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Query

from bot.api import shapes
from bot.api.access import EVERYBODY, Access, Caller
from bot.api.again import Again
from bot.api.documents import errors
from bot.api.inputs import Name
from bot.api.views import service


def build(access: Access) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/services", tags=["services"], route_class=Again)

    @router.get("", responses=errors(), summary="List services, in the order of the catalogue")
    async def every(
        caller: Caller = Depends(access.needs(*EVERYBODY, "device")),
        limit: int = Query(50, ge=1, le=200, description="How many at most"),
        after: Name | None = Query(None, description="The `next` of the page before this one"),
        kind: Name | None = Query(None, description="Key of a kind: meals, cleaning …"),
    ) -> shapes.Listed[shapes.ServiceOut]:
        keys = [key for key, one in access.house.world.services.items() if kind in (None, one.kind.key)]
        begin = keys.index(after) + 1 if after in keys else 0
        shown = keys[begin : begin + limit] if after is None or after in keys else []
        more = begin + limit < len(keys) and bool(shown)
        return shapes.Listed(
            items=[service(access.house.world.services[key]) for key in shown],
            next=shown[-1] if more else None,
        )

    return router
