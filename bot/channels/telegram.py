"""Telegram (N1): residents write to the community's bot; pictures, places and recordings arrive like words.

Messages are polled, or Telegram brings them to `POST /webhooks/telegram`. Either way one counts as taken only after its
turn is committed (P2): the polling offset moves on, or the webhook answers 200, and not before. What comes twice is
recognised by its id. `telegram.ext` is not used: its updater confirms updates before they are worked on.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import structlog
from fastapi import APIRouter, Header, Request, Response
from sqlalchemy.exc import DBAPIError

# The library's own switch for waiting times as timedelta, which it will give anyhow; read at every access.
os.environ.setdefault("PTB_TIMEDELTA", "true")

import telegram
from telegram.error import Conflict, EndPointNotFound, InvalidToken, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from bot.channels import telegram_reading as reading
from bot.channels.telegram_sending import Limits, Sender, seconds
from bot.channels.telegram_taking import Taker, tried
from bot.house import House
from bot.outbox import Delivery
from bot.problems import problem

log = structlog.get_logger(__name__)

NAME = "telegram"
_MENU = ("book_service", "report_repair", "check_status", "set_reminder", "ask_human")
"""Wishes in the menu of Telegram's clients; their titles are the replies `wish_…`."""
_LARGEST = 1_000_000  # bytes of a webhook's body; an update has a few thousand
_GIVE_UP = 8  # attempts at an update that fails while the database works: then others are let past
_AT_ONCE = 8  # people answered side by side


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Waiting times in seconds."""

    poll: int = 25  # how long Telegram holds a poll open when there is nothing new
    grace: float = 10.0  # how much later than that an answer may come before the poll is given up
    idle: float = 0.5  # between two polls that bring nothing, should the server answer them at once
    first: float = 1.0  # before the second attempt after a fault; then twice as long each time
    longest: float = 60.0  # between two attempts at the most
    lock: float = 5.0  # between two looks whether another process still polls
    start: float = 3.0  # how long the start of the product waits to learn whether it works
    end: float = 10.0  # how long messages in work may take when the product stops
    limits: Limits = field(default_factory=Limits)


async def start(house: House, *, polling: bool, pace: Pace = Pace()) -> TelegramBot | None:
    """Begin to carry messages; None without a token. `polling`: this process does background work.

    Never raises for what Telegram does: a refused token or an unreachable API is written into `house.optional`, and
    tried again for as long as the product runs.
    """
    token = house.settings.telegram_token
    if token is None or not token.get_secret_value().strip():
        house.optional[NAME] = "off: set ANLIN_TELEGRAM_TOKEN"
        return None
    bot = TelegramBot(house, token.get_secret_value().strip(), polling=polling, pace=pace)
    house.outbox.carriers[NAME] = bot
    await bot.begin()
    return bot


class TelegramBot:
    """The channel in one process: takes updates, sends messages. It is its own carrier for the outbox."""

    def __init__(self, house: House, token: str, *, polling: bool, pace: Pace = Pace()) -> None:
        api = house.settings.telegram_api
        self.bot = telegram.Bot(
            token,
            base_url=f"{api}/bot",
            base_file_url=f"{api}/file/bot",
            request=HTTPXRequest(connection_pool_size=64, read_timeout=10, pool_timeout=10),
            get_updates_request=HTTPXRequest(connection_pool_size=2, pool_timeout=10),
        )
        self._house, self._pace, self._leads = house, pace, polling
        self._sender = Sender(self.bot, pace.limits)
        number = int(token.partition(":")[0]) if token.partition(":")[0].isdecimal() else 0
        self._taker = Taker(house, self.bot, number)
        self._lock_key = int.from_bytes(hashlib.sha256(token.encode()).digest()[:8], signed=True)
        self._known = asyncio.Event()  # whether it works is known, one way or the other
        self._busy = asyncio.Lock()  # held while updates are in work
        self._task: asyncio.Task[None] | None = None
        self._done: set[int] = set()  # updates that are committed but not yet confirmed
        self._attempts: dict[int, int] = {}  # update → how often it failed

    # Beginning and end

    async def begin(self) -> None:
        """Connect in the background; returns when it is known whether that works, or after a moment."""
        self._say("off: the Bot API has not answered yet; trying again")
        self._task = asyncio.create_task(self._live(), name="telegram")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pace.start):
                await self._known.wait()

    async def stop(self) -> None:
        """Stop; what is in work is finished first. What is not committed by then comes again at the next start."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pace.end):
                await self._busy.acquire()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._taker.close()
        await self.bot.shutdown()

    async def _live(self) -> None:
        pause = self._pace.first
        while True:
            wait, began = 0.0, asyncio.get_running_loop().time()
            try:
                await self._introduce()
                self._say("on")
                if not self._polls:
                    return
                await self._poll_alone()
            except RetryAfter as error:
                wait = seconds(error.retry_after)
            except TelegramError as error:
                self._say(_why(error))
            except Exception as error:  # the database, most likely; whatever it is, it is tried again
                log.warning("telegram.interrupted", kind=type(error).__name__)
            self._known.set()
            if asyncio.get_running_loop().time() - began > self._pace.longest:
                pause = self._pace.first  # it had been working
            await asyncio.sleep(max(wait, pause))
            pause = min(pause * 2, self._pace.longest)

    @property
    def _polls(self) -> bool:
        return self._leads and self._house.settings.telegram_secret is None

    async def _introduce(self) -> None:
        """Ask who we are, which proves token and address; hang up the menu, see to the webhook."""
        await self.bot.initialize()
        self._taker.username = (await self.bot.get_me()).username
        if not self._leads:
            return
        settings = self._house.settings
        if settings.telegram_secret is not None and settings.public_url is not None:
            await self.bot.set_webhook(
                f"{settings.public_url}/webhooks/telegram",
                secret_token=settings.telegram_secret.get_secret_value(),
                allowed_updates=reading.WANTED,
            )
        for language in (None, "en"):
            await tried(self._hang_menu(language))

    async def _hang_menu(self, language: str | None) -> None:
        replies = self._house.world.replies
        commands = [
            telegram.BotCommand(wish, replies.render(f"wish_{wish}", language or "zh").text) for wish in _MENU
        ]
        await self.bot.set_my_commands(commands, language_code=language)

    def _say(self, state: str) -> None:
        if self._house.optional.get(NAME) != state:
            self._house.optional[NAME] = state
            log.info("telegram.state", state=state)
        if state == "on":
            self._known.set()

    # Polling

    async def _poll_alone(self) -> None:
        """Poll as the only process that does; wait as long as another one does (K8)."""
        async with self._guarded() as guard:
            # Telegram gives no updates to a poll while a webhook is set.
            await tried(self._unhook())
            await self._poll(guard)

    async def _unhook(self) -> None:
        await self.bot.delete_webhook()

    @asynccontextmanager
    async def _guarded(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """A connection of its own that holds the lock of this bot's only poller; a lost one loses the lock."""
        connection = await psycopg.AsyncConnection.connect(self._house.database.conninfo, autocommit=True)
        async with connection:
            while True:
                asked = await connection.execute("SELECT pg_try_advisory_lock(%s)", (self._lock_key,))
                row = await asked.fetchone()
                if row is not None and row[0]:
                    break
                await asyncio.sleep(self._pace.lock)
            yield connection

    async def _poll(self, guard: psycopg.AsyncConnection[Any]) -> None:
        offset: int | None = None  # Telegram knows what was confirmed before
        pause = self._pace.first
        now = asyncio.get_running_loop().time
        while True:
            await guard.execute("SELECT 1")
            began = now()
            updates = await self._fetch(offset)
            self._say("on")
            if not updates:
                if now() - began < self._pace.idle:
                    await asyncio.sleep(self._pace.idle)  # a server that does not hold polls open
                continue
            async with self._busy:
                offset, all_taken = await self._take_all(updates)
            if all_taken:
                pause = self._pace.first
            else:
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._pace.longest)

    async def _fetch(self, offset: int | None) -> list[dict[str, Any]]:
        """What is new, as Telegram sent it: one update that cannot be read must not hold up the others."""
        arguments: dict[str, Any] = {"timeout": self._pace.poll, "allowed_updates": list(reading.WANTED)}
        if offset is not None:
            arguments["offset"] = offset
        # "get_Updates" becomes getUpdates; by that name the library would point to get_updates, which reads them all
        # or none, and logs what residents wrote.
        found = await self.bot.do_api_request(
            "get_Updates", arguments, read_timeout=self._pace.poll + self._pace.grace
        )
        return [update for update in found if _id(update) >= (offset or 1)] if isinstance(found, list) else []

    async def _take_all(self, updates: Sequence[dict[str, Any]]) -> tuple[int, bool]:
        """Take them, each person's in order; gives the offset up to which all are committed, and whether it is all."""
        ordered = sorted(updates, key=_id)
        lines: dict[int, list[dict[str, Any]]] = {}
        for update in ordered:
            if _id(update) not in self._done:
                lines.setdefault(self._taker.person(update), []).append(update)
        room = asyncio.Semaphore(_AT_ONCE)
        failed = [
            first
            for first in await asyncio.gather(*(self._take_line(line, room) for line in lines.values()))
            if first is not None
        ]
        offset = min(failed, default=_id(ordered[-1]) + 1)
        self._done = {done for done in self._done if done >= offset}
        return offset, not failed

    async def _take_line(self, updates: Sequence[dict[str, Any]], room: asyncio.Semaphore) -> int | None:
        """One person's updates, in order; gives the first that did not go through."""
        async with room:
            for update in updates:
                number = _id(update)
                try:
                    await self.take(update)
                except Exception as error:
                    self._attempts[number] = self._attempts.get(number, 0) + 1
                    log.warning("telegram.not_taken", update=number, kind=type(error).__name__)
                    if isinstance(error, DBAPIError) or self._attempts[number] < _GIVE_UP:
                        return number
                    log.error("telegram.given_up", update=number)
                self._attempts.pop(number, None)
                self._done.add(number)
        return None

    async def take(self, update: dict[str, Any]) -> None:
        """Answer one update; returns after the commit. Raises when it is not committed."""
        await self._taker.take(update)

    async def send(self, delivery: Delivery) -> None:
        """Bring a message to its chat. Raises NotDelivered."""
        await self._sender.send(delivery)


