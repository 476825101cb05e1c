"""Ears and voice of this process, shared by every terminal: one recogniser, one speaker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.settings import Settings
from voice.espeak import EspeakSpeaker, PromptCache
from voice.models import DEFAULT_MODEL
from voice.recognizer import Recognizer
from voice.speaker import Language, Speaker
from voice.vosk import VoskRecognizer


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceRoom:
    """What a terminal needs to hear and to speak."""

    recognizer: Recognizer
    speaker: Speaker
    why_deaf: str | None  # why Mandarin is not recognised, in the operator's words; None: it is


def model_of(settings: Settings) -> Path | None:
    """The Vosk model from the setting, or the one that `anlin voice models` fetched."""
    if settings.vosk_model is not None:
        return settings.vosk_model
    fetched = settings.home / "models" / DEFAULT_MODEL
    return fetched if fetched.is_dir() else None


@asynccontextmanager
async def open_voice(settings: Settings) -> AsyncIterator[VoiceRoom]:
    """Ears and voice, closed again at the end. Nothing heavy is loaded before somebody speaks."""
    model = model_of(settings)
    models: dict[Language, Path | None] = {"zh": model, "en": None}
    recognizer = VoskRecognizer(models)
    speaker = EspeakSpeaker(cache=PromptCache(settings.home / "prompts"))
    unavailable = recognizer.check("zh")
    try:
        yield VoiceRoom(
            recognizer=recognizer, speaker=speaker, why_deaf=unavailable.for_log if unavailable else None
        )
    finally:
        await speaker.close()
        await recognizer.close()
