"""Staff and their duty over the API (H9, H14)."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy import select

from bot.api import shapes
from bot.api.access import EVERYBODY, Access, Caller
from bot.api.again import Again
from bot.api.documents import errors
from bot.api.inputs import Moment, Name, Paging, paging
from bot.api.views import View
from data import roster
from data.models import Shift, Staff

_AHEAD = timedelta(days=7)


def build(access: Access) -> APIRouter:
    """The routes."""
    router = APIRouter(route_class=Again)
    everybody = Depends(access.needs(*EVERYBODY))

    @router.get("/staff", tags=["staff"], responses=errors(), summary="List staff, by sign-in name")
    async def members(
        caller: Caller = everybody,
        limit: int = Query(50, ge=1, le=200, description="How many at most"),
        after: Name | None = Query(None, description="The `next` of the page before this one"),
        role: Literal["officer", "repairer", "lead", "admin"] | None = Query(None),
        on_duty: bool | None = Query(None, description="Only those on duty now, or only the others"),
    ) -> shapes.Listed[shapes.StaffOut]:
        async with access.work(caller) as work:
            duty = {member.id for member in await roster.on_duty(work)}
            statement = select(Staff).where(Staff.community_id == work.community.id).order_by(Staff.id)
            if after is not None:
                statement = statement.where(Staff.id > after)
            if role is not None:
                statement = statement.where(Staff.role == role)
            if on_duty is not None:
                statement = statement.where(Staff.id.in_(duty) if on_duty else Staff.id.not_in(duty))
            rows = (await work.session.scalars(statement.limit(limit + 1))).all()
            view = View(work=work, world=access.house.world)
            return shapes.Listed(
                items=[view.staff(row, on_duty=row.id in duty) for row in rows[:limit]],
                next=rows[limit - 1].id if len(rows) > limit else None,
            )

    @router.get(
        "/roster",
        tags=["roster"],
        responses=errors(),
        summary="List shifts of a stretch of time, newest first",
    )
    async def shifts(
        caller: Caller = everybody,
        page: Paging = Depends(paging),
        since: Moment | None = Query(None, description="Shifts that end after this; default: now"),
        until: Moment | None = Query(None, description="Shifts that begin before this; default: in 7 days"),
        staff: Name | None = Query(None, description="Staff id"),
    ) -> shapes.Listed[shapes.ShiftOut]:
        async with access.work(caller) as work:
            begins = since or work.now
            statement = (
                select(Shift, Staff)
                .join(Staff, Staff.id == Shift.staff_id)
                .where(
                    Staff.community_id == work.community.id,
                    Shift.ends_at > begins,
                    Shift.starts_at < (until or begins + _AHEAD),
                )
                .order_by(Shift.id.desc())
                .limit(page.limit + 1)
            )
            if page.after is not None:
                statement = statement.where(Shift.id < page.after)
            if staff is not None:
                statement = statement.where(Shift.staff_id == staff)
            rows = (await work.session.execute(statement)).all()
            view = View(work=work, world=access.house.world)
            items = [view.shift(shift, member) for shift, member in rows[: page.limit]]
            return shapes.Listed(items=items, next=str(items[-1].id) if len(rows) > page.limit else None)

    return router
