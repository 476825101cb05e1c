"""A real Mosquitto on a port of this machine, for tests: started, stopped, started again on what it kept."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt

PROGRAM = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
MISSING = "These tests need a real broker: on Debian, apt-get install mosquitto"

_SETTINGS = """
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 1
autosave_on_changes true
max_queued_messages 0
max_inflight_messages 0
log_dest file {folder}/log
"""


@dataclass(slots=True)
class Broker:
    """One broker and its folder."""

    folder: Path
    port: int = 0
    settings: str = ""  # in the place of the ordinary ones
    _process: asyncio.subprocess.Process | None = field(default=None)

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it, and come back when it answers."""
        assert os.access(PROGRAM, os.X_OK), MISSING
        if not self.port:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
        written = self.folder / "mosquitto.conf"
        user = "user root\n"  # as root it would become `mosquitto`, who may not write into our folder
        written.write_text(user + (self.settings or _SETTINGS).format(port=self.port, folder=self.folder))
        self._process = await asyncio.create_subprocess_exec(PROGRAM, "-c", str(written))
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                assert self._process.returncode is None, (self.folder / "log").read_text()
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """As a machine that is switched off in order."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def kill(self) -> None:
        """As a machine that loses its power."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    @asynccontextmanager
    async def client(self, **given: object) -> AsyncIterator[aiomqtt.Client]:
        """A device's connection."""
        async with aiomqtt.Client("127.0.0.1", self.port, **given) as client:  # type: ignore[arg-type]
            yield client

    async def say(self, device: str, document: Mapping[str, object] | bytes, **given: object) -> None:
        """One report of a device of the demo; returns when the broker has it."""
        payload = document if isinstance(document, bytes) else json.dumps(document).encode()
        async with self.client() as client:
            await client.publish(f"anlin/anlin_garden/{device}/signal", payload, **{"qos": 1, **given})  # type: ignore[arg-type]


@asynccontextmanager
async def broker(folder: Path, settings: str = "") -> AsyncIterator[Broker]:
    """A broker that runs."""
    made = Broker(folder, settings=settings)
    try:
        await made.start()
        yield made
    finally:
        await made.stop()
