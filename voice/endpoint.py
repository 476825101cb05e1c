"""Decides when a person has finished speaking, patiently: elders pause in the middle of a sentence (V3).

Time is counted in samples of sound, never on a clock: the same sound gives the same ending on any machine.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from voice.recognizer import SAMPLE_RATE
from voice.vad import Activity

EndReason = Literal["silence", "word", "help", "cap", "nothing"]
"""Long enough a silence · a yes, no or stop · a cry for help · too long · not a word was said (C10)."""

WordKind = Literal["help", "yes", "no", "stop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """How long to wait, in seconds of sound."""

    silence: float = 1.25  # after the last voice (features.md V3)
    after_word: float = 0.5  # at least so long after a new word, even if no voice was heard with it
    word_silence: float = 0.3  # after a yes, no or stop
    cap: float = 15.0  # from the first voice
    nothing: float = 8.0  # without any voice since listening began


@cache
def ending_words() -> Mapping[str, WordKind]:
    """The words of ending_words.yml, bare, with their kind."""
    content = yaml.safe_load(Path(__file__).with_name("ending_words.yml").read_text(encoding="utf-8"))
    return {bare(word): kind for kind, words in content.items() for word in words}


def bare(text: str) -> str:
    """Lower case, without spaces and punctuation."""
    kept = (c for c in unicodedata.normalize("NFKC", text).lower() if unicodedata.category(c)[0] in "LN")
    return "".join(kept)


class Endpointer:
    """Watches one utterance; `restart()` for the next."""

    def __init__(
        self, settings: EndpointSettings | None = None, *, words: Mapping[str, WordKind] | None = None
    ) -> None:
        self._settings = settings or EndpointSettings()
        self._words = ending_words() if words is None else words
        self.restart()

    def restart(self) -> None:
        """Forgets everything: a new utterance is waited for."""
        self._total = 0  # samples since listening began
        self._began: int | None = None  # where the first voice was
        self._quiet = 0  # samples since the last voice, less after a new word
        self._text = ""

    @property
    def started(self) -> bool:
        """Whether the person has begun to speak."""
        return self._began is not None

    def feed(self, activity: Activity, partial: str) -> EndReason | None:
        """Takes a stretch of sound and the recogniser's text after it; says whether, and why, this is the end."""
        self._total += activity.samples
        said = bare(partial)
        new_word = said != self._text
        self._text = said
        if self._began is None and (activity.voiced or said):
            self._began = self._total - activity.samples
        if activity.voiced:
            self._quiet = activity.trailing
        else:
            self._quiet += activity.samples
        if new_word:
            # Either a voice too weak for the detector, or the recogniser's second thoughts about what is over:
            # it lengthens the wait a little and does not start it anew.
            late = max(0.0, self._settings.silence - self._settings.after_word)
            self._quiet = min(self._quiet, round(late * SAMPLE_RATE))
        return self._verdict()

    def _verdict(self) -> EndReason | None:
        wait = self._settings
        if self._began is None:
            return "nothing" if self._total >= wait.nothing * SAMPLE_RATE else None
        kind = self._words.get(self._text)
        if kind == "help":
            return "help"
        if kind is not None and self._quiet >= wait.word_silence * SAMPLE_RATE:
            return "word"
        if self._quiet >= wait.silence * SAMPLE_RATE:
            return "silence" if self._text else self._noise()
        if self._total - self._began >= wait.cap * SAMPLE_RATE:
            return "cap"
        return None

    def _noise(self) -> EndReason | None:
        """Voice without a single word: a cough, a door. It is forgotten, and the wait for a word goes on."""
        self._began = None
        self._quiet = 0
        return "nothing" if self._total >= self._settings.nothing * SAMPLE_RATE else None
