"""The terminal's voice: pyttsx3 on eSpeak NG, a warm process for each sentence, standing prompts kept on disk.

Speed. eSpeak makes about 170 s of sound in a second; starting Python with pyttsx3 costs about 0.1 s. Two workers are
therefore started ahead, each speaks once and is replaced, so that a sentence is ready in a few hundredths of a second
(V10 leaves 750 ms from the end of speech to the first sound).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import json
import os
import re
import sys
import wave
from collections import deque
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from voice.saying import say
from voice.speaker import Language, Speech, SpeechFailed, Utterance

VOICES: dict[Language, str] = {"zh": "cmn", "en": "en"}

SAMPLE_RATE = 22_050

_PACE: dict[Language, tuple[tuple[float, int], ...]] = {
    "zh": (
        (1.72, 80),
        (2.07, 100),
        (2.51, 120),
        (3.00, 140),
        (3.22, 150),
        (3.47, 160),
        (3.98, 180),
        (4.49, 200),
        (5.55, 240),
        (7.31, 300),
    ),
    "en": (
        (2.73, 80),
        (3.25, 100),
        (3.91, 120),
        (4.62, 140),
        (5.28, 160),
        (5.99, 180),
        (6.67, 200),
        (8.12, 240),
    ),
}
"""Characters a second → eSpeak's "words per minute", measured on the sound of 1.52 with pauses, without the silence at
the end. English in the same scale: 3.25 stands for 8.8 letters or 2.2 words a second, unhurried reading aloud."""

_TIMEOUT = 15.0  # seconds; the longest allowed text takes about 3
_LONGEST = 1_200  # characters said in one go; the rest stays on the screen
_PACKAGE_ROOT = Path(__file__).resolve().parent.parent


def words_per_minute(language: Language, rate: float) -> int:
    """eSpeak's setting that sounds like `rate` characters a second (within about 5 % over a few sentences)."""
    table = _PACE[language]
    if rate <= table[0][0]:
        return table[0][1]
    for (slow, low), (fast, high) in pairwise(table):
        if rate <= fast:
            return round(low + (high - low) * (rate - slow) / (fast - slow))
    return table[-1][1]


@cache
def _misread() -> tuple[dict[str, str], dict[str, str], re.Pattern[str]]:
    """Character → phonemes, word → word, and the 儿 that is swallowed: the three parts of espeak.yml."""
    table: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("espeak.yml").read_text(encoding="utf-8"))
    phonemes = {c: f"[[{sound}]]" for characters, sound in table["phonemes"].items() for c in characters}
    swallowed = rf"(?<=[一-鿿])(?<![{table['keep_er_after']}])儿(?![{table['keep_er_before']}])"
    return phonemes, table["words"], re.compile(swallowed)


def readable(spoken: str) -> str:
    """Chinese words as eSpeak reads them rightly; `[[…]]` are eSpeak's phonemes (say() leaves no other brackets)."""
    phonemes, words, swallowed = _misread()
    for word, other in words.items():
        spoken = spoken.replace(word, other)
    return "".join(phonemes.get(character, character) for character in swallowed.sub("", spoken))


