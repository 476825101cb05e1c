"""The built-in intent engine: works in the same process, downloads nothing, needs no graphics card (U2).

Trained once from `nlu/training`, kept in a cache file named by what it was made of (sentences, code, libraries), so
that a changed sentence or library trains anew and nothing else does. `python -m nlu.train CACHE_DIR` does it ahead of
time.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import tempfile
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from nlu import encoder as encoder_module
from nlu import features, kernel, pinyin, training_data
from nlu.encoder import Encoder, UniversalSentenceEncoder
from nlu.features import Cues, has_words
from nlu.kernel import CueSource, KernelModel
from nlu.training_data import TRAINING_DIR
from nlu.understanding import INTENTS, Intent

logger = logging.getLogger(__name__)

REMEMBERED = 2048
"""Sentences whose answer is kept: 好的, 对, 你好 come again and again."""

KEPT = 3
"""Model files that stay in the cache: another version of the program may still start from an older one."""

WARM_UP = "你好"
"""Classified once while loading, so that the encoder has read its weights before the first resident writes."""


class BuiltinEngine:
    """An IntentEngine (see `nlu.engine`) in this process. May be used from any event loop or thread."""

    name = "builtin"

    def __init__(self, model: KernelModel) -> None:
        self._model = model
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="intents")
        self._answers: OrderedDict[str, tuple[Intent, ...]] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def load(
        cls,
        cache_dir: Path,
        training_dir: Path = TRAINING_DIR,
        encoder: Encoder | None = None,
    ) -> BuiltinEngine:
        """The engine from its cache file, or freshly trained (under a minute) when there is none that fits.

        Blocks; call it in a thread. Raises TrainingDataError when the sentences cannot be used, OSError when the
        cache directory cannot be written.
        """
        engine = cls(trained(cache_dir, training_dir, encoder or UniversalSentenceEncoder()))
        engine.rank(WARM_UP)
        return engine

    async def classify(self, text: str) -> Sequence[Intent]:
        """All intents, best first. Nothing to read in it (empty, punctuation, emoji): out_of_scope with 0."""
        with self._lock:
            known = self._answers.get(text)
            if known is not None:
                self._answers.move_to_end(text)
                return known
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.rank, text)

    def rank(self, text: str) -> tuple[Intent, ...]:
        """What `classify` answers, in the calling thread."""
        if not has_words(features.clean(text)):
            return (Intent(name="out_of_scope", confidence=0.0),)
        probabilities = self._model.probabilities(text)
        pairs = zip(self._model.labels, probabilities.tolist(), strict=True)
        ranking = tuple(
            Intent(name=name, confidence=probability)
            for name, probability in sorted(pairs, key=lambda pair: (-pair[1], INTENTS.index(pair[0])))
        )
        with self._lock:
            self._answers[text] = ranking
            if len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
        return ranking

    def close(self) -> None:
        """Lets the worker thread go."""
        self._pool.shutdown(wait=True)


def trained(cache_dir: Path, training_dir: Path, encoder: Encoder) -> KernelModel:
    """The model of these sentences, from the cache or made now and put there."""

    def fit(cues: CueSource) -> KernelModel:
        examples = training_data.load(training_dir)
        return KernelModel.fit([e.text for e in examples], [e.intent for e in examples], encoder, cues=cues)

    key = key_of(encoder, [], training_dir)
    return cached(cache_dir, "intents", key, encoder, Cues.read(), fit)


def cached(
    cache_dir: Path,
    name: str,
    key: str,
    encoder: Encoder,
    cues: CueSource,
    fit: Callable[[CueSource], KernelModel],
) -> KernelModel:
    """The model `NAME-KEY.npz` of the cache; if it is not there or damaged, what `fit` makes, put there."""
    file = cache_dir / f"{name}-{key}.npz"
    if file.exists():
        try:
            return KernelModel.load(file, encoder, cues)
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            EOFError,
            OSError,
            zipfile.BadZipFile,
        ) as error:
            logger.warning("the cached model %s cannot be read (%s): trained anew", file, error)
    model = fit(cues)
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_dir) as scratch:
        fresh = Path(scratch) / file.name
        model.save(fresh)
        fresh.replace(file)  # at once: another process sees the whole file or none
    models = sorted(cache_dir.glob(f"{name}-*.npz"), key=lambda model_file: model_file.stat().st_mtime)
    for outdated in models[:-KEPT]:
        outdated.unlink(missing_ok=True)
    return model


def key_of(encoder: Encoder, more: Sequence[Path], training_dir: Path = TRAINING_DIR) -> str:
    """A hash of everything a model depends on: sentences, cues, code, libraries, and the files in `more`."""
    digest = hashlib.sha256(training_data.fingerprint(training_dir).encode())
    sources = [
        kernel.__file__,
        features.__file__,
        encoder_module.__file__,
        pinyin.__file__,
        str(features.CUES_FILE),
    ]
    for source in [*map(Path, sources), *(path for path in more if path.is_file())]:
        digest.update(source.read_bytes())
    digest.update(f"{encoder.identity} numpy {version('numpy')} pypinyin {version('pypinyin')}".encode())
    return digest.hexdigest()[:20]
