"""Finds what the community knows about a question, by its meaning, however it is put (F8).

Learned from the questions that stand with each answer: each of them pulls a new one towards its answer, the harder the
more alike the two are in meaning (sentence encoder), characters and sound; small talk and what nobody here can know
pull towards nothing. That is kernel ridge regression, as with the intents (`nlu.kernel`), here with an entry for each
answer. Weights and thresholds were chosen by leaving out one question, or a whole entry, at a time.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from data.content_faq import FaqEntry, load_faq
from nlu import encoder as encoder_module
from nlu import features, pinyin, training_data
from nlu.encoder import Encoder, UniversalSentenceEncoder, Vectors
from nlu.features import Grams, character_grams, clean, sound_grams

logger = structlog.get_logger(__name__)
Scores = NDArray[np.float32]

KEPT = 3
"""Files that stay in the cache: another version of the program may still start from an older one."""

_SHARPNESS = 2.0  # exp(sharpness * (cosine - 1)): how quickly likeness in meaning fades
_CHARACTERS = 0.25  # weight of common characters and pairs of them, beside 1 for meaning
_SOUNDS = 0.25  # weight of common syllables and pairs of them (U7)
_RIDGE = 0.2  # how much a single question is mistrusted
_ANSWER = 0.3  # what it counts that all of a question's characters stand in the answer
_STRANGERS = ("out_of_scope", "chitchat")  # intents whose training sentences no entry answers
_MOST_STRANGERS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From which score on what is done; scores are 0 to about 1."""

    sure: float  # the best is the answer,
    ahead: float  # if the second best is this much behind
    doubt: float  # the best is worth asking about
    near: float  # how far behind the best another is offered beside it
    least: float  # and from which score


LEARNED = Limits(sure=0.42, ahead=0.15, doubt=0.25, near=0.2, least=0.15)
BY_CHARACTERS = Limits(sure=0.45, ahead=0.05, doubt=0.36, near=0.1, least=0.3)


