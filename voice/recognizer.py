"""Turning sound into words: what every recogniser takes, gives and promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from voice.speaker import Language

SAMPLE_RATE = 16_000
"""Of all sound that is listened to: mono, 16-bit little-endian PCM, samples a second."""

BYTES_PER_SAMPLE = 2

UnavailableReason = Literal["no_model", "bad_model", "no_engine", "unreachable", "language"]
"""Why nothing can be heard: no model set or found · what is there is no model · the library is missing · the server
does not answer · no model for this language. The page has words for each (`unavailable.*` in its strings)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """Recognition cannot be had; the terminal says so and works by touch."""

    reason: UnavailableReason
    for_log: str  # what somebody who runs this should know and do


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was understood of the sound since the utterance began."""

    text: str  # without the spaces that recognisers put between Chinese words; "" when nothing was heard
    final: bool  # True: the last word on this utterance
    confidence: float | None = None  # 0–1, mean over the words; only with `final`, and if the engine tells


class RecognitionFailed(Exception):
    """The recogniser broke in the middle; the utterance is lost and the person is asked to say it again."""

    code = "voice.recognition_failed"


class Hearing(Protocol):
    """One person being listened to. Calls are made one after another, from one event loop."""

    async def hear(self, pcm: bytes) -> Heard:
        """The text so far, after more sound (any length). Raises RecognitionFailed."""
        ...

    async def finish(self) -> Heard:
        """The final text of the utterance; the next sound begins a new one. Raises RecognitionFailed."""
        ...

    async def close(self) -> None:
        """Frees what the session holds."""
        ...


class Recognizer(Protocol):
    """A recognition engine; one of it serves every terminal."""

    @property
    def name(self) -> str:
        """For logs and health: `vosk`, `wyoming`."""
        ...

    async def open(self, language: Language) -> Hearing | Unavailable:
        """A new session, or why there can be none. Never raises, never blocks the event loop."""
        ...


def join_words(text: str) -> str:
    """Recognised words as people write them: no spaces beside Chinese characters, one between others."""
    words = text.split()
    joined = ""
    for word in words:
        if joined and not (_is_han(joined[-1]) or _is_han(word[0])):
            joined += " "
        joined += word
    return joined


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff"
