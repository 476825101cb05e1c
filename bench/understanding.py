"""Which parts of the built-in intent engine earn their place: cross-validation and ablation (U2, U7, U8).

`python -m bench.understanding` trains the engine with one likeness after the other left out and prints, for each:
accuracy of leave-one-out over all training sentences; accuracy on `tests/data/intents_own.tsv`; and on the same
sentences as a poor recogniser might write them: punctuation dropped, and a third of the characters replaced by a
homophone. `--folds 5` adds stratified cross-validation with accuracy a style and the calibration error.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from nlu import training_data
from nlu.encoder import RememberingEncoder, UniversalSentenceEncoder
from nlu.evaluate import calibration_error
from nlu.kernel import KernelModel, Recipe
from nlu.pinyin import syllable

OWN_TEST = Path(__file__).parents[1] / "tests" / "data" / "intents_own.tsv"
MISHEARD = 1 / 3

RECIPES = {
    "all": Recipe(),
    "without sounds": replace(Recipe(), sounds=0.0),
    "without characters": replace(Recipe(), characters=0.0),
    "without cues": replace(Recipe(), cues=0.0),
    "meaning only": replace(Recipe(), sounds=0.0, characters=0.0, cues=0.0),
    "without meaning": replace(Recipe(), meaning=0.0),
}


class Mishearing:
    """Replaces characters by others that sound the same, as recognisers do; the same every time."""

    def __init__(self, texts: Sequence[str]) -> None:
        groups: dict[str, set[str]] = defaultdict(set)
        for character in sorted(set("".join(texts))):
            if sound := syllable(character):
                groups[sound].add(character)
        self._groups = {sound: sorted(characters) for sound, characters in groups.items()}

    def __call__(self, text: str) -> str:
        """The text without punctuation and with about a third of its characters misheard."""
        luck = random.Random(zlib.crc32(text.encode()))
        heard = []
        for character in text:
            others = [c for c in self._groups.get(syllable(character), []) if c != character]
            swap = bool(others) and luck.random() < MISHEARD
            heard.append(luck.choice(others) if swap else character)
        return "".join(c for c in heard if c.isalnum() or c == " ")


def accuracy(model: KernelModel, rows: Sequence[tuple[str, str]]) -> float:
    """The share of (text, intent) pairs whose best score is the intent."""
    hits = [model.labels[int(model.scores(text).argmax())] == intent for text, intent in rows]
    return sum(hits) / len(hits)


def ablation(examples: Sequence[training_data.Example], encoder: RememberingEncoder) -> None:
    """Prints the table of recipes."""
    with OWN_TEST.open(encoding="utf-8", newline="") as stream:
        rows = [(row["text"], row["intent"]) for row in csv.DictReader(stream, delimiter="\t")]
    mishear = Mishearing([example.text for example in examples])
    misheard = [(mishear(text), intent) for text, intent in rows if not text.isascii()]
    print(f"{'recipe':<20}{'left out':>10}{'own test':>10}{'misheard':>10}{'train s':>9}")
    texts, labels = [e.text for e in examples], [e.intent for e in examples]
    for name, recipe in RECIPES.items():
        began = perf_counter()
        model = KernelModel.fit(texts, labels, encoder, recipe)
        seconds = perf_counter() - began
        figures = (model.left_out, accuracy(model, rows), accuracy(model, misheard))
        print(
            f"{name:<20}" + "".join(f"{figure:>10.1%}" for figure in figures) + f"{seconds:>9.1f}", flush=True
        )


def cross_validation(
    examples: Sequence[training_data.Example], encoder: RememberingEncoder, folds: int
) -> None:
    """Prints accuracy, accuracy a style and calibration error of stratified cross-validation."""
    order = sorted(
        range(len(examples)), key=lambda i: (examples[i].intent, zlib.crc32(examples[i].text.encode()))
    )
    answers: list[tuple[float, bool]] = []
    styles: dict[str, list[bool]] = defaultdict(list)
    for fold in range(folds):
        held = set(order[fold::folds])
        kept = [example for i, example in enumerate(examples) if i not in held]
        model = KernelModel.fit([e.text for e in kept], [e.intent for e in kept], encoder)
        for i in sorted(held):
            chances = model.probabilities(examples[i].text)
            right = model.labels[int(chances.argmax())] == examples[i].intent
            answers.append((float(chances.max()), right))
            styles[examples[i].style].append(right)
    print(f"\n{folds} folds: {sum(right for _, right in answers) / len(answers):.1%}", end=", ")
    print(f"ECE {calibration_error(answers):.1%}")
    for style, hits in sorted(styles.items()):
        print(f"  {style:<10}{sum(hits) / len(hits):>7.1%} of {len(hits)}")


def main() -> int:
    """Runs the measurements asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.understanding", description=__doc__)
    parser.add_argument("--folds", type=int, default=0, help="stratified cross-validation with so many folds")
    options = parser.parse_args()
    examples, encoder = training_data.load(), RememberingEncoder(UniversalSentenceEncoder())
    ablation(examples, encoder)
    if options.folds:
        cross_validation(examples, encoder, options.folds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
