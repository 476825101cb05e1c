"""A recorded message as words: the same ears as the voice terminal's (V9)."""

from __future__ import annotations

import asyncio
import io

import av
import structlog

from bot.house import House
from voice.recognizer import SAMPLE_RATE, RecognitionFailed, Unavailable
from voice.speaker import Language

log = structlog.get_logger(__name__)

LONGEST = 60.0
"""Seconds of a recording that are listened to."""
_BITE = SAMPLE_RATE * 2  # bytes given to the recogniser at a time: one second


async def words_of(house: House, sound: bytes, language: Language) -> str:
    """What is said in a recording (Ogg Opus, MP3, M4A, WAV …); "" when nothing could be understood or nobody hears."""
    hearing = await house.voice.recognizer.open(language)
    if isinstance(hearing, Unavailable):
        return ""
    try:
        pcm = await asyncio.to_thread(_decode, sound)
        for start in range(0, len(pcm), _BITE):
            await hearing.hear(pcm[start : start + _BITE])
        return (await hearing.finish()).text
    except (av.FFmpegError, RecognitionFailed, IndexError) as error:
        log.warning("voice_note.not_understood", kind=type(error).__name__)
        return ""
    finally:
        await hearing.close()


def _decode(sound: bytes) -> bytes:
    """Mono 16-bit PCM at the recogniser's rate. Raises av.FFmpegError, IndexError (no sound in it)."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    pcm = bytearray()
    with av.open(io.BytesIO(sound), mode="r") as container:
        stream = container.streams.audio[0]
        for frame in container.decode(stream):
            for part in resampler.resample(frame):
                pcm += part.to_ndarray().tobytes()
            if len(pcm) >= LONGEST * SAMPLE_RATE * 2:
                return bytes(pcm[: int(LONGEST * SAMPLE_RATE) * 2])
        for part in resampler.resample(None):
            pcm += part.to_ndarray().tobytes()
    return bytes(pcm)
