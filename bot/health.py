"""Whether the service is alive, whether it is ready and why not, and its figures (O4)."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Gauge, generate_latest
from sqlalchemy import text

from bot.house import House
from data import timers

_LAG = Gauge("anlin_timer_lag_seconds", "How long the oldest due timer has been waiting")
_LATE = timedelta(seconds=30)


def build(house: House) -> APIRouter:
    """`/healthz`, `/readyz`, `/metrics`."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    async def healthz() -> PlainTextResponse:
        """The process answers."""
        return PlainTextResponse("ok")

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        """Whether messages can be served, and what is on, off or late, with reasons."""
        reasons: dict[str, str] = {}
        try:
            async with house.database.transaction() as session:
                await session.execute(text("SELECT 1"))
                lag = await timers.lag(session, house.clock.now())
            if lag > _LATE:
                reasons["timers"] = f"late by {lag.total_seconds():.0f} s"
        except Exception as error:
            reasons["database"] = type(error).__name__
        if not getattr(house.turns.parser.engine, "ready", True):
            reasons["understanding"] = getattr(house.turns.parser.engine, "fault", None) or "still loading"
        body = {"ready": not reasons, "reasons": reasons, "optional": house.optional}
        return JSONResponse(body, status_code=503 if reasons else 200)

    @router.get("/metrics")
    async def metrics() -> Response:
        """Prometheus."""
        async with house.database.transaction() as session:
            _LAG.set((await timers.lag(session, house.clock.now())).total_seconds())
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return router
