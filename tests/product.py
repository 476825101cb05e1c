"""The started product, as an operator starts it: a process of its own, a home of its own, spoken to over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

from data import embedded, embedded_guard

ANLIN = Path(sys.executable).with_name("anlin")
ADMIN_TOKEN = "token-of-the-tests"
PATIENCE = 90.0
"""Seconds of real time after which waiting is given up: a bound against hanging, never a figure that is judged."""

_FAULTS = re.compile(r'"event": "([a-z_]+\.(?:failed|carrier_failed|gave_up))"|Traceback|ERROR ')
T = TypeVar("T")


class Product:
    """One home with the product on it; started, killed and started again as a test likes."""

    def __init__(
        self, *arguments: str, home: Path | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="anlin-product-"))
        self.home = home or self.folder / "home"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.arguments = arguments
        self.log = self.folder / "log"
        self._env = environment(**(env or {}))
        self._process: subprocess.Popen[bytes] | None = None
        self.http = httpx.Client(base_url=self.url, timeout=30.0, trust_env=False)

    # Starting and stopping

    def start(self, *arguments: str, ready: bool = True) -> Product:
        """Start `anlin run` on this home; `arguments` come in the place of those given at first."""
        assert self._process is None, "it runs already"
        command = [str(ANLIN), "run", "--home", str(self.home), "--port", str(self.port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *(arguments or self.arguments)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                cwd=self.folder,  # no .env of a developer is found here
                start_new_session=True,
            )
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Wait until it says that it is ready; fails with the end of its log when it ends instead."""

        def ready() -> bool:
            assert self.running, f"the product ended by itself\n{self.tail()}"
            with contextlib.suppress(httpx.TransportError):
                return self.http.get("/readyz").status_code == 200
            return False

        wait_until(ready, why=lambda: f"the product is not ready\n{self.tail()}")

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL, to the process alone: what it started must look after itself."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self) -> int:
        """Ctrl+C; gives the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise AssertionError(f"the product does not stop\n{self.tail()}") from error
        self._process = None
        return code

    def close(self) -> None:
        """Stop it however it stands, and remove everything of it."""
        try:
            if self._process is not None:
                self.kill()
        finally:
            self.http.close()
            if self.home.is_dir():
                embedded.throw_away(self.home)
            shutil.rmtree(self.folder, ignore_errors=True)

    # Looking

    def tail(self, lines: int = 40) -> str:
        """The end of what it printed and logged."""
        written = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(written.splitlines()[-lines:])

    def faults(self) -> list[str]:
        """Lines of its log that tell of an internal error."""
        written = self.log.read_text(encoding="utf-8", errors="replace")
        return [line[:2000] for line in written.splitlines() if _FAULTS.search(line)]

    def data(self) -> Path:
        """The folder of its database."""
        return Path((self.home / "postgres.location").read_text(encoding="utf-8").splitlines()[0])

    def database_processes(self) -> list[int]:
        """Process numbers of the PostgreSQL of this home, server and children."""
        data = str(self.data())
        found = [] if (server := embedded_guard.postmaster(data)) is None else [server]
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.name().startswith("postgres") and process.cwd() == data:
                    found.append(process.pid)
        return sorted(set(found))

    # Speaking

    def say(self, sender: str, text: str, message_id: str | None = None) -> list[dict[str, Any]]:
        """Say something over the REST channel; gives the answers."""
        body = {"sender": sender, "message": text, "message_id": message_id}
        answered = self.http.post("/webhooks/rest/webhook", json=body)
        assert answered.status_code == 200, f"{answered.status_code} for {text[:80]!r}: {answered.text}"
        found: list[dict[str, Any]] = answered.json()
        return found

    def later(self, sender: str, after: str = "0") -> tuple[list[dict[str, Any]], str]:
        """What was said to somebody without being asked since a cursor; with the next cursor."""
        answered = self.http.get("/webhooks/rest/messages", params={"sender": sender, "after": after})
        assert answered.status_code == 200, answered.text
        found = answered.json()
        return found["messages"], found["cursor"]

    def api(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        params: Mapping[str, Any] | None = None,
        status: int | None = None,
    ) -> Any:
        """Ask the API as administrator; gives the document. Without `status`: any 2xx is right."""
        answered = self.http.request(
            method,
            f"/api/v1{path}",
            json=json,
            params=params,
            headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
        )
        right = answered.is_success if status is None else answered.status_code == status
        assert right, f"{method} {path}: {answered.status_code} {answered.text}"
        return answered.json()

    def every(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """All rows of a list of the API, over all its pages, newest first."""
        rows: list[dict[str, Any]] = []
        after: str | None = None
        while True:
            page = self.api(
                "GET", path, params={**params, "limit": 200, **({"after": after} if after else {})}
            )
            rows += page["items"]
            after = page["next"]
            if after is None:
                return rows


def environment(**more: str) -> dict[str, str]:
    """The environment of a started product: nobody's own settings, the tests' token."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ANLIN_")}
    return {**own, "ANLIN_ADMIN_TOKEN": ADMIN_TOKEN, "PYTHONUNBUFFERED": "1", **more}


@contextlib.contextmanager
def started(*arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Product]:
    """A product that runs, on a home of its own; at the end its log must tell of no internal error."""
    product = Product(*arguments, env=env)
    try:
        product.start()
        yield product
        assert not product.faults(), "\n".join(product.faults())
    finally:
        product.close()


def texts(messages: Sequence[Mapping[str, Any]]) -> str:
    """The texts of several messages in one."""
    return "\n".join(message.get("text") or "" for message in messages)


def buttons(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The buttons of several messages."""
    return [button for message in messages for button in message.get("buttons") or ()]


def moment(written: str) -> datetime:
    """A time of the API."""
    found = datetime.fromisoformat(written)
    assert found.tzinfo is not None, f"{written} has no offset"
    return found


def drill(now: datetime, speed: float) -> tuple[str, ...]:
    """The arguments of a drill."""
    return ("--demo", "--now", now.isoformat(), "--speed", str(speed))


def fresh(prefix: str) -> str:
    """A name that nobody had before."""
    return f"{prefix}-{secrets.token_hex(6)}"


def wait_until(
    condition: Callable[[], T], *, within: float = PATIENCE, why: Callable[[], str] = str, pause: float = 0.05
) -> T:
    """Ask until the answer is true, and give it; fails after so many real seconds."""
    deadline = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < deadline, why() or f"it did not come true within {within:.0f} s"
        time.sleep(pause)
    return found


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run_command(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run one command of `anlin` to its end."""
    return subprocess.run(
        [str(ANLIN), *arguments],
        env=environment(**env),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def dump(document: object) -> str:
    """A document for a failing test to show."""
    return json.dumps(document, ensure_ascii=False, indent=1)[:4000]


def minutes(count: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)
