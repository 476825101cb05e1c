"""The built-in intent engine: works in the same process, downloads nothing, needs no graphics card (U2).

Trained once from `nlu/training`, kept in a cache file named by what it was made of (sentences, code, libraries), so
that a changed sentence or library trains anew and nothing else does. `python -m nlu.builtin train CACHE_DIR` does it
ahead of time.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import logging
import sys
import tempfile
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from nlu import encoder as encoder_module
from nlu import features, kernel, pinyin, training_data
from nlu.encoder import Encoder, UniversalSentenceEncoder
from nlu.features import has_words
from nlu.kernel import KernelModel
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
    file = cache_dir / f"intents-{recipe_key(training_dir, encoder)}.npz"
    if file.exists():
        try:
            return KernelModel.load(file, encoder)
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            EOFError,
            OSError,
            zipfile.BadZipFile,
        ) as error:
            logger.warning("the cached intent model %s cannot be read (%s): trained anew", file, error)
    examples = training_data.load(training_dir)
    model = KernelModel.fit([e.text for e in examples], [e.intent for e in examples], encoder)
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_dir) as scratch:
        fresh = Path(scratch) / file.name
        model.save(fresh)
        fresh.replace(file)  # at once: another process sees the whole file or none
    models = sorted(cache_dir.glob("intents-*.npz"), key=lambda model_file: model_file.stat().st_mtime)
    for outdated in models[:-KEPT]:
        outdated.unlink(missing_ok=True)
    return model


def recipe_key(training_dir: Path, encoder: Encoder) -> str:
    """A hash of everything the model depends on: sentences, cues, code, libraries."""
    digest = hashlib.sha256(training_data.fingerprint(training_dir).encode())
    sources = [
        kernel.__file__,
        features.__file__,
        encoder_module.__file__,
        pinyin.__file__,
        str(features.CUES_FILE),
    ]
    for source in sources:
        digest.update(Path(source).read_bytes())
    digest.update(f"{encoder.identity} numpy {version('numpy')} pypinyin {version('pypinyin')}".encode())
    return digest.hexdigest()[:20]


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m nlu.builtin train CACHE_DIR`: trains unless that is done already, and says where the model is."""
    parser = argparse.ArgumentParser(prog="python -m nlu.builtin", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train the built-in intent engine")
    train.add_argument("cache_dir", type=Path, help="directory of the model files, e.g. var/nlu")
    train.add_argument("--training", type=Path, default=TRAINING_DIR, help="directory of the sentences")
    options = parser.parse_args(arguments)
    encoder = UniversalSentenceEncoder()
    model = trained(options.cache_dir, options.training, encoder)
    sys.stdout.write(
        f"{options.cache_dir / f'intents-{recipe_key(options.training, encoder)}.npz'}: "
        f"{len(model.labels)} intents, {model.left_out:.1%} right when left out\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
