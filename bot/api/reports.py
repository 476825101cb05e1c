"""Figures over the API: a week, a month, a quarter (H12)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator

from bot.api import shapes
from bot.api.access import LEADS, Access, Caller
from bot.api.again import Again
from bot.api.documents import errors
from data import reports


def _plausible(day: date) -> date:
    if not 2000 <= day.year <= 2100:
        raise ValueError("must lie between the years 2000 and 2100")
    return day


Day = Annotated[date, AfterValidator(_plausible)]


def build(access: Access) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/reports", tags=["reports"], route_class=Again)

    @router.get("", responses=errors(), summary="Figures of the week, month or quarter that holds a day")
    async def figures(
        caller: Caller = Depends(access.needs(*LEADS)),
        period: reports.Period = Query("week"),
        day: Day | None = Query(None, description="Default: today"),
    ) -> shapes.ReportOut:
        async with access.work(caller) as work:
            found = await reports.report(
                work, access.house.world.clocks, period=period, day=day or work.local.date()
            )
        return shapes.ReportOut(
            period=period,
            starts_at=found.starts_at,
            ends_at=found.ends_at,
            requests=[
                shapes.KindReport(kind=kind, total=sum(states.values()), states=dict(states))
                for kind, states in sorted(found.kinds.items())
            ],
            rates=shapes.RatesOut(
                responded=found.rates.responded,
                resolved=found.rates.resolved,
                satisfied=found.rates.satisfied,
            ),
            alarms=shapes.AlarmReport(
                total=found.alarms.total,
                kinds=dict(found.alarms.kinds),
                acknowledged_60s=found.alarms.within_60s,
                acknowledged_180s=found.alarms.within_180s,
                on_site_30min=found.alarms.on_site_30min,
                false_alarms=found.alarms.false_alarms,
            ),
            handoffs=found.handoffs,
            checkins=dict(found.checkins),
        )

    return router
