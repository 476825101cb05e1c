"""Trains what understands in this process, ahead of time: `python -m nlu.train CACHE_DIR`, part of `make setup`.

The intent engine and the second listener of the emergency net. Does nothing when neither sentences nor code changed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from nlu import builtin, listener
from nlu.emergency import EmergencyNet
from nlu.encoder import RememberingEncoder, UniversalSentenceEncoder
from nlu.training_data import TRAINING_DIR


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains unless that is done already, and says how well."""
    parser = argparse.ArgumentParser(prog="python -m nlu.train", description=main.__doc__)
    parser.add_argument("cache_dir", type=Path, help="directory of the model files, e.g. var/nlu")
    options = parser.parse_args(arguments)
    encoder = RememberingEncoder(UniversalSentenceEncoder())  # most sentences are in both
    began = perf_counter()
    intents = builtin.trained(options.cache_dir, TRAINING_DIR, encoder)
    cries = listener.trained(options.cache_dir, EmergencyNet(), encoder)
    sys.stdout.write(
        f"intents: {len(intents.labels)}, {intents.left_out:.1%} right when left out; "
        f"kinds of cries: {len(cries.labels) - 1}, {cries.left_out:.1%}; {perf_counter() - began:.0f} s\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