class Search:
    """All entries, ready to be compared with a question in about a millisecond. Safe from any thread."""

    def __init__(self, entries: Mapping[str, FaqEntry]) -> None:
        self.keys = tuple(entries)
        self._questions = [clean(question) for entry in entries.values() for question in entry.questions]
        counts = [len(entry.questions) for entry in entries.values()]
        self._owners = np.repeat(np.arange(len(counts)), counts)
        self._starts = (np.cumsum(counts) - counts).astype(np.intp)
        self._answers = _Answers([clean(f"{one.answer.zh} {one.answer.en}") for one in entries.values()])
        self._learned: _Learned | None = None

    @property
    def limits(self) -> Limits:
        """What the scores of now mean."""
        return LEARNED if self._learned is not None else BY_CHARACTERS

    def learn(self, encoder: Encoder, cache: Path) -> None:
        """Compare meanings from now on, from the cache (some 30 ms) or learned now (some ten seconds).

        Blocks; call it in a thread. Raises OSError when the cache directory cannot be written, TrainingDataError when
        the sentences under `nlu/training` cannot be read.
        """
        file = cache / f"knowledge-{_key(encoder, self._questions, self._owners)}.npz"
        learned = _load(file, encoder)
        if learned is None:
            strangers = sorted(one.text for one in training_data.load() if one.intent in _STRANGERS)
            texts = [*self._questions, *map(clean, strangers[:: len(strangers) // _MOST_STRANGERS + 1])]
            learned = _Learned.fit(encoder, texts, self._owners, len(self.keys))
            _save(file, learned)
        self._learned = learned

    @cached_property
    def _characters(self) -> _Alike:
        return _Alike.of(
            character_grams, self._questions
        )  # needed only by who asks before anything is learned

    def scores(self, question: str) -> Scores:
        """How well each entry fits, in the order of `keys`."""
        text = clean(question)
        if not text:
            return np.zeros(len(self.keys), dtype=np.float32)
        answered = np.float32(_ANSWER) * self._answers.shares(text)
        if self._learned is not None:
            return self._learned.pulls(text) + answered
        alike: Scores = np.maximum.reduceat(self._characters.cosines(text), self._starts)
        return np.float32(1 - _ANSWER) * alike + answered


@dataclass(frozen=True, slots=True, kw_only=True)
class _Learned:
    """What was learned from the questions."""

    encoder: Encoder
    vectors: Vectors  # of the questions and of the strangers, a row each
    characters: _Alike
    sounds: _Alike
    pull: Scores  # how hard each of them pulls towards each entry

    @classmethod
    def fit(cls, encoder: Encoder, texts: Sequence[str], owners: NDArray[np.intp], entries: int) -> _Learned:
        vectors = encoder.encode(texts)
        characters, sounds = _Alike.of(character_grams, texts), _Alike.of(sound_grams, texts)
        likeness = np.exp(_SHARPNESS * (vectors @ vectors.T - 1)).astype(np.float64)
        for row, text in zip(likeness, texts, strict=True):
            row += _CHARACTERS * characters.cosines(text) + _SOUNDS * sounds.cosines(text)
        wanted = np.zeros((len(texts), entries))
        wanted[np.arange(len(owners)), owners] = 1
        pull = np.linalg.solve(likeness + _RIDGE * np.eye(len(texts)), wanted).astype(np.float32)
        return cls(encoder=encoder, vectors=vectors, characters=characters, sounds=sounds, pull=pull)

    def pulls(self, text: str) -> Scores:
        """Towards each entry."""
        # einsum and no matrix library: for one sentence its threads would only wait for each other.
        cosines = np.einsum("ij,j->i", self.vectors, self.encoder.encode([text])[0])
        likeness = np.exp(_SHARPNESS * (cosines - 1))
        likeness += _CHARACTERS * self.characters.cosines(text) + _SOUNDS * self.sounds.cosines(text)
        pulls: Scores = np.einsum("i,ij->j", likeness.astype(np.float32), self.pull)
        return pulls


class _Alike:
    """Which texts hold a gram, and what it weighs there: cosines without a look at the others."""

    def __init__(self, grams: Grams, size: int, holders: Sequence[Any], weights: Sequence[Any]) -> None:
        self.grams, self.size, self.holders, self.weights = grams, size, holders, weights

    @classmethod
    def of(cls, split: Callable[[str], list[str]], texts: Sequence[str]) -> _Alike:
        grams = Grams.learn(split, texts)
        holders: list[list[int]] = [[] for _ in grams.index]
        weights: list[list[float]] = [[] for _ in grams.index]
        for number, text in enumerate(texts):
            columns, values = grams.row(text)
            for column, value in zip(columns.tolist(), values.tolist(), strict=True):
                holders[column].append(number)
                weights[column].append(value)
        return cls(
            grams,
            len(texts),
            [np.array(one, dtype=np.int32) for one in holders],
            [np.array(one, dtype=np.float32) for one in weights],
        )

    def cosines(self, text: str) -> Scores:
        """With each of the texts."""
        cosines = np.zeros(self.size, dtype=np.float32)
        columns, values = self.grams.row(text)
        for column, value in zip(columns.tolist(), values, strict=True):
            cosines[self.holders[column]] += value * self.weights[column]
        return cosines

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """As it is stored, each array under a name that begins with `name`."""
        return {
            f"{name}_grams": np.frombuffer("\n".join(self.grams.index).encode(), dtype=np.uint8),
            f"{name}_idf": self.grams.idf,
            f"{name}_ends": np.cumsum([len(one) for one in self.holders]),
            f"{name}_holders": np.concatenate(self.holders),
            f"{name}_weights": np.concatenate(self.weights),
        }

    @classmethod
    def stored(
        cls, split: Callable[[str], list[str]], size: int, name: str, arrays: Mapping[str, NDArray[Any]]
    ) -> _Alike:
        words = arrays[f"{name}_grams"].tobytes().decode().split("\n")
        idf = dict(zip(words, arrays[f"{name}_idf"].tolist(), strict=True))
        ends = arrays[f"{name}_ends"].tolist()
        spans = list(zip([0, *ends[:-1]], ends, strict=True))
        holders, weights = arrays[f"{name}_holders"], arrays[f"{name}_weights"]
        return cls(
            Grams(split, idf), size, [holders[a:b] for a, b in spans], [weights[a:b] for a, b in spans]
        )


class _Answers:
    """Which answers hold a gram of a question."""

    def __init__(self, answers: Sequence[str]) -> None:
        self._size = len(answers)
        held: dict[str, list[int]] = {}
        for number, answer in enumerate(answers):
            for gram in _inner(answer):
                held.setdefault(gram, []).append(number)
        self._holders = {gram: np.array(numbers, dtype=np.intp) for gram, numbers in held.items()}
        self._weights = {gram: log(1 + self._size / len(numbers)) for gram, numbers in held.items()}
        self._unknown = log(1 + self._size)

    def shares(self, text: str) -> Scores:
        """For each answer how much of the text stands in it, 0–1, rare grams counting more."""
        shares = np.zeros(self._size, dtype=np.float32)
        total = 0.0
        for gram in sorted(_inner(text)):
            weight = self._weights.get(gram, self._unknown)
            total += weight
            if gram in self._holders:
                shares[self._holders[gram]] += np.float32(weight)
        return shares / np.float32(total) if total else shares


def _inner(text: str) -> set[str]:
    """The grams of a text without those that mark its ends."""
    return {gram for gram in character_grams(text) if "^" not in gram and "$" not in gram}


def _key(encoder: Encoder, questions: Sequence[str], owners: NDArray[np.intp]) -> str:
    """A hash of everything that is learned from: sentences, code, encoder."""
    digest = hashlib.sha256("\n".join([encoder.identity, *questions]).encode() + owners.tobytes())
    digest.update(training_data.fingerprint(training_data.TRAINING_DIR).encode())
    for source in (__file__, features.__file__, encoder_module.__file__, pinyin.__file__):
        digest.update(Path(source).read_bytes())
    return digest.hexdigest()[:20]


def _load(file: Path, encoder: Encoder) -> _Learned | None:
    """What was learned, from its file; None if it is not there or damaged."""
    if not file.exists():
        return None
    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays: dict[str, NDArray[Any]] = dict(stored)
        size = len(arrays["vectors"])
        return _Learned(
            encoder=encoder,
            vectors=arrays["vectors"],
            characters=_Alike.stored(character_grams, size, "characters", arrays),
            sounds=_Alike.stored(sound_grams, size, "sounds", arrays),
            pull=arrays["pull"],
        )
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        logger.warning("knowledge.cache_damaged", file=str(file), why=str(error))
        return None


def _save(file: Path, learned: _Learned) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent) as scratch:
        fresh = Path(scratch) / file.name
        arrays = {**learned.characters.arrays("characters"), **learned.sounds.arrays("sounds")}
        np.savez(fresh, allow_pickle=False, vectors=learned.vectors, pull=learned.pull, **arrays)
        fresh.replace(file)  # at once: another process sees the whole file or none
    kept = sorted(file.parent.glob("knowledge-*.npz"), key=lambda old: old.stat().st_mtime)
    for outdated in kept[:-KEPT]:
        outdated.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Learns the questions of `data/faq` ahead of time, unless that is done: part of `make setup`."""
    parser = argparse.ArgumentParser(prog="python -m flows.faq_search", description=main.__doc__)
    parser.add_argument("cache_dir", type=Path, help="directory of what was learned, e.g. var/nlu")
    search = Search(load_faq())
    search.learn(UniversalSentenceEncoder(), parser.parse_args(arguments).cache_dir)
    sys.stdout.write(f"knowledge: {len(search.keys)} answers\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
