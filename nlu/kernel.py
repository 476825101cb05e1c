"""Learns from the training sentences which intent a new one is nearest to, and how sure one may be of it.

Kernel ridge regression: every training sentence pulls a new one towards its own label, the harder the more alike
the two are: in meaning (encoder), in characters, in sound, in the cues they hold. The equations are solved once; their
solution also tells what each training sentence would have been taken for had it not been there (leave-one-out), and
from that honest figure the confidence is calibrated. Where there are too many sentences, only some of them pull, the
landmarks (the Nyström way), and all say how hard. No randomness, so the same sentences give the same model.
"""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_solve, cholesky, solve_triangular
from scipy.linalg.lapack import spotrf, spotri
from scipy.sparse import csr_matrix

from nlu.encoder import Encoder, single_thread
from nlu.features import Cues, Grams, character_grams, clean, sound_grams

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_JITTER = 1e-4
"""Added to the likeness of a landmark with itself, as a share of it: two nearly alike would make the system singular."""

_OWN = 1e-3
"""The least a sentence leaves of its answer to the others."""

_SPLITS = {"characters": character_grams, "sounds": sound_grams}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How much each likeness counts. Chosen by cross-validation, see `bench/understanding.py`; 0 leaves one out."""

    meaning: float = 1.0  # weight of likeness in meaning
    sharpness: float = 2.0  # exp(sharpness * (cosine - 1)): how quickly likeness in meaning fades
    characters: float = 0.25  # weight of common characters and pairs of them
    sounds: float = 0.5  # weight of common syllables and pairs of them (U7)
    cues: float = 0.2  # weight of common cues
    breadth: float = 1.0  # width of the cues' Gaussian, in mean squared distances of the training sentences
    ridge: float = 0.2  # how much a single sentence is mistrusted
    axes: int = 192  # principal axes of the encoder's vectors that are kept: as good as all, and less to read
    landmarks: int | None = None  # how many training sentences a new one is compared with; None: all


class CueSource(Protocol):
    """What a sentence holds of a fixed list of things, each 0–1; `nlu.features.Cues` and others keep it."""

    def row(self, text: str) -> Floats:
        """One number a cue for a cleaned text, always as many."""
        ...


class KernelModel:
    """A trained classifier. `scores` may be called from one thread at a time an encoder allows."""

    def __init__(
        self, *, encoder: Encoder, cues: CueSource, document: dict[str, Any], arrays: dict[str, NDArray[Any]]
    ) -> None:
        self.encoder = encoder
        self.cues = cues
        self.labels: tuple[str, ...] = tuple(document["labels"])
        self.recipe = Recipe(**document["recipe"])
        self.temperature: float = document["temperature"]
        self.left_out: float = document["left_out"]  # accuracy of leave-one-out, for the report
        self._document = document
        self._arrays = arrays
        self._cue_norms = (arrays["cue_rows"] ** 2).sum(axis=1)
        self._cue_slope = np.float32(-1 / (2 * document["cue_width"]))
        self._grams = {
            kind: Grams(split, dict(zip(document[kind], arrays[f"{kind}_idf"].tolist(), strict=True)))
            for kind, split in _SPLITS.items()
        }

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        labels: Sequence[str],
        encoder: Encoder,
        recipe: Recipe | None = None,
        cues: CueSource | None = None,
    ) -> KernelModel:
        """Trains on sentences and their labels. Some ten seconds for 8,000 sentences on two cores."""
        recipe, cues = recipe or Recipe(), cues or Cues.read()
        cleaned = [clean(text) for text in texts]
        names = sorted(set(labels))
        target = (np.array(labels)[:, None] == np.array(names)[None, :]).astype(np.float32)
        marks = landmarks(cleaned, labels, recipe.landmarks or len(cleaned))
        vectors = encoder.encode(cleaned)
        axes = _principal_axes(vectors, recipe.axes)
        vectors = vectors @ axes
        cue_rows, cue_scale, width = _cue_space([cues.row(text) for text in cleaned], recipe)
        likeness = recipe.meaning * np.exp(recipe.sharpness * (vectors @ vectors[marks].T - 1.0))
        likeness += recipe.cues * _gauss(cue_rows, cue_rows[marks], width)
        document: dict[str, Any] = {"labels": names, "recipe": asdict(recipe), "cue_width": width}
        arrays: dict[str, NDArray[Any]] = {
            "axes": axes,
            "vectors": vectors[marks],
            "cue_rows": cue_rows[marks],
        }
        sparse: dict[str, csr_matrix] = {}
        for kind, split in _SPLITS.items():
            grams = Grams.learn(split, [cleaned[i] for i in marks])
            rows = _sparse(grams, cleaned)
            sparse[kind] = rows[marks]
            likeness += np.float32(getattr(recipe, kind)) * (rows @ sparse[kind].T).toarray()
            document[kind] = list(grams.index)
            arrays[f"{kind}_idf"] = grams.idf
        bias = target.mean(axis=0)
        every = len(marks) == len(cleaned)
        solved = _solve_all if every else partial(_solve_landmarks, marks=marks)
        alpha, left_out = solved(likeness, ridge=recipe.ridge, target=target - bias)
        left_out = left_out + bias
        document["temperature"] = _temperature(left_out, target)
        document["left_out"] = float((left_out.argmax(axis=1) == target.argmax(axis=1)).mean())
        arrays |= {"cue_scale": cue_scale, "alpha": alpha, "bias": bias}
        for kind, rows in sparse.items():
            arrays[f"{kind}_weights"] = (np.float32(getattr(recipe, kind)) * (rows.T @ alpha)).astype(
                np.float32
            )
        return cls(encoder=encoder, cues=cues, document=document, arrays=arrays)

    def scores(self, text: str) -> Floats:
        """One score a label, about 1 for the right one and 0 for the others; any text."""
        cleaned = clean(text)
        arrays, recipe = self._arrays, self.recipe
        vector = self.encoder.encode([cleaned])[0] @ arrays["axes"]
        likeness = recipe.meaning * np.exp(recipe.sharpness * (arrays["vectors"] @ vector - 1.0))
        cue_row = self.cues.row(cleaned) * arrays["cue_scale"]
        square = self._cue_norms + float(cue_row @ cue_row) - 2 * (arrays["cue_rows"] @ cue_row)
        likeness += recipe.cues * np.exp(np.maximum(square, 0) * self._cue_slope)
        result = arrays["bias"] + likeness @ arrays["alpha"]
        for kind, grams in self._grams.items():
            columns, weights = grams.row(cleaned)
            result = result + weights @ arrays[f"{kind}_weights"][columns]
        return np.asarray(result, dtype=np.float32)

    def probabilities(self, text: str) -> Floats:
        """The calibrated probability of each of `labels`."""
        with single_thread():
            scores = self.scores(text)
        return np.asarray(_softmax(scores[None, :] / self.temperature)[0], dtype=np.float32)

    def save(self, file: Path) -> None:
        """Writes numbers and a JSON document into one .npz: nothing in it is ever executed when it is read."""
        packed = np.frombuffer(json.dumps(self._document, ensure_ascii=False).encode(), dtype=np.uint8)
        with file.open("wb") as stream:
            np.savez(stream, allow_pickle=False, document=packed, **self._arrays)

    @classmethod
    def load(cls, file: Path, encoder: Encoder, cues: CueSource | None = None) -> KernelModel:
        """Reads what `save` wrote. Raises ValueError, KeyError, EOFError, BadZipFile or OSError if it is damaged."""
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        document = json.loads(arrays.pop("document").tobytes().decode())
        return cls(encoder=encoder, cues=cues or Cues.read(), document=document, arrays=arrays)


def _cue_space(rows: Sequence[Floats], recipe: Recipe) -> tuple[Floats, Floats, float]:
    """Cue rows with rare groups weighing more, those weights, and the width of the Gaussian over them."""
    matrix = np.stack(rows)
    scale = (np.log(len(matrix) / (1 + (matrix > 0).sum(axis=0))) + 0.5).astype(np.float32)
    matrix = matrix * scale
    spread = float(2 * matrix.var(axis=0).sum())  # the mean squared distance of two sentences
    return matrix, scale, max(recipe.breadth * spread, 1e-6)


def _principal_axes(vectors: Floats, wanted: int) -> Floats:
    """The directions in which the vectors differ most, as columns; all of them when there are no more."""
    _, axes = np.linalg.eigh((vectors.T @ vectors).astype(np.float64))
    return np.ascontiguousarray(axes[:, -wanted:], dtype=np.float32)


def _gauss(left: Floats, right: Floats, width: float) -> Floats:
    square = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)[None, :] - 2 * left @ right.T
    return np.asarray(np.exp(-np.maximum(square, 0) / (2 * width)), dtype=np.float32)


def landmarks(texts: Sequence[str], labels: Sequence[str], wanted: int) -> NDArray[np.int64]:
    """Which sentences are landmarks, in order: the same number of every label as far as it has them, chosen by a
    checksum of the sentence, so that one sentence more or less changes little."""
    if len(texts) <= wanted:
        return np.arange(len(texts))
    own: dict[str, list[int]] = defaultdict(list)
    for i in sorted(range(len(texts)), key=lambda i: (zlib.crc32(texts[i].encode()), i)):
        own[labels[i]].append(i)
    chosen: list[int] = []
    left = wanted
    for waiting, label in enumerate(sorted(own, key=lambda name: (len(own[name]), name))):
        share = own[label][: left // (len(own) - waiting)]
        chosen += share
        left -= len(share)
    return np.array(sorted(chosen))


def _sparse(grams: Grams, cleaned: Sequence[str]) -> csr_matrix:
    rows = [grams.row(text) for text in cleaned]
    ends = np.cumsum([0, *(len(columns) for columns, _ in rows)])
    columns = np.concatenate([columns for columns, _ in rows])
    weights = np.concatenate([weights for _, weights in rows])
    return csr_matrix((weights, columns, ends), shape=(len(cleaned), len(grams.index)))


def _contradiction() -> ValueError:
    return ValueError("the likenesses of the sentences contradict each other: no solution")


def _solve_all(likeness: Floats, *, ridge: float, target: Floats) -> tuple[Floats, Floats]:
    """How hard each sentence pulls to each label, and what each gets when it is left out. Eats `likeness`."""
    likeness[np.diag_indices_from(likeness)] += np.float32(ridge)
    factor, failed = spotrf(
        likeness.T, lower=1, overwrite_a=1
    )  # symmetric, so .T is itself in Fortran's order
    if failed:
        raise _contradiction()
    alpha = cho_solve((factor, True), target)
    inverse, _ = spotri(factor, lower=1, overwrite_c=1)
    return np.asarray(alpha, dtype=np.float32), np.asarray(target - alpha / inverse.diagonal()[:, None])


def _solve_landmarks(
    likeness: Floats, *, marks: NDArray[np.int64], ridge: float, target: Floats
) -> tuple[Floats, Floats]:
    """The same where only landmarks pull: one row of `likeness` a sentence, one column a landmark."""
    try:
        between = likeness[marks].astype(np.float64)
        between[np.diag_indices_from(between)] += _JITTER * float(between.diagonal().mean())
        root = cholesky(between, lower=True, overwrite_a=True).astype(np.float32)
        rows = solve_triangular(root, likeness.T, lower=True).T  # likenesses made coordinates
        square = rows.T @ rows
        square[np.diag_indices_from(square)] += np.float32(ridge)
        factor = cholesky(square, lower=True, overwrite_a=True)
    except LinAlgError as error:
        raise _contradiction() from error
    half = solve_triangular(factor, rows.T, lower=True)
    solution = solve_triangular(factor, half @ target, lower=True, trans=1)
    own = np.einsum("ij,ij->j", half, half)[:, None]  # how much of its answer a sentence gives itself
    left_out = target - (target - rows @ solution) / np.maximum(1 - own, _OWN)
    alpha = solve_triangular(root, solution, lower=True, trans=1)
    return np.asarray(alpha, dtype=np.float32), np.asarray(left_out, dtype=np.float32)


def _softmax(scores: NDArray[Any]) -> Doubles:
    shifted = np.exp((scores - scores.max(axis=1, keepdims=True)).astype(np.float64))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def _temperature(scores: NDArray[Any], target: NDArray[Any]) -> float:
    """The temperature that makes softmax(scores / temperature) most likely for the left-out sentences."""
    candidates = np.geomspace(0.02, 1.0, 80)
    losses = [-np.log((_softmax(scores / t) * target).sum(axis=1) + 1e-12).mean() for t in candidates]
    return float(candidates[int(np.argmin(losses))])
