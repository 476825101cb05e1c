"""`anlin device`: the devices there are, whose they are, and invented ones that report (E9, O6)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from bot.commands.people import with_work
from bot.settings import Settings
from bot.simulated_devices import Sending
from data.errors import AnlinError

if TYPE_CHECKING:
    from data.work import Work

_out = Console()
device = typer.Typer(help="Buttons, detectors, sensors.", no_args_is_help=True)

Send = Callable[[Sending], Awaitable[str]]


class Way(StrEnum):
    """How invented devices report."""

    http = "http"
    mqtt = "mqtt"


class Profile(StrEnum):
    """What invented devices do."""

    day = "day"
    sos = "sos"
    fall = "fall"
    dropout = "dropout"
    replay = "replay"
    garbage = "garbage"


class ResidentUnknown(AnlinError):
    """There is no resident of that id, key or demo sender name."""

    code = "resident_unknown"


class SimulationRefused(AnlinError):
    """The invented devices cannot reach the service or the broker, or may not report there."""

    code = "simulation_refused"


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    app.add_typer(device, name="device")


@device.command(
    "add",
    help="Say whose device it is, before or after it has reported.\n\n"
    "Example: anlin device add sos-3-2-501 --resident elder-1 --heartbeat 3600",
)
def add(
    key: Annotated[str, typer.Argument(help="The device's own name, as in its topic")],
    resident: Annotated[str | None, typer.Option(help="Id, key, or demo sender name; none: nobody's")] = None,
    heartbeat: Annotated[
        int | None,
        typer.Option(help="Silent for longer than so many seconds: an alarm", min=10, max=2_592_000),
    ] = None,
) -> None:
    from data import devices, residents

    if not 0 < len(key) <= 64 or not key.isprintable() or set(key) & set("/+#"):
        raise typer.BadParameter("a device's name has at most 64 characters, none of them / + or #")

    async def do(work: Work) -> None:
        owner = await residents.by_reference(work, resident) if resident is not None else None
        if resident is not None and owner is None:
            raise ResidentUnknown(f"no resident {resident!r}; take an id, or a key like elder-1")
        found = await devices.add(work, key)
        await devices.register(work, found, resident=owner, heartbeat_seconds=heartbeat)
        _out.print(f"{key} is registered; over MQTT it reports on anlin/{work.community.key}/{key}/signal")

    with_work(do)


@device.command("list", help="All devices: whose, last heard, battery.\n\nExample: anlin device list")
def every() -> None:
    from data import devices

    async def do(work: Work) -> None:
        table = Table("device", "resident", "registered", "last heard", "over", "battery", "heartbeat")
        for each in await devices.every(work):
            table.add_row(
                each.key,
                str(each.resident_id or ""),
                "yes" if each.registered_at else "no",
                f"{each.seen_at.astimezone(work.zone):%Y-%m-%d %H:%M:%S}" if each.seen_at else "never",
                each.via or "",
                f"{each.battery} %" if each.battery is not None else "",
                f"{each.heartbeat_seconds} s" if each.heartbeat_seconds else "",
            )
        _out.print(table)
        _out.print(f"Topic: anlin/{work.community.key}/<device>/signal")

    with_work(do)


@device.command(
    "simulate",
    help="Invented devices of the demo community report to a running service; what they send is printed.\n\n"
    "Example: anlin device simulate --profile sos --count 1 --hours 0.01\n\n"
    "Over MQTT, an hour in a minute: anlin device simulate --via mqtt --speed 60",
)
def simulate(
    profile: Annotated[Profile, typer.Option(help="What the devices do")] = Profile.day,
    count: Annotated[int, typer.Option(help="How many devices", min=1, max=100_000)] = 10,
    hours: Annotated[float, typer.Option(help="How long, in hours of their time", min=0.0001, max=240)] = 1.0,
    speed: Annotated[float, typer.Option(help="How many times as fast as ordinary time", min=0.01)] = 1.0,
    now: Annotated[
        str | None, typer.Option("--now", help="The devices' clock at the start, for a drill")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same number sends the same")] = 1,
    via: Annotated[Way, typer.Option(help="Over HTTP or to the MQTT broker")] = Way.http,
    url: Annotated[
        str | None, typer.Option(help="Address of the service or of the broker; default: of the settings")
    ] = None,
    token: Annotated[
        str | None, typer.Option(help="API token of the role device; default: ANLIN_ADMIN_TOKEN")
    ] = None,
    community: Annotated[str, typer.Option(help="Key of the community, for MQTT")] = "anlin_garden",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print")] = False,
) -> None:
    from bot.clock import SystemClock
    from bot.simulated_devices import invented, plan

    start = _moment(now) if now is not None else SystemClock().now()
    sendings = plan(profile.value, invented(count), start=start, hours=hours, seed=seed)
    asyncio.run(_simulate(Settings(), sendings, speed, via, url, token, community, dry_run=dry_run))


def _moment(written: str) -> datetime:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError as error:
        raise typer.BadParameter(f"{written} is no moment; write it like 2026-11-22T10:00+08:00") from error
    if moment.tzinfo is None:
        raise typer.BadParameter(f"{written} has no offset; write it like 2026-11-22T10:00+08:00")
    return moment


async def _simulate(
    settings: Settings,
    sendings: Sequence[Sending],
    speed: float,
    via: Way,
    url: str | None,
    token: str | None,
    community: str,
    *,
    dry_run: bool,
) -> None:
    if dry_run:
        for each in sendings:
            _tell(each, "")
        return
    if via is Way.mqtt:
        await _over_mqtt(settings, sendings, speed, url, community)
    else:
        await _over_http(settings, sendings, speed, url, token)


async def _over_http(
    settings: Settings, sendings: Sequence[Sending], speed: float, url: str | None, token: str | None
) -> None:
    import httpx

    own = settings.admin_token.get_secret_value() if settings.admin_token is not None else None
    base = (url or f"http://{settings.host}:{settings.port}").rstrip("/")
    headers = {"Authorization": f"Bearer {token or own or ''}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=30) as client:

        async def send(each: Sending) -> str:
            try:
                answer = await client.post("/api/v1/signals", content=each.payload)
            except httpx.HTTPError as error:
                raise SimulationRefused(f"nothing answers at {base}; start it with `anlin run`") from error
            if answer.status_code in (401, 403):
                raise SimulationRefused(
                    "the service wants a token: --token, or ANLIN_ADMIN_TOKEN as the service has it"
                )
            alarm = answer.json().get("alarm") if answer.is_success else None
            return f"{answer.status_code} {alarm or ''}".strip()

        await _in_time(sendings, speed, send)


async def _over_mqtt(
    settings: Settings, sendings: Sequence[Sending], speed: float, url: str | None, community: str
) -> None:
    import aiomqtt

    from bot.channels.mqtt_reading import address_of

    if url is not None:
        settings = Settings(mqtt_url=SecretStr(url))
    if settings.mqtt_url is None:
        raise SimulationRefused("no broker is known: --url mqtt://…, or ANLIN_MQTT_URL")
    address = address_of(settings)
    try:
        async with aiomqtt.Client(
            address.host,
            address.port,
            username=address.user,
            password=address.password,
            tls_context=address.tls,
        ) as client:

            async def send(each: Sending) -> str:
                await client.publish(f"anlin/{community}/{each.device}/signal", each.payload, qos=1)
                return "sent"

            await _in_time(sendings, speed, send)
    except aiomqtt.MqttError as error:
        raise SimulationRefused(f"the broker at {address.host}:{address.port}: {error}") from error


async def _in_time(sendings: Sequence[Sending], speed: float, send: Send) -> None:
    """Send each at its time, and say so."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for each in sendings:
        await asyncio.sleep(max(0.0, begun + each.after / speed - loop.time()))
        _tell(each, await send(each))
    _out.print(f"{len(sendings)} sent in {loop.time() - begun:.1f} s", highlight=False)


def _tell(each: Sending, became: str) -> None:
    shown = each.payload[:120].decode("utf-8", "replace") + ("…" if len(each.payload) > 120 else "")
    _out.print(
        f"{each.after:9.1f} s  {each.device:<18} {each.why:<26} {became:<6} {shown}",
        markup=False,
        soft_wrap=True,
    )
