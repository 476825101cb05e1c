"""A device's report, read and taken: one way for all of them, whether they come over HTTP or from the MQTT broker (E9)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints

from bot.api.inputs import Body, Words
from data.work import Work
from flows import devices
from flows.engine import Engine
from flows.world import World

Type = Literal["sos", "fall", "motion", "no_motion", "gas", "smoke", "heartbeat", "ok"]
Via = Literal["http", "mqtt"]


def _storable(moment: datetime) -> datetime | None:
    # A device whose clock was never set is heard all the same.
    return moment if 1970 <= moment.year <= 2100 else None


def _percent(given: Any) -> int | None:
    # A battery that cannot be read is no reason to refuse a call for help.
    number = isinstance(given, int | float) and not isinstance(given, bool)
    return round(given) if number and 0 <= given <= 100 else None


class Report(Body):
    """A device's report. The same document comes over MQTT."""

    # Devices send more than they are asked for, and a call for help is not refused for that.
    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [
                {"device": "sos-3-2-501", "type": "sos", "resident": "demo:elder-1"},
                {"device": "motion-7", "type": "motion", "at": "2026-11-22T10:00:00+08:00", "battery": 80},
            ]
        },
    )

    device: Annotated[Words, StringConstraints(max_length=64)] = Field(description="The device's own name")
    type: Type
    at: Annotated[datetime, AfterValidator(_storable)] | None = Field(
        None, description="When it noticed, ISO 8601; without offset: the community's zone. Default: now"
    )
    resident: str | None = Field(None, max_length=200, description="Id, key, or demo sender name")
    battery: Annotated[int | None, BeforeValidator(_percent)] = Field(
        None, ge=0, le=100, description="What is left of its battery, per cent"
    )


async def take(work: Work, world: World, engine: Engine, report: Report, *, via: Via) -> devices.Reported:
    """Do what a report asks for, in the transaction of `work`; acknowledge it to whoever sent it after the commit.

    A report that was heard before does nothing. Raises TooManyDevices.
    """
    named = (report.resident or "").strip()
    usable = 0 < len(named) <= 64 and named.isascii() and named.isprintable()
    return await devices.report(
        work.acting_as(f"device:{report.device}"[:64]),
        world,
        engine,
        key=report.device,
        what=report.type,
        at=_moment(work, report),
        resident=named if usable else None,
        battery=report.battery,
        via=via,
    )


async def take_one_of_many(work: Work, world: World, engine: Engine, report: Report, *, via: Via) -> bool:
    """The same where only whether it was new is asked for: an ordinary report of a known device costs one statement."""
    new = await devices.note(
        work,
        key=report.device,
        what=report.type,
        at=_moment(work, report),
        battery=report.battery,
        via=via,
    )
    return new if new is not None else (await take(work, world, engine, report, via=via)).new


def _moment(work: Work, report: Report) -> datetime | None:
    """When it happened, by the device; a time without offset is the community's."""
    at = report.at
    return at.replace(tzinfo=work.zone) if at is not None and at.tzinfo is None else at
