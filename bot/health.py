"""Whether the service is alive, whether it is ready and why not, and its figures (O4)."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Gauge, generate_latest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from bot.house import House
from bot.reading import late_parts
from data import listeners, timers

_LAG = Gauge("anlin_timer_lag_seconds", "How long the oldest due timer has been waiting")
_LATE = timedelta(seconds=30)
_MQTT = Gauge("anlin_mqtt_connected", "Whether the devices' MQTT broker is listened to", ["broker"])
_REPORTS = Gauge("anlin_mqtt_reports", "What became of the devices' messages so far", ["outcome"])


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
        devices: dict[str, str] = {}
        try:
            async with house.database.transaction() as session:
                await session.execute(text("SELECT 1"))
                lag = await timers.lag(session, house.clock.now())
                devices = await _devices(house, session)
            if lag > _LATE:
                reasons["timers"] = f"late by {lag.total_seconds():.0f} s"
        except Exception as error:
            reasons["database"] = type(error).__name__
        for part in late_parts(house.turns.parser):
            if not part.ready:
                reasons["understanding"] = part.fault or "still loading"
        optional = {**house.optional, **devices}
        body = {"ready": not reasons, "reasons": reasons, "optional": optional}
        return JSONResponse(body, status_code=503 if reasons else 200)

    @router.get("/metrics")
    async def metrics() -> Response:
        """Prometheus."""
        async with house.database.transaction() as session:
            _LAG.set((await timers.lag(session, house.clock.now())).total_seconds())
            await _count_devices(house, session)
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return router


async def _devices(house: House, session: AsyncSession) -> dict[str, str]:
    """Whether devices can be heard over MQTT. Without them messages of residents are served all the same."""
    if house.settings.mqtt_url is None:
        return {}
    standing = await listeners.standing(session, listeners.MQTT)
    if standing is not None and standing.connected:
        return {"mqtt": "on"}
    since = f" since {standing.since.isoformat()}" if standing is not None and standing.since else ""
    return {"mqtt": f"away{since}: {standing.fault if standing is not None else 'no process listens'}"}


async def _count_devices(house: House, session: AsyncSession) -> None:
    if house.settings.mqtt_url is None:
        return
    standing = await listeners.standing(session, listeners.MQTT)
    _MQTT.labels("mqtt").set(standing is not None and standing.connected)
    for outcome, count in (standing.counts if standing is not None else {}).items():
        _REPORTS.labels(outcome).set(count)
