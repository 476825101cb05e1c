"""What runs beside the web server: timers, deliveries, Telegram, devices; and what is said at the start."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager

from sqlalchemy import func, select

from bot.channels import notify
from bot.house import House
from bot.scheduler import Scheduler
from data import demo_fill, listeners
from data.errors import AnlinError
from data.models import Community, Resident, Staff


class DrillRefused(AnlinError):
    """A drill moves the clock and is refused on a database with real residents."""

    code = "drill_refused"


async def prepare(house: House, *, demo: bool | None, drill: bool) -> None:
    """Fill an empty database if that is wanted, refuse a drill on real data."""
    async with house.database.transaction() as session:
        empty = not await session.scalar(select(func.count()).select_from(Community))
        real = bool(
            await session.scalar(select(func.count()).select_from(Community).where(Community.demo.is_(False)))
        )
        real = real and bool(await session.scalar(select(func.count()).select_from(Resident)))
    if empty and (demo or (demo is None and house.settings.database_url is None)):
        async with house.database.transaction() as session:
            await demo_fill.fill(session, now=house.clock.now())
    async with house.database.transaction() as session:
        demo_staff = select(Staff.id).join(Community).where(Community.demo, Staff.active).order_by(Staff.id)
        house.demo_staff = tuple((await session.scalars(demo_staff)).all())
    if drill and real:
        raise DrillRefused(
            "--now and --speed move the clock; this database has real residents, use another --home"
        )


@asynccontextmanager
async def running(house: House, *, web: bool, worker: bool) -> AsyncIterator[None]:
    """The background work of this process, stopped in order at the end."""
    async with AsyncExitStack() as stack:
        house.outbox.carriers["notify"] = notify.Notifier(house)
        await _telegram(house, stack, polling=worker)
        if worker:
            scheduler = Scheduler(
                database=house.database, clock=house.clock, turns=house.turns, committed=house.outbox.wake
            )
            scheduler.start()
            stack.push_async_callback(scheduler.stop)
            await stack.enter_async_context(_task(house.outbox.run(), "outbox"))
        await _mqtt(house, stack, listening=worker)
        yield


async def _telegram(house: House, stack: AsyncExitStack, *, polling: bool) -> None:
    if house.settings.telegram_token is None:
        house.optional["telegram"] = "off: set ANLIN_TELEGRAM_TOKEN"
        return
    from bot.channels import telegram  # its library takes its time, and not everybody needs it

    bot = await telegram.start(house, polling=polling)
    if bot is not None:
        stack.push_async_callback(bot.stop)


async def _mqtt(house: House, stack: AsyncExitStack, *, listening: bool) -> None:
    """Any process that does the background work may listen; one of them does."""
    if house.settings.mqtt_url is None:
        house.optional["mqtt"] = "off: set ANLIN_MQTT_URL"
        if listening:
            async with house.database.transaction() as session:
                await listeners.forget(session, listeners.MQTT)
        return
    from bot.channels import mqtt, mqtt_reading  # not everybody has such devices

    address = mqtt_reading.address_of(house.settings)
    house.optional["mqtt"] = f"on: {address.host}:{address.port}"
    if listening:
        await stack.enter_async_context(_task(mqtt.Mqtt(house, address).run(), "mqtt"))


@asynccontextmanager
async def _task(work: Coroutine[None, None, None], name: str) -> AsyncIterator[None]:
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def banner(house: House) -> str:
    """Addresses, sign-ins and what is on or off, as it is printed at the start."""
    settings = house.settings
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104  only compared
    base = f"http://{host}:{settings.port}"
    lines = [
        "",
        f"[bold]Anlin 安邻[/] is running: {base}",
        f"  residents   {base}/chat        (demo: {base}/chat?as=demo:resident-1)",
        f"  terminal    {base}/terminal    (demo: {base}/terminal?device=demo:elder-1)",
        f"  staff desk  {base}/desk",
        f"  API         {base}/api/v1/openapi.json",
    ]
    if house.demo_staff:
        lines += ["", f"Demo staff: {', '.join(house.demo_staff)}; password: {demo_fill.PASSWORD}"]
    lines += ["", *(f"  {name:<12} {state}" for name, state in sorted(house.optional.items())), ""]
    lines.append(f"Data: {settings.home.resolve()}. Stop with Ctrl+C.")
    return "\n".join(lines)