def build_telegram(house: House) -> APIRouter:
    """`POST /webhooks/telegram`."""
    router = APIRouter(tags=["telegram"])

    @router.post("/webhooks/telegram", include_in_schema=False)
    async def webhook(
        request: Request, secret: str = Header("", alias="X-Telegram-Bot-Api-Secret-Token")
    ) -> Response:
        """200 after the commit; anything else makes Telegram send the update again."""
        expected = house.settings.telegram_secret
        if expected is None or not hmac.compare_digest(secret.encode(), expected.get_secret_value().encode()):
            return problem(403, "forbidden", "The secret of the webhook is missing or wrong.")
        bot = house.outbox.carriers.get(NAME)
        if not isinstance(bot, TelegramBot):
            return problem(503, "telegram_off", "Telegram is not switched on in this process.")
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LARGEST:
                return problem(413, "too_large", "This is no update of Telegram.")
        try:
            update = json.loads(body)
        except (ValueError, RecursionError):  # the latter: nested deeper than anything real
            update = None
        if not isinstance(update, dict) or not _id(update):
            return problem(400, "invalid", "This is no update of Telegram.")
        try:
            await bot.take(update)
        except Exception as error:
            log.warning("telegram.not_taken", update=_id(update), kind=type(error).__name__)
            return problem(503, "not_taken", "The message could not be kept; please send it again.")
        return Response(status_code=200)

    return router


def _id(update: object) -> int:
    """The number of an update; 0 when it is none."""
    number = update.get("update_id") if isinstance(update, dict) else None
    return number if isinstance(number, int) and number > 0 else 0


def _why(error: TelegramError) -> str:
    """Why it does not work, for the operator; never the library's own words, which may hold the token."""
    if isinstance(error, InvalidToken | EndPointNotFound):
        return "off: the token is refused; check ANLIN_TELEGRAM_TOKEN and ANLIN_TELEGRAM_API"
    if isinstance(error, Conflict):
        return "off: another program polls this bot; trying again"
    return "off: the Bot API does not answer; check ANLIN_TELEGRAM_API; trying again"
