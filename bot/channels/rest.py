"""REST in the shape of Rasa's REST channel, so that front ends made for Rasa work unchanged (N4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, field_validator

from bot.house import House
from data import conversations
from data.models import Message
from flows.messages import Incoming

_LONGEST_BODY = 20_000  # characters; more than this is no message of a person


class Posted(BaseModel):
    """What a front end sends."""

    model_config = ConfigDict(extra="ignore")

    sender: str = Field(min_length=1, max_length=200, description="The front end's name for the person")
    message: str = Field(max_length=_LONGEST_BODY, description="What was written, or a button's payload")
    message_id: str | None = Field(
        None,
        max_length=200,
        description="The same id again is answered with the same messages and does nothing twice",
    )
    metadata: dict[str, Any] = Field(default_factory=dict)

    @field_validator("sender", "message_id")
    @classmethod
    def _storable(cls, value: str | None) -> str | None:
        if value is not None and any(
            ord(character) < 32 or 0xD800 <= ord(character) < 0xE000 for character in value
        ):
            raise ValueError("must not contain control characters")
        return value


class ButtonOut(BaseModel):
    """A choice to press: send `payload` back as the message."""

    title: str
    payload: str


class Answer(BaseModel):
    """One message to the person."""

    recipient_id: str
    text: str | None = None
    image: str | None = None
    buttons: list[ButtonOut] | None = None
    custom: dict[str, Any] | None = None


class Later(BaseModel):
    """One message that was said without being asked for: a member of staff, a reminder, a check-in."""

    id: str
    at: str
    text: str
    sender: str = Field(serialization_alias="from")
    buttons: list[ButtonOut] | None = None


class Caught(BaseModel):
    """What was said since a cursor."""

    messages: list[Later]
    cursor: str


def build_rest(house: House) -> APIRouter:
    """The two routes of the channel."""
    router = APIRouter(prefix="/webhooks/rest", tags=["rest channel"])

    @router.post("/webhook", response_model=list[Answer], response_model_exclude_none=True)
    async def webhook(posted: Posted) -> list[Answer]:
        """Say something to the bot and get its answers."""
        answered = await house.turns.handle(
            Incoming(
                channel="rest",
                sender=posted.sender,
                text=posted.message,
                message_id=posted.message_id,
                community=_community(posted.metadata),
            )
        )
        house.outbox.wake()
        return [_answer(posted.sender, message) for message in answered.messages]

    @router.get("/messages", response_model=Caught, response_model_exclude_none=True)
    async def messages(
        sender: str = Query(min_length=1, max_length=200), after: str = Query("0", pattern=r"^\d{0,18}$")
    ) -> Caught:
        """What was said to a sender since a cursor, apart from the answers a POST returned."""
        async with house.work("bot") as work:
            conversation = await conversations.find(work, channel="rest", sender=sender)
            found: Sequence[Message] = ()
            if conversation is not None:
                found = await conversations.messages_after(
                    work, conversation, int(after or "0"), unless_answered_via="rest"
                )
            zone = work.zone
        return Caught(
            messages=[
                Later(
                    id=str(message.id),
                    at=message.at.astimezone(zone).isoformat(),
                    text=message.text,
                    sender="staff" if message.author.startswith("staff:") else "bot",
                    buttons=_buttons(message),
                )
                for message in found
            ],
            cursor=str(found[-1].id) if found else (after or "0"),
        )

    return router


def _community(metadata: dict[str, Any]) -> str | None:
    named = metadata.get("community")
    return named if isinstance(named, str) and len(named) <= 64 and named.isprintable() else None


def _answer(sender: str, message: Message) -> Answer:
    payload = message.payload or {}
    return Answer(
        recipient_id=sender,
        text=message.text or None,
        image=payload.get("image"),
        buttons=_buttons(message),
        custom=payload.get("custom"),
    )


def _buttons(message: Message) -> list[ButtonOut] | None:
    buttons = (message.payload or {}).get("buttons")
    return [ButtonOut(**button) for button in buttons] if buttons else None
