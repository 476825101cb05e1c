"""The real application over the demo community, served on a free port of this machine from within the test process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect

from bot.app import build_app
from bot.build import build
from bot.clock import FixedClock
from bot.house import House
from bot.service import prepare
from bot.settings import Settings
from data import crypto
from data.embedded import EmbeddedServer
from tests.harness import MONDAY, understanding
from voice import events

PATIENCE = 20.0
"""Seconds after which waiting is given up: a bound against hanging, never a figure that is judged."""


class _Server(uvicorn.Server):
    """Says when it listens, and leaves the signals to pytest."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def served(app: FastAPI, port: int = 0) -> AsyncIterator[str]:
    """An application on a port; gives its address."""
    server = _Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, timeout_graceful_shutdown=1)
    )
    task = asyncio.create_task(server.serve())
    await server.up.wait()
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


@dataclass(slots=True, kw_only=True)
class Service:
    """The running service."""

    house: House
    clock: FixedClock
    address: str  # http://127.0.0.1:PORT

    @property
    def socket_address(self) -> str:
        """The same for WebSockets."""
        return self.address.replace("http", "ws")


@asynccontextmanager
async def service(
    postgres: EmbeddedServer,
    template: str,
    keyring: crypto.Keyring,
    home: Path,
    *,
    name: str,
    now: datetime = MONDAY,
    **settings: Any,
) -> AsyncIterator[Service]:
    """The demo community on a database of its own and a clock that stands still, everything else as in production."""
    url = await postgres.create_database(name, template=template)
    clock = FixedClock(now)
    given = Settings(_env_file=None, home=home, database_url=url, **settings)  # type: ignore[call-arg]
    async with build(given, clock=clock) as house:
        crypto.install(keyring)  # the keys of the other tests: nothing was written yet
        house.world, house.turns.parser = await understanding()
        house.turns.world = house.world
        await prepare(house, demo=True, drill=False)
        async with served(build_app(house)) as address:
            yield Service(house=house, clock=clock, address=address)
    await postgres.drop_database(name)


@dataclass(slots=True)
class Wire:
    """A terminal's or a page's socket, spoken to in the messages of `voice.events`."""

    socket: ClientConnection
    seen: list[events.Event | bytes] = field(default_factory=list)  # everything that came, in order

    async def tell(self, event: events.FromTerminal) -> None:
        """Say something."""
        await self.socket.send(events.encode(event))

    async def until(self, kind: type[Any], **wanted: Any) -> Any:
        """The next message of that kind with those fields; sound and others on the way are kept in `seen`."""
        try:
            while True:
                event = await self.next()
                if isinstance(event, kind) and all(getattr(event, k) == v for k, v in wanted.items()):
                    return event
        except TimeoutError:
            came = [type(each).__name__ if isinstance(each, bytes) else each for each in self.seen]
            raise AssertionError(f"no {kind.__name__} with {wanted}, but {came}") from None

    async def next(self) -> events.Event | bytes:
        """The next frame."""
        async with asyncio.timeout(PATIENCE):
            frame = await self.socket.recv()
        event = frame if isinstance(frame, bytes) else events.decode(frame)
        self.seen.append(event)
        return event

    async def settled(self) -> list[events.Event | bytes]:
        """Everything the service had to say until it answers a ping."""
        start = len(self.seen)
        await self.tell(events.Ping())
        await self.until(events.Pong)
        return self.seen[start:-1]


@asynccontextmanager
async def wire(address: str, **hello: Any) -> AsyncIterator[Wire]:
    """A socket that has said hello and was welcomed; `hello` are the fields of `events.Hello`."""
    async with connect(address, max_size=None, proxy=None) as socket:
        made = Wire(socket)
        await made.tell(events.Hello(**{"language": "zh", **hello}))
        await made.until(events.Welcome)
        yield made
