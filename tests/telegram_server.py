"""A Telegram of our own on loopback: speaks the Bot API, writes down every call, and can be told to misbehave."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web

TOKEN = "4242:test-token"
BOT = {"id": 4242, "is_bot": True, "first_name": "安邻", "username": "AnlinTestBot"}
_DATE = 1_795_000_000
_PATIENCE = 30.0  # seconds after which a test fails instead of hanging


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a method."""

    method: str
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """How a call goes wrong: a status with a document, no answer at all, or a closed connection."""

    kind: Literal["status", "hang", "close", "close_after"]  # close_after: done, but the answer is lost
    status: int = 500
    description: str = "Internal Server Error"
    parameters: Mapping[str, Any] | None = None


def flood(retry_after: float) -> Trouble:
    """429: leave me alone for so many seconds."""
    return Trouble(
        kind="status",
        status=429,
        description=f"Too Many Requests: retry after {retry_after}",
        parameters={"retry_after": retry_after},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One message in a chat, as a person sees it."""

    chat: int
    message_id: int
    text: str
    photo: str | None
    buttons: list[list[dict[str, Any]]]

    def titles(self) -> list[str]:
        return [button["text"] for row in self.buttons for button in row]


class TelegramServer:
    """The Bot API of one bot, and the people who write to it."""

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token
        self.url = ""
        self.calls: list[Call] = []
        self.sent: list[Sent] = []
        self.updates: list[dict[str, Any]] = []  # not yet confirmed
        self.confirmed = 0  # highest update id that was confirmed
        self.webhook: dict[str, Any] = {}
        self.files: dict[str, bytes] = {}  # file id → what is in it
        self.keyboards: dict[tuple[int, int], list[list[dict[str, Any]]]] = {}
        self.polls = 0  # long polls open now
        self.most_polls = 0
        self._trouble: dict[str, deque[Trouble | None]] = defaultdict(deque)
        self._changed = asyncio.Condition()
        self._update_ids = itertools.count(9_001)
        self._message_ids = itertools.count(1)
        self._query_ids = itertools.count(70_001)
        self._closing = asyncio.Event()

    # What a test asks

    def of(self, method: str) -> list[Call]:
        """The calls of one method, in order."""
        return [call for call in self.calls if call.method == method]

    def to(self, chat: int) -> list[Sent]:
        """What was sent to a chat, in order."""
        return [sent for sent in self.sent if sent.chat == chat]

    def texts(self, chat: int) -> list[str]:
        return [sent.text for sent in self.to(chat)]

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until a call has made it true; fails after a while instead of hanging."""
        async with asyncio.timeout(_PATIENCE), self._changed:
            await self._changed.wait_for(condition)

    def will(self, method: str, *troubles: Trouble | None) -> None:
        """The next calls of that method go wrong, in this order; None: that one goes well."""
        self._trouble[method].extend(troubles)

    # What people do

    async def write(self, person: int, text: str | None = None, **more: Any) -> dict[str, Any]:
        """A message in the private chat; `more`: photo, location, voice, … as the Bot API names them."""
        return await self.push({"message": self.message(person, text, **more)})

    def message(
        self, person: int, text: str | None = None, *, chat: Mapping[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        """A message, not yet in any update."""
        user = {"id": person, "is_bot": False, "first_name": "某人", "language_code": "zh-hans"}
        made = {
            "message_id": next(self._message_ids),
            "date": _DATE,
            "from": {**user, **more.pop("user", {})},
            "chat": dict(chat or {"id": person, "type": "private", "first_name": "某人"}),
        }
        return {**made, **({"text": text} if text is not None else {}), **more}

    async def press(self, sent: Sent, title: str, *, by: int | None = None) -> dict[str, Any]:
        """Somebody presses the button of that title under a message."""
        data = next(
            button["callback_data"] for row in sent.buttons for button in row if button["text"] == title
        )
        return await self.push({"callback_query": self.query(sent, data, by=by)})

    def query(self, sent: Sent, data: str, *, by: int | None = None) -> dict[str, Any]:
        """A pressed button, not yet in any update."""
        return {
            "id": str(next(self._query_ids)),
            "from": {"id": by or sent.chat, "is_bot": False, "first_name": "某人"},
            "chat_instance": "1",
            "data": data,
            "message": {
                "message_id": sent.message_id,
                "date": _DATE,
                "from": BOT,
                "chat": {"id": sent.chat, "type": "private"},
                "text": sent.text,
            },
        }

    def update(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """An update with the next number, not delivered to anybody: for webhooks."""
        return {"update_id": next(self._update_ids), **content}

    async def push(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """An update for the next poll."""
        update = self.update(content)
        await self.push_again(update)
        return update

    async def push_again(self, update: dict[str, Any]) -> None:
        """The same update, whether it was there before or not."""
        self.updates.append(update)
        await self._tell()

    # The Bot API

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["token"] != self.token:
            return _error(401, "Unauthorized")
        method = request.match_info["method"]
        args = {name: _value(str(value)) for name, value in (await request.post()).items()}
        self.calls.append(Call(method=method, args=args))
        await self._tell()
        trouble = self._trouble[method].popleft() if self._trouble[method] else None
        if trouble is not None and trouble.kind != "close_after":
            return await self._misbehave(request, trouble)
        handler = getattr(self, f"_{method.lower()}", None)
        if handler is None:
            return _error(404, "Not Found")
        answer: web.StreamResponse = await handler(args)
        await self._tell()
        if trouble is not None:
            return await self._misbehave(request, trouble)
        return answer

    async def _misbehave(self, request: web.Request, trouble: Trouble) -> web.StreamResponse:
        if trouble.kind == "status":
            return _error(trouble.status, trouble.description, trouble.parameters)
        if trouble.kind == "hang":
            await self._closing.wait()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def _getme(self, args: Mapping[str, Any]) -> web.Response:
        return _ok({**BOT, "can_join_groups": True, "can_read_all_group_messages": False})

    async def _getupdates(self, args: Mapping[str, Any]) -> web.Response:
        if self.webhook.get("url"):
            return _error(409, "Conflict: can't use getUpdates method while webhook is active")
        if self.polls:
            return _error(409, "Conflict: terminated by other getUpdates request")
        offset = int(args.get("offset", 0))
        self.confirmed = max(self.confirmed, offset - 1)
        self.updates = [update for update in self.updates if update["update_id"] >= offset]
        self.polls += 1
        self.most_polls = max(self.most_polls, self.polls)
        try:
            await self._tell()
            async with asyncio.timeout(float(args.get("timeout", 0))), self._changed:
                await self._changed.wait_for(lambda: self.updates or self._closing.is_set())
        except TimeoutError:
            pass
        finally:
            self.polls -= 1
        return _ok(self.updates[: int(args.get("limit", 100))])

    async def _sendmessage(self, args: Mapping[str, Any]) -> web.Response:
        text = str(args["text"])
        if len(text.encode("utf-16-le")) // 2 > 4096:
            return _error(400, "Bad Request: message is too long")
        return self._deliver(args, text=text)

    async def _sendphoto(self, args: Mapping[str, Any]) -> web.Response:
        return self._deliver(args, text=str(args.get("caption", "")), photo=str(args["photo"]))

    def _deliver(self, args: Mapping[str, Any], *, text: str, photo: str | None = None) -> web.Response:
        rows = (args.get("reply_markup") or {}).get("inline_keyboard", [])
        if any(len(str(button.get("callback_data", "")).encode()) > 64 for row in rows for button in row):
            return _error(400, "Bad Request: BUTTON_DATA_INVALID")
        chat = int(args["chat_id"])
        sent = Sent(chat=chat, message_id=next(self._message_ids), text=text, photo=photo, buttons=rows)
        self.sent.append(sent)
        self.keyboards[chat, sent.message_id] = rows
        body = {"message_id": sent.message_id, "date": _DATE, "chat": {"id": chat, "type": "private"}}
        return _ok({**body, "from": BOT, "text": text})

    async def _editmessagereplymarkup(self, args: Mapping[str, Any]) -> web.Response:
        key = (int(args["chat_id"]), int(args["message_id"]))
        if key not in self.keyboards:
            return _error(400, "Bad Request: message to edit not found")
        self.keyboards[key] = (args.get("reply_markup") or {}).get("inline_keyboard", [])
        return _ok({"message_id": key[1], "date": _DATE, "chat": {"id": key[0], "type": "private"}})

    async def _answercallbackquery(self, args: Mapping[str, Any]) -> web.Response:
        return _ok(True)

    async def _getfile(self, args: Mapping[str, Any]) -> web.Response:
        return _ok(
            {"file_id": args["file_id"], "file_unique_id": "u", "file_path": f"files/{args['file_id']}"}
        )

    async def _setwebhook(self, args: Mapping[str, Any]) -> web.Response:
        self.webhook = dict(args)
        return _ok(True)

    async def _deletewebhook(self, args: Mapping[str, Any]) -> web.Response:
        self.webhook = {}
        return _ok(True)

    async def _setmycommands(self, args: Mapping[str, Any]) -> web.Response:
        return _ok(True)

    async def _file(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["path"].removeprefix("files/")])

    async def close(self) -> None:
        """Let everything go that hangs."""
        self._closing.set()
        await self._tell()

    def app(self) -> web.Application:
        """The web application."""
        app = web.Application()
        app.router.add_post("/bot{token}/{method}", self._serve)
        app.router.add_get(f"/file/bot{self.token}/{{path:.+}}", self._file)
        return app


@asynccontextmanager
async def telegram_server() -> AsyncIterator[TelegramServer]:
    """A running server on a free port of the loopback address; `server.url` is the base address of its Bot API."""
    server = TelegramServer()
    runner = web.AppRunner(server.app(), shutdown_timeout=1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}"
    try:
        yield server
    finally:
        await server.close()
        await runner.cleanup()


def _value(text: str) -> Any:
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, dict | list) else text


def _ok(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _error(status: int, description: str, parameters: Mapping[str, Any] | None = None) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    return web.json_response({**body, **({"parameters": parameters} if parameters else {})}, status=status)
