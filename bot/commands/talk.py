"""`anlin chat`: talk to the running service from a text terminal (N6)."""

from __future__ import annotations

import json
import secrets
import threading
import time
import uuid
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.prompt import Prompt

from bot.settings import Settings
from data.errors import AnlinError

if TYPE_CHECKING:
    import httpx

_out = Console()
_POLL = 1.5  # seconds between two looks for what was said unasked


class ServiceAway(AnlinError):
    """The service does not answer at that address."""

    code = "service_away"


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(
        "chat",
        help="Talk to the running service.\n\nExample: anlin chat --sender demo:resident-1",
    )(chat)


def chat(
    sender: Annotated[
        str | None, typer.Option(help="Who you are, e.g. demo:resident-1; default: a stranger")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Address of the service")] = None,
) -> None:
    import httpx  # not above: `anlin --help` and `anlin run` need not wait for it

    settings = Settings()
    base = (url or f"http://{settings.host}:{settings.port}").rstrip("/")
    name = sender or f"chat-{secrets.token_hex(4)}"
    with httpx.Client(base_url=base, timeout=30) as client:
        try:
            cursor = _catch_up(client, name, "0", show=False)
        except httpx.HTTPError as error:
            raise ServiceAway(
                f"nothing answers at {base}; start it with `anlin run`, or give --url"
            ) from error
        stop = threading.Event()
        threading.Thread(target=_follow, args=(base, name, cursor, stop), daemon=True).start()
        _out.print(f"[dim]You are {name}. An empty line repeats, Ctrl+D ends.[/]")
        buttons: list[dict[str, str]] = []
        while True:
            try:
                words = Prompt.ask("[bold]>[/]")
            except (EOFError, KeyboardInterrupt):
                stop.set()
                return
            buttons = _say(client, name, _meant(words, buttons))


def _meant(words: str, buttons: list[dict[str, str]]) -> str:
    """A number chooses a button."""
    if words.isdigit() and 1 <= int(words) <= len(buttons):
        return buttons[int(words) - 1]["payload"]
    return words


def _say(client: httpx.Client, sender: str, words: str) -> list[dict[str, str]]:
    import httpx

    message = {"sender": sender, "message": words, "message_id": str(uuid.uuid4())}
    for attempt in range(3):
        try:
            answer = client.post("/webhooks/rest/webhook", json=message)
            break
        except httpx.HTTPError:
            if attempt == 2:
                _out.print(
                    "[red]The service does not answer. Your message was not lost: send it again later.[/]"
                )
                return []
            time.sleep(1)
    if answer.is_error:
        _out.print(f"[red]{json.loads(answer.text).get('detail', answer.text)}[/]")
        return []
    buttons: list[dict[str, str]] = []
    for said in answer.json():
        buttons = _show(said) or buttons
    return buttons


def _show(said: dict[str, Any]) -> list[dict[str, str]]:
    if said.get("text"):
        _out.print(said["text"], highlight=False, markup=False)
    buttons: list[dict[str, str]] = said.get("buttons") or []
    for number, button in enumerate(buttons, 1):
        _out.print(f"  {number}  {button['title']}", highlight=False, markup=False)
    return buttons


def _catch_up(client: httpx.Client, sender: str, cursor: str, *, show: bool) -> str:
    answer = client.get(
        "/webhooks/rest/messages", params={"sender": sender, "after": cursor}
    ).raise_for_status()
    caught: dict[str, Any] = answer.json()
    for said in caught["messages"] if show else ():
        _show(said)
    return str(caught["cursor"])


def _follow(base: str, sender: str, cursor: str, stop: threading.Event) -> None:
    import httpx

    with httpx.Client(base_url=base, timeout=10) as client:
        while not stop.wait(_POLL):
            try:
                cursor = _catch_up(client, sender, cursor, show=True)
            except httpx.HTTPError:
                continue
