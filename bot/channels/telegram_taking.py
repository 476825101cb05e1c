"""What becomes of an update from Telegram: a turn of the conversation, and a tidy button (N1, C16)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import structlog
import telegram
from telegram.error import TelegramError

from bot.channels import telegram_reading as reading
from bot.channels.voice_note import words_of
from bot.house import House
from data import conversations
from data.models import Conversation, Message, Outgoing
from flows import staff_chat
from flows.messages import Incoming
from nlu.understanding import Context

log = structlog.get_logger(__name__)

_LISTENING = 8.0  # seconds for fetching and recognising a voice note
_LARGEST = 2_000_000  # bytes of one: more than ten minutes of Opus


class Taker:
    """Hands updates to the turn. What is only pleasant, such as tidying buttons, happens beside it."""

    def __init__(self, house: House, bot: telegram.Bot, number: int) -> None:
        self._house, self._bot = house, bot
        self._number = number  # the bot's id at Telegram
        self._beside: set[asyncio.Task[None]] = set()
        self.username: str | None = None  # of the bot, once it is known

    def person(self, update: dict[str, Any]) -> int:
        """Whose line an update stands in; 0 for nobody's."""
        read = self._read(update)
        person = reading.person_of(read) if read is not None else None
        return person.id if person is not None else 0

    async def close(self) -> None:
        """Drop what is still being done beside."""
        for task in tuple(self._beside):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def take(self, update: dict[str, Any]) -> None:
        """Answer one update; returns after the commit. Raises when it is not committed; what cannot be read is passed."""
        read = self._read(update)
        if read is None:
            return
        if read.callback_query is not None:
            await self._take_press(read.callback_query)
            return
        incoming = reading.incoming(read, self._number, self.username, self._is_cry)
        if incoming is None:
            return
        if incoming.kind == "voice" and not incoming.text:
            incoming = replace(incoming, text=await self._listen(incoming))
        await self._turn(incoming, reading.person_of(read))

    async def _listen(self, incoming: Incoming) -> str:
        """The words of a recording; "" when they cannot be had soon: others wait for their answers."""
        async with self._house.work("resident") as work:
            known = await conversations.find(work, channel=reading.CHANNEL, sender=incoming.sender)
        try:
            async with asyncio.timeout(_LISTENING):
                file = await self._bot.get_file(incoming.data["ref"])
                if (file.file_size or 0) > _LARGEST:
                    return ""
                sound = bytes(await file.download_as_bytearray())
                return await words_of(self._house, sound, "en" if known and known.language == "en" else "zh")
        except (TelegramError, TimeoutError) as error:
            log.warning("telegram.not_heard", kind=type(error).__name__)
            return ""

    def _read(self, update: dict[str, Any]) -> telegram.Update | None:
        try:
            return telegram.Update.de_json(update, self._bot)
        except Exception as error:
            log.error("telegram.unreadable", update=update.get("update_id"), kind=type(error).__name__)
            return None

    def _is_cry(self, words: str) -> bool:
        judged = self._house.turns.parser.judge(words, Context(now=self._house.clock.now()))
        return judged is not None and judged.level <= 3

    async def _turn(self, incoming: Incoming, person: telegram.User | None) -> None:
        if person is not None and (person.language_code or "").startswith("en"):
            await self._meet_in_english(incoming.sender)
        await self._house.turns.handle(incoming)
        self._house.outbox.wake()

    async def _meet_in_english(self, sender: str) -> None:
        """A new person whose Telegram speaks English is first spoken to in English."""
        async with self._house.work("resident") as work:
            if await conversations.find(work, channel=reading.CHANNEL, sender=sender) is None:
                conversation = await conversations.enter(work, channel=reading.CHANNEL, sender=sender)
                if conversation.resident_id is None:
                    conversation.language = "en"

    async def _take_press(self, query: telegram.CallbackQuery) -> None:
        self._do_beside(self._stop_spinning(query.id))
        pressed = reading.pressed(query)
        if pressed is not None and pressed.source == "notice":
            title = await self._staff_press(pressed)
            self._do_beside(self._mark(query, title))
            return
        button = await self._button(pressed) if pressed is not None else None
        if pressed is not None and button is not None:
            # The same button pressed twice is one choice: an elder's second tap must not answer the next question.
            key = f"{self._number}:b{pressed.id}:{pressed.index}"
            text, data = button["payload"], {"title": button["title"]}
        else:
            key, text, data = f"{self._number}:q{query.id}", "", {}
        incoming = Incoming(
            channel=reading.CHANNEL,
            sender=str(query.from_user.id),
            text=text,
            message_id=key,
            kind="button",
            data=data,
        )
        await self._turn(incoming, query.from_user)
        self._do_beside(self._mark(query, data.get("title")))

    async def _button(self, pressed: reading.Pressed) -> dict[str, str] | None:
        """The button, if it stood under a message to this very person."""
        async with self._house.database.transaction() as session:
            message = await session.get(Message, pressed.id)
            conversation = (
                await session.get(Conversation, message.conversation_id) if message is not None else None
            )
        if message is None or conversation is None:
            return None
        if conversation.channel != reading.CHANNEL or conversation.sender != pressed.sender:
            return None
        button = reading.button_of(message.payload, pressed.index)
        return dict(button) if button is not None else None

    async def _staff_press(self, pressed: reading.Pressed) -> str | None:
        """A button under a notice to a member of staff (H10); gives its title, None when it is not theirs to press."""
        async with self._house.work("bot") as work:
            notice = await work.session.get(Outgoing, pressed.id)
            member = await staff_chat.member_of(work, pressed.sender)
        if (
            notice is None
            or member is None
            or (notice.channel, notice.target)
            != (
                reading.CHANNEL,
                pressed.sender,
            )
        ):
            return None
        button = reading.button_of(notice.body, pressed.index)
        if button is None:
            return None
        house = self._house
        async with house.work(f"staff:{member.id}", community=member.community) as work:
            await staff_chat.press(
                work, house.world, house.turns.engine, pressed.sender, member, button["payload"]
            )
        return button["title"]

    # Beside

    async def _stop_spinning(self, query_id: str) -> None:
        await self._bot.answer_callback_query(query_id)

    async def _mark(self, query: telegram.CallbackQuery, title: str | None) -> None:
        """Leave only what was chosen; pressed again, it counts no second time."""
        if query.message is None:
            return
        chosen = None
        if title is not None:
            button = telegram.InlineKeyboardButton(f"✓ {title}", callback_data=query.data)
            chosen = telegram.InlineKeyboardMarkup([[button]])
        await self._bot.edit_message_reply_markup(
            chat_id=query.message.chat.id, message_id=query.message.message_id, reply_markup=chosen
        )

    def _do_beside(self, work: Coroutine[None, None, None]) -> None:
        """Do something pleasant without which everything works, while the rest goes on."""
        task = asyncio.create_task(tried(work))
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)


async def tried(work: Coroutine[None, None, None]) -> None:
    """Do something without which the rest works: a fault is only noted."""
    try:
        await work
    except TelegramError as error:
        log.info("telegram.beside_failed", kind=type(error).__name__)
