"""The second listener of the emergency net: has learned from sentences what cries for help sound like.

Trained from `nlu/training_emergency` (cries of every kind, and sentences that only sound like them) and from the
sentences of the intents, with the emergency net's own words and masks among its cues. What it hears is weighed in
`nlu.emergency`. Works in this process, downloads nothing, and is kept in a cache file like the intent engine.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import yaml

from nlu import builtin, features, training_data
from nlu.emergency import EmergencyNet, Suspicion
from nlu.emergency_evidence import Evidence
from nlu.encoder import Encoder, single_thread
from nlu.kernel import CueSource, KernelModel, Recipe
from nlu.training_data import TRAINING_DIR, TrainingDataError
from nlu.understanding import EMERGENCY_KINDS, Context

SENTENCES_DIR = Path(__file__).parent / "training_emergency"

HARMLESS = "none"
"""The `kind` of a file of sentences that only sound like cries."""

RECIPE = Recipe(cues=0.7, ridge=0.3, landmarks=3500)
"""Chosen with `bench/emergency.py`: as good as with all sentences pulling, at a quarter of the work."""

_SOURCES = [*sorted(Path(__file__).parent.glob("emergency_*")), Path(__file__)]
"""What the model depends on beside sentences and `nlu.builtin`: the net's tables and what reads them. How the net
weighs what it hears (`emergency.py`) is not among them."""

_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)
"""The net wants to know the time; what it hears in a sentence does not depend on it."""
_NOTHING = Suspicion(kind="unknown", likelihood=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence to learn from."""

    text: str  # as people say it
    kind: str  # one of EMERGENCY_KINDS, or HARMLESS


def sentences(directory: Path = SENTENCES_DIR) -> Iterator[Sentence]:
    """The sentences of `training_emergency`, file by file. Raises TrainingDataError for an unknown kind."""
    for file in sorted(directory.glob("*.yml")):
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        if document["kind"] not in (*EMERGENCY_KINDS, HARMLESS):
            raise TrainingDataError(f"{file}: unknown kind {document['kind']!r}")
        for line in document["sentences"].splitlines():
            yield Sentence(text=line.strip(), kind=document["kind"])


class Listener:
    """Keeps `nlu.engine.SecondListener` in this process. May be used from any event loop or thread."""

    def __init__(self, model: KernelModel) -> None:
        self._model = model
        self._harmless = model.labels.index(HARMLESS)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="listener")
        self._heard: OrderedDict[str, Suspicion] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def load(cls, cache_dir: Path, net: EmergencyNet, encoder: Encoder) -> Listener:
        """The listener from its cache file, or freshly trained. Blocks; see `BuiltinEngine.load` for errors."""
        return cls(trained(cache_dir, net, encoder))

    async def hear(self, text: str) -> Suspicion:
        """See `nlu.engine.SecondListener`."""
        with self._lock:
            known = self._heard.get(text)
            if known is not None:
                self._heard.move_to_end(text)
                return known
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.suspect, text)

    def suspect(self, text: str) -> Suspicion:
        """What `hear` answers, in the calling thread."""
        if not features.has_words(features.clean(text)):
            return _NOTHING
        with single_thread():
            scores = self._model.scores(text)
        kinds = np.delete(scores, self._harmless)
        names = [label for label in self._model.labels if label != HARMLESS]
        # The scores of all labels add up to 1, so this is the score of all kinds of cries together.
        likelihood = min(max(1.0 - float(scores[self._harmless]), 0.0), 1.0)
        suspicion = Suspicion(kind=names[int(kinds.argmax())], likelihood=likelihood)
        with self._lock:
            self._heard[text] = suspicion
            if len(self._heard) > builtin.REMEMBERED:
                self._heard.popitem(last=False)
        return suspicion

    def close(self) -> None:
        """Lets the worker thread go."""
        self._pool.shutdown(wait=True)


def trained(cache_dir: Path, net: EmergencyNet, encoder: Encoder) -> KernelModel:
    """The listener's model, from the cache or made now and put there."""

    def fit(cues: CueSource) -> KernelModel:
        rows = list(learned_from(net))
        return KernelModel.fit([row.text for row in rows], [row.kind for row in rows], encoder, RECIPE, cues)

    key = builtin.key_of(encoder, [*_SOURCES, *sorted(SENTENCES_DIR.glob("*.yml"))])
    return builtin.cached(cache_dir, "listener", key, encoder, Evidence(net), fit)


def learned_from(net: EmergencyNet) -> Iterator[Sentence]:
    """Everything the listener learns from: its own sentences and those of the intents.

    The kind of a cry among the sentences of the intents is what the net's rules say, `unknown` where they are silent.
    """
    yield from sentences()
    for example in training_data.load(TRAINING_DIR):
        kind = HARMLESS
        if example.intent == "emergency":
            judged = net.judge(example.text, Context(now=_ANY_TIME))
            kind = judged.kind if judged is not None else "unknown"
        yield Sentence(text=example.text, kind=kind)
