"""What a Telegram update says, in Anlin's words: text, pictures, places, recordings, edits; and whether it is meant for us.

A group never becomes a conversation. Who addresses the bot there, or cries for help there, is answered in private:
homes, health and the like are no business of a group.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import telegram

from flows.messages import Incoming, Kind

CHANNEL = "telegram"
WANTED = ("message", "edited_message", "callback_query")
"""Kinds of updates that Telegram is asked for."""

_COMMANDS = {"/start": "/greet", "/help": "/help", "/cancel": "/stop"}
"""What Telegram's clients send by themselves or teach people to send, and the wish it stands for."""
_COMMAND = re.compile(r"(/[a-z][a-z0-9_]*)(?:@(\w+))?(?:\s.*)?", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """A button under one of our messages was pressed."""

    sender: str  # the person's id at Telegram
    source: Literal["message", "notice"]  # of a conversation, or to a member of staff
    id: int  # of data.models.Message or data.models.Outgoing
    index: int  # of the button, from 0


def person_of(update: telegram.Update) -> telegram.User | None:
    """Who acts; None for channels and anonymous administrators, with whom nobody can speak in private."""
    if update.callback_query is not None:
        return update.callback_query.from_user
    message = update.message or update.edited_message
    return message.from_user if message is not None else None


def pressed(query: telegram.CallbackQuery) -> Pressed | None:
    """Which button was pressed; None when it is none of ours."""
    match = re.fullmatch(r"([mo]):(\d{1,18}):(\d{1,3})", query.data or "", re.ASCII)
    if match is None:
        return None
    return Pressed(
        sender=str(query.from_user.id),
        source="message" if match[1] == "m" else "notice",
        id=int(match[2]),
        index=int(match[3]),
    )


def button_data(source: Literal["message", "notice"], number: int, index: int) -> str:
    """What a button carries: Telegram allows 64 bytes, so the payload stays in the database, where a restart finds it."""
    return f"{'m' if source == 'message' else 'o'}:{number}:{index}"


def incoming(
    update: telegram.Update, bot_id: int, username: str | None, is_cry: Callable[[str], bool]
) -> Incoming | None:
    """The message of an update; None when it is not for the bot or says nothing.

    `is_cry` judges whether words are a cry for help: in a group these need not be addressed to anybody (E1).
    """
    message = update.message or update.edited_message
    person = person_of(update)
    if message is None or person is None or person.is_bot:
        return None
    kind, data = _content(message)
    words = message.text or message.caption or ""
    if message.chat.type != telegram.constants.ChatType.PRIVATE:
        if not _addressed(message, words, bot_id, username) and not is_cry(words):
            return None
        words = _without_name(words, username)
    # A bot of another name numbers its messages anew, so its id is part of theirs.
    message_id = f"{bot_id}:{message.chat.id}:{message.message_id}"
    if update.edited_message is not None:
        if not words:
            return None  # a live location that moved, a button that was taken away: nobody said anything
        data = {**data, "edits": message_id}
        kind, message_id = "edited", f"{message_id}:e{update.update_id}"
    return Incoming(
        channel=CHANNEL,
        sender=str(person.id),
        text=_wish(words),
        message_id=message_id,
        kind=kind,
        data=data,
    )


def _content(message: telegram.Message) -> tuple[Kind, dict[str, Any]]:
    """What is in a message beside its words."""
    if message.photo:
        return "image", _file(message.photo[-1], caption=message.caption)  # the last is the largest
    if message.document and (message.document.mime_type or "").startswith("image/"):
        return "image", _file(message.document, caption=message.caption)
    if message.location:
        named = {"name": message.venue.title} if message.venue else {}
        return "location", {"lat": message.location.latitude, "lon": message.location.longitude, **named}
    if message.contact:
        return "contact", _contact(message.contact, message.from_user)
    recording = message.voice or message.audio
    if recording:
        return "voice", _file(recording, mime_type=recording.mime_type)
    if message.sticker:
        return "sticker", _file(message.sticker, emoji=message.sticker.emoji)
    if message.text is not None:
        return "text", {}
    # A film, a poll, a dice: it is heard and answered like a sticker.
    return "sticker", {"caption": message.caption} if message.caption else {}


def _file(file: Any, **more: Any) -> dict[str, Any]:
    return {"ref": file.file_id, **{name: value for name, value in more.items() if value is not None}}


def _contact(contact: telegram.Contact, sender: telegram.User | None) -> dict[str, Any]:
    names = (
        (contact.last_name, contact.first_name) if _han(contact) else (contact.first_name, contact.last_name)
    )
    name = ("" if _han(contact) else " ").join(part for part in names if part)
    own = sender is not None and contact.user_id == sender.id
    return {"phone": contact.phone_number, "name": name, "own": own}


def _han(contact: telegram.Contact) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in contact.first_name)


def _addressed(message: telegram.Message, words: str, bot_id: int, username: str | None) -> bool:
    replied = message.reply_to_message
    if replied is not None and replied.from_user is not None and replied.from_user.id == bot_id:
        return True
    return username is not None and _name(username).search(words) is not None


def _name(username: str) -> re.Pattern[str]:
    return re.compile(rf"@{re.escape(username)}(?!\w)", re.IGNORECASE | re.ASCII)


def _without_name(words: str, username: str | None) -> str:
    return _name(username).sub("", words).strip() if username is not None else words


def _wish(words: str) -> str:
    """Telegram's own commands as the wishes they stand for; anything else as it is."""
    match = _COMMAND.fullmatch(words.strip())
    if match is None:
        return words
    command = match[1].lower()
    return _COMMANDS.get(command, command if match[2] else words)


def button_of(payload: Mapping[str, Any] | None, index: int) -> Mapping[str, str] | None:
    """The button a message was sent with, {title, payload}; None when it has none at that place."""
    buttons = (payload or {}).get("buttons") or ()
    return buttons[index] if index < len(buttons) else None
