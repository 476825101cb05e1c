"""Brings messages to Telegram chats: long ones in parts, buttons under them, no faster than Telegram allows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import telegram
from telegram.error import BadRequest, ChatMigrated, Forbidden, RetryAfter, TelegramError

from bot.channels.telegram_reading import button_data
from bot.outbox import ATTEMPTS, Delivery, NotDelivered

LONGEST = 4096
"""Longest text of one message, in UTF-16 units, as Telegram counts (Bot API, sendMessage)."""
LONGEST_CAPTION = 1024
_MOST_BUTTONS = 100
_BREAKS = ("\n\n", "\n", "。", "；", "！", "？", ". ", "，", " ")
"""Where a long text is parted, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How fast Telegram lets a bot send (core.telegram.org/bots/faq, "My bot is hitting limits")."""

    chat: float = 1.0  # messages a second to one chat
    overall: float = 30.0  # messages a second to all chats; as many may go at once


class Gate:
    """Lets messages through in order, no faster than the limits; an emergency waits only for the overall one."""

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self._limits, self._now = limits, now
        self._free_at: dict[str, float] = {}  # chat → when its next message may go
        self._paid_to = 0.0  # when the overall bucket is full again

    def wait(self, chat: str, *, urgent: bool = False) -> float:
        """Seconds to wait before sending to that chat; the place in line is taken with it."""
        now = self._now()
        if len(self._free_at) > 10_000:
            self._free_at = {known: at for known, at in self._free_at.items() if at > now}
        self._paid_to = max(self._paid_to, now) + 1 / self._limits.overall
        at = max(now, self._paid_to - 1)
        if not urgent:
            at = max(at, self._free_at.get(chat, 0.0))
        self._free_at[chat] = max(at, self._free_at.get(chat, 0.0)) + 1 / self._limits.chat
        return at - now


class Sender:
    """The carrier of the channel. A message of several parts goes on after a failure where it stopped."""

    def __init__(self, bot: telegram.Bot, limits: Limits) -> None:
        self._bot = bot
        self._gate = Gate(limits, lambda: asyncio.get_running_loop().time())
        self._sent: dict[int, int] = {}  # delivery → how many of its parts Telegram has

    async def send(self, delivery: Delivery) -> None:
        """Send every part. Raises NotDelivered: `final` when the chat will never take it, `wait` at a flood limit."""
        urgent = delivery.body.get("kind") == "emergency"
        parts = self._parts(delivery)
        try:
            for number in range(self._sent.get(delivery.id, 0), len(parts)):
                await asyncio.sleep(self._gate.wait(delivery.target, urgent=urgent))
                await parts[number]()
                self._sent[delivery.id] = number + 1
        except TelegramError as error:
            refused = refusal(error)
            if refused.final or delivery.attempts >= ATTEMPTS:
                self._sent.pop(delivery.id, None)
            raise refused from None  # the cause may name the address with the token in it
        self._sent.pop(delivery.id, None)

    def _parts(self, delivery: Delivery) -> Sequence[Callable[[], Awaitable[object]]]:
        text, image = str(delivery.body.get("text") or ""), str(delivery.body.get("image") or "")
        keyboard = _keyboard(delivery)
        chat = delivery.target
        if image and _units(text) <= LONGEST_CAPTION:
            return [partial(self._picture, chat, image, text, keyboard)]
        pieces = split(text)
        parts: list[Callable[[], Awaitable[object]]] = []
        if image:
            parts.append(partial(self._picture, chat, image, None, None))
        for number, piece in enumerate(pieces, 1):
            below = keyboard if number == len(pieces) else None
            parts.append(partial(self._words, chat, piece, below))
        return parts

    async def _words(self, chat: str, text: str, keyboard: telegram.InlineKeyboardMarkup | None) -> None:
        await self._bot.send_message(chat, text, reply_markup=keyboard)

    async def _picture(
        self, chat: str, image: str, caption: str | None, keyboard: telegram.InlineKeyboardMarkup | None
    ) -> None:
        """A picture; `caption` None: its words follow in messages of their own."""
        try:
            await self._bot.send_photo(chat, image, caption=caption or None, reply_markup=keyboard)
        except BadRequest as error:
            if _is_about_chat(error) or caption == "":
                raise
            if caption:  # the picture cannot be had; the words are what counts
                await self._words(chat, caption, keyboard)


def refusal(error: TelegramError) -> NotDelivered:
    """What an answer of the Bot API means for a delivery. Its sentence carries no token and no personal data."""
    if isinstance(error, RetryAfter):
        return NotDelivered("flood limit", wait=seconds(error.retry_after))
    if isinstance(error, Forbidden | BadRequest):
        return NotDelivered(f"{type(error).__name__}: {error.message[:120]}", final=True)
    if isinstance(error, ChatMigrated):
        return NotDelivered("the chat has moved", final=True)
    return NotDelivered(type(error).__name__)


def seconds(period: float | timedelta) -> float:
    """Telegram's waiting time, whichever way the library gives it."""
    return period.total_seconds() if isinstance(period, timedelta) else float(period)


def split(text: str, longest: int = LONGEST) -> list[str]:
    """The text in parts of at most `longest` UTF-16 units, parted where a reader would pause; [] for no text."""
    parts = []
    rest = text.strip()
    while _units(rest) > longest:
        fits = _fitting(rest, longest)
        at = next(
            (found + len(mark) for mark in _BREAKS if (found := rest.rfind(mark, fits // 2, fits)) > 0), fits
        )
        parts.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    return [*parts, rest] if rest else parts


def _fitting(text: str, longest: int) -> int:
    """How many characters of the text have room."""
    room = longest
    for position, character in enumerate(text):
        room -= 2 if ord(character) > 0xFFFF else 1
        if room < 0:
            return position
    return len(text)


def _units(text: str) -> int:
    return len(text) + sum(ord(character) > 0xFFFF for character in text)


def _keyboard(delivery: Delivery) -> telegram.InlineKeyboardMarkup | None:
    """One button a row: large enough for any finger. A payload that is an address opens it."""
    buttons: Sequence[dict[str, Any]] = delivery.body.get("buttons") or ()
    rows = []
    for index, button in enumerate(buttons[:_MOST_BUTTONS]):
        title, payload = str(button["title"]), str(button["payload"])
        if payload.startswith("tel:"):
            continue  # Telegram refuses it, and makes the number in the text one that dials
        if payload.startswith(("http://", "https://")):
            rows.append([telegram.InlineKeyboardButton(title, url=payload)])
        else:
            rows.append([telegram.InlineKeyboardButton(title, callback_data=_data(delivery, index))])
    return telegram.InlineKeyboardMarkup(rows) if rows else None


def _data(delivery: Delivery, index: int) -> str:
    if delivery.message_id is not None:
        return button_data("message", delivery.message_id, index)
    return button_data("notice", delivery.id, index)


def _is_about_chat(error: BadRequest) -> bool:
    return "chat" in error.message.lower() or "peer" in error.message.lower()
