"""Turning what Anlin says into sound: what every speech engine takes, gives and promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Language = Literal["zh", "en"]

UtteranceKind = Literal["ordinary", "emergency"]
"""`emergency`: what to do until help comes. It is spoken to its end, whatever is said meanwhile (V4)."""

DEFAULT_RATE = 3.25
"""Characters of Chinese a second, to start with (catalogue.md: 3–3.5 for elders; per person after that)."""

SLOWEST_RATE = 1.75
FASTEST_RATE = 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """One thing to be said aloud."""

    text: str  # as it is shown; the engine makes it speakable (voice/saying.py)
    language: Language = "zh"
    rate: float = DEFAULT_RATE  # characters of Chinese a second; English is slowed by the same proportion
    kind: UtteranceKind = "ordinary"
    fixed: bool = False  # a standing prompt without anybody's name, home or health: may be kept on disk

    def __post_init__(self) -> None:
        if not SLOWEST_RATE <= self.rate <= FASTEST_RATE:
            raise ValueError(
                f"rate must be {SLOWEST_RATE}–{FASTEST_RATE} characters a second, got {self.rate}"
            )

    @property
    def interruptible(self) -> bool:
        """Whether the terminal falls silent when the person speaks: everything but an emergency's words."""
        return self.kind != "emergency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """The sound of an utterance."""

    wav: bytes  # a whole WAV file: mono, 16-bit PCM, 22,050 Hz; empty when there was nothing to say
    seconds: float  # how long it plays
    kept: bool = False  # it came from the cache


class SpeechFailed(Exception):
    """The speech engine gave no sound; the words are still on the screen."""

    code = "voice.speech_failed"


class Speaker(Protocol):
    """A speech engine. Safe to use from many conversations at once, on one event loop."""

    async def speak(self, utterance: Utterance) -> Speech:
        """The utterance's sound. Raises SpeechFailed; never blocks the event loop."""
        ...

    async def close(self) -> None:
        """Ends what the engine runs beside this process."""
        ...
