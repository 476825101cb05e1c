"""Hears whether somebody is speaking just now, before any word is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from voice.recognizer import BYTES_PER_SAMPLE, SAMPLE_RATE

FRAME = SAMPLE_RATE // 50
"""20 ms, in samples: the step in which voice is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What a stretch of sound held. All in samples of 16 kHz."""

    samples: int  # how much sound was judged
    voiced: int  # how much of it was voice
    trailing: int  # how much silence stands at its end; all of it when nothing was voice


class VoiceDetector(Protocol):
    """A judge of voice or no voice. Silero's model fits here too; the energy below needs no download."""

    def feed(self, pcm: bytes) -> Activity:
        """Judges more sound, in order; a frame's incomplete rest waits for the next call."""
        ...


class EnergyDetector:
    """Voice is what stands out of the room's own noise, which is learned all the time.

    The floor falls at once and rises slowly (2 % a frame, half of it in 0.7 s of something that is not voice), so a
    fan that starts is taken for voice for a moment only, and a long sentence never becomes the floor.
    """

    def __init__(self, *, above_noise: float = 3.0, quietest: float = 120.0, hangover: int = 4) -> None:
        """`above_noise`: voice is so many times as loud as the floor (3 = 9.5 dB). `quietest`: below this loudness
        (RMS of 16-bit samples) nothing is voice. `hangover`: frames after voice that still count, for weak endings."""
        self._above_noise = above_noise
        self._quietest = quietest
        self._hangover = hangover
        self._floor = quietest
        self._rest = b""
        self._still = 0

    def feed(self, pcm: bytes) -> Activity:
        sound = self._rest + pcm
        usable = len(sound) // (FRAME * BYTES_PER_SAMPLE) * FRAME * BYTES_PER_SAMPLE
        self._rest = sound[usable:]
        import numpy as np  # a tenth of a second that the service need not wait for when it starts

        frames = np.frombuffer(sound[:usable], dtype="<i2").reshape(-1, FRAME).astype(np.float64)
        voiced = trailing = 0
        for loudness in np.sqrt(np.mean(frames * frames, axis=1)) if len(frames) else ():
            if self._is_voice(float(loudness)):
                voiced += FRAME
                trailing = 0
            else:
                trailing += FRAME
        return Activity(samples=len(frames) * FRAME, voiced=voiced, trailing=trailing)

    def _is_voice(self, loudness: float) -> bool:
        loud = loudness > max(self._quietest, self._floor * self._above_noise)
        if loudness < self._floor:
            self._floor = max(loudness, 1.0)
        else:
            self._floor *= 1.002 if loud else 1.02
            self._floor = min(self._floor, loudness)
        if loud:
            self._still = self._hangover
        elif self._still:
            self._still -= 1
            return True
        return loud