class PromptCache:
    """Standing prompts as WAV files in one folder, the least recently used dropped beyond a size.

    Only `Utterance.fixed` ones come here: the folder is not encrypted, so nobody's name or home may be in it (P3).
    """

    def __init__(self, folder: Path, *, max_bytes: int = 64 * 1024 * 1024) -> None:
        self.folder = folder
        self.max_bytes = max_bytes

    def path(self, spoken: str, voice: str, pace: int) -> Path:
        """Where the sound of these words in this voice at this pace is, or would be."""
        digest = hashlib.sha256(f"1\x00{voice}\x00{pace}\x00{spoken}".encode()).hexdigest()
        return self.folder / f"{digest}.wav"

    def read(self, path: Path) -> bytes | None:
        """The kept sound, marked as just used; None when it is not there."""
        try:
            sound = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return sound

    def keep(self, path: Path, sound: bytes) -> None:
        """Writes the sound whole or not at all, then drops the oldest beyond the size. A full disk is no error."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(f".{os.getpid()}.part")
            unfinished.write_bytes(sound)
            unfinished.replace(path)
            self._drop_oldest()
        except OSError:
            return

    def _drop_oldest(self) -> None:
        files = sorted(
            ((file.stat(), file) for file in self.folder.glob("*.wav")), key=lambda row: row[0].st_mtime_ns
        )
        size = sum(status.st_size for status, _ in files)
        for status, file in files:
            if size <= self.max_bytes:
                return
            file.unlink(missing_ok=True)
            size -= status.st_size


class EspeakSpeaker:
    """The default Speaker. `start()` warms it up; without it the first sentence pays for a process start."""

    def __init__(
        self, *, cache: PromptCache | None = None, warm: int = 2, at_once: int | None = None
    ) -> None:
        """`cache`: where fixed prompts are kept, None for nowhere. `warm`: workers waiting. `at_once`: synthesised
        at the same time, the processor's cores by default; the others wait their turn."""
        self._cache = cache
        self._warm = warm
        self._waiting: deque[asyncio.subprocess.Process] = deque()
        self._turn = asyncio.Semaphore(at_once or os.cpu_count() or 1)
        self._refilling: set[asyncio.Task[None]] = set()
        self._closed = False

    async def start(self) -> None:
        """Starts the waiting workers."""
        await self._refill()

    async def speak(self, utterance: Utterance) -> Speech:
        """The utterance as a WAV file; nothing to say gives empty sound. Raises SpeechFailed."""
        spoken = say(utterance.text, utterance.language)[:_LONGEST]
        if not any(character.isalnum() for character in spoken):
            return Speech(wav=b"", seconds=0.0)
        if utterance.language == "zh":
            spoken = readable(spoken)
        voice, pace = VOICES[utterance.language], words_per_minute(utterance.language, utterance.rate)
        kept_at = (
            self._cache.path(spoken, voice, pace) if self._cache is not None and utterance.fixed else None
        )
        if self._cache is not None and kept_at is not None:
            sound = await asyncio.to_thread(self._cache.read, kept_at)
            if sound is not None and (seconds := _seconds(sound)) is not None:
                return Speech(wav=sound, seconds=seconds, kept=True)
        order = json.dumps({"text": spoken, "voice": voice, "words_per_minute": pace}).encode() + b"\n"
        async with self._turn:
            sound = await self._synthesise(order)
        seconds = _seconds(sound)
        if seconds is None:
            raise SpeechFailed("the worker's answer is no WAV file")
        if self._cache is not None and kept_at is not None:
            await asyncio.to_thread(self._cache.keep, kept_at, sound)
        return Speech(wav=sound, seconds=seconds)

    async def close(self) -> None:
        """Ends the waiting workers; nothing can be spoken afterwards."""
        self._closed = True
        if self._refilling:
            await asyncio.gather(*self._refilling)
        while self._waiting:
            await self._waiting.popleft().communicate(b"")  # the end of its stdin ends it

    async def _synthesise(self, order: bytes) -> bytes:
        if self._closed:
            raise SpeechFailed("the speaker was closed")
        reason = ""
        for _ in range(
            2
        ):  # a waiting worker may have been killed by the system: a fresh one gets a second go
            worker = self._waiting.popleft() if self._waiting else await _start_worker()
            self._refill_later()
            try:
                sound, report = await asyncio.wait_for(worker.communicate(order), _TIMEOUT)
            except (TimeoutError, asyncio.CancelledError):
                with contextlib.suppress(ProcessLookupError):
                    worker.kill()
                await worker.communicate()  # collects it, and closes its pipes
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    raise
                reason = f"no sound within {_TIMEOUT:.0f} s"
                continue
            if worker.returncode == 0 and sound:
                return sound
            reason = f"exit {worker.returncode}: {report.decode(errors='replace')[-300:]}"
        raise SpeechFailed(reason)

    def _refill_later(self) -> None:
        task = asyncio.create_task(self._refill())
        self._refilling.add(task)
        task.add_done_callback(self._refilling.discard)

    async def _refill(self) -> None:
        while len(self._waiting) < self._warm and not self._closed:
            self._waiting.append(await _start_worker())


async def _start_worker() -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "voice.espeak_worker",
            cwd=_PACKAGE_ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise SpeechFailed(f"no process for the speech: {error}") from error


def _seconds(sound: bytes) -> float | None:
    """How long a WAV file plays; None when it is not one of ours."""
    try:
        with wave.open(io.BytesIO(sound)) as file:
            if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, SAMPLE_RATE):
                return None
            frames: int = file.getnframes()
            return frames / SAMPLE_RATE
    except (wave.Error, EOFError):
        return None
