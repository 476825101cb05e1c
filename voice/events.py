"""What a voice terminal and the service tell each other: small JSON messages, and sound as binary frames.

Address: `/terminal/ws?device=NAME`. Every text frame is one JSON object with a `type`; `encode` and `decode` are the one
codec. Binary frames have one meaning in each direction: from the terminal, microphone sound (16 kHz, mono, 16-bit
little-endian PCM, 100 ms a frame); to the terminal, the WAV file that the `audio` message just before it announced.
The order of a conversation, and what each side does after a lost connection, are in docs/voice.md.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, fields
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

Language = Literal["zh", "en"]
Microphone = Literal["on", "off", "denied", "missing"]
Hearing = Literal["ready", "loading", "unavailable"]
Speaker = Literal["bot", "staff", "resident"]
AlarmState = Literal["raised", "acknowledged", "on_way", "on_site", "resolved", "taken_back"]


class BadEvent(ValueError):
    """A frame that is no message of this protocol; the connection goes on without it."""

    code = "terminal.bad_event"


# ── from the terminal ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """The first message of every connection."""

    language: Language
    after: str | None = None  # the last `Message.cursor` shown: everything later is sent again
    microphone: Microphone = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Words by touch or keyboard."""

    id: str  # made by the terminal; sent again after a lost connection, does nothing twice
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button of a message was pressed."""

    id: str  # as in Say
    title: str  # what stood on it
    payload: str  # what it means


@dataclass(frozen=True, slots=True, kw_only=True)
class Sos:
    """The red button: an alarm, at once, no question asked."""

    id: str  # as in Say


@dataclass(frozen=True, slots=True, kw_only=True)
class SosTakenBack:
    """Pressed by mistake (E8: staff still call back)."""

    id: str  # as in Say
    sos: str  # the id of the Sos


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """The talk button: `on` begins a sentence, off ends it now instead of after a silence."""

    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MicrophoneChanged:
    """Whether sound will come, and if not, why."""

    state: Microphone


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioEnded:
    """A sound is no longer playing."""

    id: str  # of the Audio
    whole: bool  # played to its end; False: stopped, or it could not be played


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """Every 20 s; answered by Pong, else the terminal connects anew."""


# ── to the terminal ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A choice under a message."""

    title: str
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """The answer to Hello; missed messages follow."""

    hearing: Hearing  # whether speech is recognised
    reason: str | None = None  # voice.recognizer.UnavailableReason, with `unavailable`
    name: str | None = None  # the person the terminal belongs to, as addressed
    type_size: int | None = None  # px, from the person's profile; the terminal's own setting wins


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something said, to be shown; also what the resident said, once it is understood."""

    id: str
    cursor: str  # remembered by the terminal, for Hello.after
    speaker: Speaker
    text: str
    at: str  # ISO 8601 with offset
    name: str | None = None  # of the officer, with `staff`
    buttons: tuple[Button, ...] = ()
    emergency: bool = False  # shown as such; its sound cannot be interrupted


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """What the recogniser understands so far; replaces the caption before. Empty: take it away."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """The next binary frame is a WAV file, to be played after what is playing."""

    id: str
    message: str  # id of the Message it reads
    interruptible: bool  # False: the talk button does not stop it (V4)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAudio:
    """Fall silent: these were interrupted."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Whether a sentence is being waited for; the service may begin by itself, after a question."""

    on: bool
    reason: str | None = None  # with off: voice.endpoint.EndReason


@dataclass(frozen=True, slots=True, kw_only=True)
class HearingChanged:
    """Recognition became ready, or was lost."""

    hearing: Hearing
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """How the alarm of this home stands."""

    state: AlarmState
    number: str | None = None  # A20261122-0007
    who: str | None = None  # who acknowledged or comes
    sos: str | None = None  # id of the Sos it answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The service has kept a Say, Press, Sos or SosTakenBack: it need not be sent again."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something went wrong; `code` has words in the page's strings (`fault.*`), unknown ones a general sentence."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong:
    """The answer to Ping."""


FromTerminal = Hello | Say | Press | Sos | SosTakenBack | Listen | MicrophoneChanged | AudioEnded | Ping
ToTerminal = (
    Welcome
    | Message
    | Caption
    | Audio
    | StopAudio
    | Listening
    | HearingChanged
    | Alarm
    | Taken
    | Fault
    | Pong
)
Event = FromTerminal | ToTerminal


def type_name(event: type[Any]) -> str:
    """The `type` of a message on the wire: `SosTakenBack` → `sos_taken_back`."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in event.__name__).lstrip("_")


_FROM_TERMINAL: dict[str, type[Any]] = {type_name(kind): kind for kind in get_args(FromTerminal)}
_TO_TERMINAL: dict[str, type[Any]] = {type_name(kind): kind for kind in get_args(ToTerminal)}
_KINDS = _FROM_TERMINAL | _TO_TERMINAL
_LONGEST = 8_000  # characters of a frame from a terminal


def encode(event: Event) -> str:
    """The text frame of a message; optional fields that are None or empty are left out."""
    body = {"type": type_name(type(event))}
    return json.dumps(body | _plain(event), ensure_ascii=False, separators=(",", ":"))


def decode(frame: str) -> Event:
    """The message of a text frame. Raises BadEvent; unknown fields are ignored, so that either side can be newer."""
    if len(frame) > _LONGEST:
        raise BadEvent(f"a frame of {len(frame)} characters")
    try:
        body = json.loads(frame)
    except ValueError as error:
        raise BadEvent("no JSON") from error
    kind = (
        _KINDS.get(body.get("type", ""))
        if isinstance(body, dict) and isinstance(body.get("type"), str)
        else None
    )
    if kind is None:
        raise BadEvent("no message of this protocol")
    event: Event = _build(kind, body)
    return event


def decode_from_terminal(frame: str) -> FromTerminal:
    """`decode`, for the service: what only the service may say is refused."""
    event = decode(frame)
    if isinstance(event, FromTerminal):
        return event
    raise BadEvent(f"{type_name(type(event))} is not a terminal's to say")


def _plain(event: Any) -> dict[str, Any]:
    body = {}
    for field in fields(event):
        value = getattr(event, field.name)
        if field.default in (None, ()) and value == field.default:
            continue
        body[field.name] = (
            [_plain(v) if isinstance(v, Button) else v for v in value] if isinstance(value, tuple) else value
        )
    return body


def _build(kind: type[Any], body: dict[str, Any]) -> Any:
    hints = get_type_hints(kind)
    values = {}
    for field in fields(kind):
        if field.name in body:
            values[field.name] = _value(
                f"{type_name(kind)}.{field.name}", hints[field.name], body[field.name]
            )
        elif field.default is MISSING:
            raise BadEvent(f"{type_name(kind)} without {field.name}")
    return kind(**values)


def _value(where: str, hint: Any, value: Any) -> Any:
    """The value, if it is of the type that the field has."""
    if get_origin(hint) in (Union, UnionType):
        if value is None and type(None) in get_args(hint):
            return None
        hint = next(option for option in get_args(hint) if option is not type(None))
    if get_origin(hint) is Literal:
        good = isinstance(value, str) and value in get_args(hint)
    elif get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise BadEvent(f"{where} is no list")
        item = get_args(hint)[0]
        return tuple(_value(where, item, entry) for entry in value)
    elif hint is Button:
        if not isinstance(value, dict):
            raise BadEvent(f"{where} is no button")
        return _build(Button, value)
    else:
        good = type(value) is hint
    if not good:
        raise BadEvent(f"{where} has a wrong value")
    return value
