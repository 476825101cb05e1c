"""What comes in from a person and what goes out to them, whatever the channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal[
    "text", "button", "voice", "image", "location", "contact", "sticker", "edited", "sos", "silence"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A choice to press."""

    title: str  # what it says
    payload: str  # what is sent back: "/affirm", "/choose{\"time\": \"2026-11-23T10:00\"}", "/book_service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One message of a person, as a channel took it in."""

    channel: str  # rest, web, terminal, chat, telegram …
    sender: str  # the channel's name for the person
    text: str  # what was written or said; a button's payload; "" for a picture without words
    message_id: str | None = None  # the channel's own id, by which a repeated delivery is recognised
    kind: Kind = "text"
    data: Mapping[str, Any] = field(
        default_factory=dict
    )  # picture: {"ref"}; location: {"lat","lon"}; contact …
    community: str | None = (
        None  # key of the community, where a channel knows it; None: the installation's first
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message to a person."""

    text: str  # as it is read
    speech: str | None = None  # as it is spoken, where that differs
    buttons: tuple[Button, ...] = ()
    image: str | None = None
    custom: Mapping[str, Any] | None = None  # for front ends, e.g. {"alarm": "A20261122-0001"}
    emergency: bool = False  # spoken to its end: nothing may interrupt an emergency's instructions (V4)

    def payload(self) -> dict[str, Any] | None:
        """Everything beside the text, as it is stored with the message; None when there is nothing."""
        parts: dict[str, Any] = {}
        if self.speech:
            parts["speech"] = self.speech
        if self.buttons:
            parts["buttons"] = [{"title": button.title, "payload": button.payload} for button in self.buttons]
        if self.image:
            parts["image"] = self.image
        if self.custom:
            parts["custom"] = dict(self.custom)
        if self.emergency:
            parts["kind"] = "emergency"
        return parts or None
