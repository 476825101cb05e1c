"""Recognition on the spot, without the internet: Vosk, one model in memory, one recogniser for each listener.

Kaldi works in worker threads and lets go of Python's lock while it does, so the event loop goes on.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from voice.recognizer import SAMPLE_RATE, Heard, Hearing, RecognitionFailed, Unavailable, join_words
from voice.speaker import Language

_PARTS = ("am/final.mdl", "conf/model.conf")
"""What every Vosk model folder has; looked for before the library is, because it ends the process on some folders."""


class VoskRecognizer:
    """The default Recognizer."""

    name = "vosk"

    def __init__(self, models: Mapping[Language, Path | None]) -> None:
        """`models`: a model folder a language; None or absent where there is none. Loaded when first needed."""
        self._paths = dict(models)
        self._loaded: dict[Language, Any] = {}
        self._loading = asyncio.Lock()
        self._threads = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="vosk")

    def check(self, language: Language) -> Unavailable | None:
        """Why this language cannot be recognised, as far as can be told without loading; None when it looks well."""
        path = self._paths.get(language)
        if path is None:
            if any(self._paths.values()):
                return Unavailable(reason="language", for_log=f"no Vosk model set for {language!r}")
            return Unavailable(
                reason="no_model", for_log="ANLIN_VOSK_MODEL is not set; see `anlin voice models`"
            )
        if not path.is_dir():
            return Unavailable(reason="no_model", for_log=f"ANLIN_VOSK_MODEL: there is no folder {path}")
        missing = [part for part in _PARTS if not (path / part).is_file()]
        if missing:
            return Unavailable(
                reason="bad_model", for_log=f"{path} is no Vosk model: {', '.join(missing)} missing"
            )
        return None

    async def open(self, language: Language) -> Hearing | Unavailable:
        """A new session on the shared model. The first one of a language waits for the model to load (seconds)."""
        if (unavailable := self.check(language)) is not None:
            return unavailable
        loop = asyncio.get_running_loop()
        async with self._loading:
            if language not in self._loaded:
                path = self._paths[language]
                assert path is not None
                model = await loop.run_in_executor(self._threads, _load, path)
                if isinstance(model, Unavailable):
                    return model
                self._loaded[language] = model
        kaldi = await loop.run_in_executor(self._threads, _new_session, self._loaded[language])
        return _VoskHearing(kaldi, self._threads)

    async def close(self) -> None:
        """Lets the models go; open sessions must be closed before."""
        self._loaded.clear()
        await asyncio.to_thread(self._threads.shutdown)


class _VoskHearing:
    """Kaldi cuts an utterance at its own idea of a pause; those pieces are put together again until `finish()`."""

    def __init__(self, kaldi: Any, threads: ThreadPoolExecutor) -> None:
        self._kaldi = kaldi
        self._threads = threads
        self._pieces: list[str] = []
        self._confidences: list[float] = []
        self._order = asyncio.Lock()

    async def hear(self, pcm: bytes) -> Heard:
        async with self._order:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._hear, pcm)

    async def finish(self) -> Heard:
        async with self._order:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._finish)

    async def close(self) -> None:
        async with self._order:
            self._kaldi = None

    def _hear(self, pcm: bytes) -> Heard:
        kaldi = self._open()
        try:
            ended = kaldi.AcceptWaveform(pcm)
        except Exception as error:  # the library raises bare Exceptions
            raise RecognitionFailed(str(error)) from error
        if ended:
            self._take(json.loads(kaldi.Result()))
            return Heard(text=self._text(""), final=False)
        return Heard(text=self._text(json.loads(kaldi.PartialResult()).get("partial", "")), final=False)

    def _finish(self) -> Heard:
        kaldi = self._open()
        self._take(json.loads(kaldi.FinalResult()))
        mean = sum(self._confidences) / len(self._confidences) if self._confidences else None
        heard = Heard(text=self._text(""), final=True, confidence=mean)
        self._pieces.clear()
        self._confidences.clear()
        kaldi.Reset()
        return heard

    def _open(self) -> Any:
        if self._kaldi is None:
            raise RecognitionFailed("the session was closed")
        return self._kaldi

    def _take(self, result: dict[str, Any]) -> None:
        if text := result.get("text", ""):
            self._pieces.append(text)
        self._confidences.extend(float(word["conf"]) for word in result.get("result", ()))

    def _text(self, partial: str) -> str:
        return join_words(" ".join((*self._pieces, partial)))


def _load(path: Path) -> Any:
    try:
        import vosk
    except (ImportError, OSError) as error:
        return Unavailable(reason="no_engine", for_log=f"the vosk library cannot be loaded: {error}")
    vosk.SetLogLevel(-1)
    try:
        return vosk.Model(str(path))
    except Exception as error:  # the library raises bare Exceptions
        return Unavailable(reason="bad_model", for_log=f"Vosk refuses the model in {path}: {error}")


def _new_session(model: Any) -> Any:
    import vosk

    kaldi = vosk.KaldiRecognizer(model, SAMPLE_RATE)
    kaldi.SetWords(True)
    return kaldi
