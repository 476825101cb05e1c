"""What the built-in engine looks at in a sentence: its characters, its sound, and the groups of words it uses.

Characters catch wording; groups of words (`nlu/cues.yml`) catch that 剃头 is 理发; the sound (pinyin without tones,
with the syllables folded together that dialect speakers and recognisers mix up) catches 抱修 for 报修 (U7).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import log, sqrt
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from nlu.pinyin import fold, syllable

LONGEST = 400
"""Characters that are looked at. Of a longer message the first and the last half of it count: who tells a long
story says what they want at its beginning or its end, and 10,000 characters must stay quick."""

_SPACES = re.compile(r"\s+")
_DIGITS = re.compile(r"\d+")
_TOKENS = re.compile(r"[a-z']+|0|[^\W\d_]")


def clean(text: str) -> str:
    """The text as the features want it: full-width folded, lower case, single spaces, at most LONGEST long."""
    text = _cut(text).encode("utf-8", "ignore").decode("utf-8")  # without lone surrogates
    return _cut(_SPACES.sub(" ", unicodedata.normalize("NFKC", text).lower()).strip())


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST // 2] + text[-LONGEST // 2 :]


def has_words(text: str) -> bool:
    """Whether there is a letter, a character or a digit in it at all."""
    return any(character.isalnum() for character in text)


def character_grams(text: str, longest: int = 2) -> list[str]:
    """Runs of 1 to `longest` characters (Latin: words) of a cleaned text, numbers as one 0, the ends marked."""
    return _runs(_TOKENS.findall(_DIGITS.sub("0", text)), longest)


def sound_grams(text: str, longest: int = 2) -> list[str]:
    """Runs of 1 to `longest` syllables (Latin: words) of a cleaned text, folded, numbers as one 0, ends marked."""
    return _runs([_sound(token) for token in _TOKENS.findall(_DIGITS.sub("0", text))], longest)


def _runs(tokens: Sequence[str], longest: int) -> list[str]:
    marked = ["^", *tokens, "$"]
    return [
        " ".join(marked[i : i + size])
        for size in range(1, longest + 1)
        for i in range(len(marked) - size + 1)
        if size > 1 or 0 < i < len(marked) - 1
    ]


def _sound(token: str) -> str:
    """How a character sounds, folded; anything that is not one Chinese character stays as it is."""
    return fold(syllable(token)) or token


class Grams:
    """A TF-IDF vocabulary over one kind of grams: sublinear counts, smooth idf, rows of length 1."""

    def __init__(self, split: Callable[[str], list[str]], idf: Mapping[str, float]) -> None:
        self.split = split
        self.index = {gram: i for i, gram in enumerate(idf)}
        self.idf = np.fromiter(idf.values(), dtype=np.float32, count=len(idf))

    @classmethod
    def learn(cls, split: Callable[[str], list[str]], texts: Sequence[str], at_least: int = 1) -> Grams:
        """The grams found in at least `at_least` of the texts, in alphabetical order."""
        seen: Counter[str] = Counter()
        for text in texts:
            seen.update(set(split(text)))
        kept = sorted(gram for gram, count in seen.items() if count >= at_least)
        return cls(split, {gram: log((1 + len(texts)) / (1 + seen[gram])) + 1 for gram in kept})

    def row(self, text: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Which columns are set for a cleaned text, and their weights (length 1 together; empty for nothing known)."""
        counts = Counter(i for gram in self.split(text) if (i := self.index.get(gram)) is not None)
        columns = np.fromiter(counts.keys(), dtype=np.int32, count=len(counts))
        weights = np.fromiter((1 + log(n) for n in counts.values()), dtype=np.float32, count=len(counts))
        weights *= self.idf[columns]
        norm = sqrt(float(weights @ weights))
        return columns, weights / norm if norm else weights


CUES_FILE = Path(__file__).parent / "cues.yml"

_BY_SOUND = 0.7
"""What a group counts that was found by sound only: less than by its characters, because other words sound so too."""

_LATIN = re.compile(r"[a-z'-]+")


class Cues:
    """The groups of words of `nlu/cues.yml`, and which of them a sentence uses."""

    def __init__(self, groups: Mapping[str, str]) -> None:
        self.names = tuple(groups)
        self._words: dict[str, set[int]] = {}
        self._sounds: dict[str, set[int]] = {}
        self._latin: dict[str, set[int]] = {}
        for group, words in enumerate(groups.values()):
            for word in str(words).split():
                self._add(word.strip("\"'").lower(), group)
        self._longest = max(map(len, self._words), default=1)

    @classmethod
    def read(cls, file: Path = CUES_FILE) -> Cues:
        """The groups of a YAML file: name → words, separated by spaces."""
        return cls(yaml.safe_load(file.read_text(encoding="utf-8")))

    def row(self, text: str) -> NDArray[np.float32]:
        """For each group 1 when a word of it is in the cleaned text, less when only its sound is, else 0."""
        found = np.zeros(len(self.names), dtype=np.float32)
        sounds = [_sound(character) for character in text]
        for start in range(len(text)):
            for end in range(start + 1, min(start + self._longest, len(text)) + 1):
                for group in self._words.get(text[start:end], ()):
                    found[group] = 1
                for group in self._sounds.get(" ".join(sounds[start:end]), ()):
                    found[group] = max(found[group], _BY_SOUND)
        for word in _LATIN.findall(text):
            for group in self._latin.get(word, ()):
                found[group] = 1
        return found

    def _add(self, word: str, group: int) -> None:
        if word.isascii() and not word.isdigit():
            self._latin.setdefault(word, set()).add(group)
            return
        self._words.setdefault(word, set()).add(group)
        if len(word) > 1 and not word.isascii():
            self._sounds.setdefault(" ".join(map(_sound, word)), set()).add(group)
