"""Processes that listen to a real broker for a demo community, and what tests ask of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest
from sqlalchemy import select, text

from bot.channels import mqtt
from bot.channels.mqtt_reading import Address
from data import crypto, embedded, listeners
from data.database import Database
from data.models import Alarm, Signal
from tests.api_desk import Desk, open_desk
from tests.broker import Broker

SWEEP = (
    "TRUNCATE conversation, request, alarm, timer, outgoing, number_counter, signal, device, listener CASCADE"
)
T = TypeVar("T")


@asynccontextmanager
async def community(
    postgres: embedded.EmbeddedServer, template: str, keyring: crypto.Keyring, name: str
) -> AsyncIterator[Desk]:
    """The demo in a database of that name, for as long as a module's tests run."""
    url = await postgres.create_database(name, template=template)
    database = await Database.connect(url, postgres.place.home, keyring)
    try:
        async with open_desk(database) as made:
            yield made
    finally:
        await database.dispose()
        await postgres.drop_database(name)


async def swept(desk: Desk) -> Desk:
    """Nobody has reported anything yet."""
    async with desk.house.database.transaction() as session:
        await session.execute(text(SWEEP))
    return desk


def ear(desk: Desk, mosquitto: Broker, address: Address | None = None) -> mqtt.Mqtt:
    """One process's part."""
    return mqtt.Mqtt(desk.house, address or Address(host="127.0.0.1", port=mosquitto.port))


@asynccontextmanager
async def listening(
    desk: Desk, mosquitto: Broker, *, address: Address | None = None, ready: bool = True
) -> AsyncIterator[mqtt.Mqtt]:
    """A process that listens, stopped in order at the end."""
    made = ear(desk, mosquitto, address)
    task = asyncio.create_task(made.run())
    try:
        if ready:
            async with asyncio.timeout(30):
                await made.listening.wait()
        yield made
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def signals(desk: Desk) -> list[Signal]:
    async with desk.work() as work:
        return list(await work.session.scalars(select(Signal).order_by(Signal.id)))


async def alarms(desk: Desk) -> list[Alarm]:
    async with desk.work() as work:
        return list(await work.session.scalars(select(Alarm).order_by(Alarm.id)))


async def until(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until the answer is true, and give it; 30 s bound against hanging."""
    async with asyncio.timeout(30):
        while True:
            if found := await ask():
                return found
            await asyncio.sleep(0.02)


async def heard(desk: Desk, count: int) -> list[Signal]:
    """The reports, as soon as there are so many."""

    async def enough() -> list[Signal]:
        found = await signals(desk)
        return found if len(found) >= count else []

    return await until(enough)


async def standing(desk: Desk) -> listeners.Standing:
    """How the connection stands, as every process sees it."""
    async with desk.work() as work:
        found = await listeners.standing(work.session, listeners.MQTT)
    return found or listeners.Standing(connected=False, since=None, fault=None, counts={})


async def is_away(desk: Desk) -> bool:
    return not (await standing(desk)).connected


async def is_back(desk: Desk) -> bool:
    """Whether it stands in the database that the broker answers."""
    return not await is_away(desk)


async def counts(made: mqtt.Mqtt, desk: Desk) -> dict[str, int]:
    """What was counted so far."""
    await made._flush()
    return dict((await standing(desk)).counts)


async def counted(made: mqtt.Mqtt, desk: Desk, **wanted: int) -> None:
    """Until so many have been counted."""

    async def all_of_them() -> bool:
        found = await counts(made, desk)
        assert all(found.get(key, 0) <= most for key, most in wanted.items()), found
        return wanted.items() <= found.items()

    await until(all_of_them)


def at(second: int) -> str:
    return f"2026-11-23T09:{second // 60:02d}:{second % 60:02d}+08:00"
