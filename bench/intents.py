"""Our intent engine beside Rasa's DIET, trained on the same sentences: `python -m bench.intents [FILE …]` (U2, U3, U8, O7).

Both are asked sentence by sentence as the product asks them: ours in the process, Rasa over HTTP on a kept connection.
Emergency net and entities are the same with either, and are left out. Rasa's environment and model come from the
cache (`nlu/rasa_server.py`), or are made: training DIET on all sentences takes long. It gets words by jieba, n-grams
of one to four characters, the names of the catalogue, and the epochs of `nlu/rasa/config.yml`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from nlu import rasa_server
from nlu.builtin import BuiltinEngine
from nlu.engine import IntentEngine
from nlu.evaluate import Outcome, Report, Row, read_rows, report
from nlu.rasa import RasaEngine
from nlu.understanding import Intent, Understanding
from tests.product import free_port

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
PATIENCE = 30.0
"""Seconds a question to Rasa may take here: a slow answer is measured, not replaced."""


class NoFallback:
    """Stands where the built-in engine stands in the product: an answer that Rasa does not give is counted as wrong."""

    name = "nobody"

    def __init__(self) -> None:
        self.asked = 0

    async def classify(self, text: str) -> Sequence[Intent]:
        """Nothing is known of it; only a text without words comes here in a measurement that goes well."""
        self.asked += 1
        return (Intent(name="out_of_scope", confidence=0.0),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One engine on one file."""

    report: Report  # accuracy, calibration, scope
    median: float  # milliseconds of a sentence
    slow: float  # milliseconds that one in a hundred sentences exceeds


async def measure(engine: IntentEngine, rows: Sequence[Row]) -> Measured:
    """Asks for every sentence, one after the other."""
    outcomes = []
    for row in rows:
        began = perf_counter()
        ranking = tuple(await engine.classify(row.text))
        seconds = perf_counter() - began
        understood = Understanding(text=row.text, intent=ranking[0], ranking=ranking, engine=engine.name)
        outcomes.append(Outcome(row=row, understood=understood, seconds=seconds))
    times = sorted(1000 * outcome.seconds for outcome in outcomes)
    return Measured(
        report=report(outcomes),
        median=times[len(times) // 2],
        slow=times[min(len(times) - 1, len(times) * 99 // 100)],
    )


def table(engines: Mapping[str, Measured]) -> str:
    """Everything side by side, one engine a column."""
    figures: dict[str, list[str]] = {}
    for measured in engines.values():
        told = measured.report
        lines = {
            "accuracy": f"{told.accuracy.rate:.1%}",
            "macro F1": f"{told.macro_f1:.1%}",
            "calibration (ECE)": f"{told.calibration_error:.1%}",
            "out of scope AUROC": "-" if told.scope_auroc is None else f"{told.scope_auroc:.3f}",
            **{f"  {style} ({share.of})": f"{share.rate:.1%}" for style, share in told.per_style.items()},
            "p50": f"{measured.median:.1f} ms",
            "p99": f"{measured.slow:.1f} ms",
        }
        for name, figure in lines.items():
            figures.setdefault(name, []).append(figure)
    head = f"{'':<22}" + "".join(f"{name:>16}" for name in engines)
    return "\n".join(
        [head, *(f"{name:<22}" + "".join(f"{f:>16}" for f in row) for name, row in figures.items())]
    )


def files() -> list[Path]:
    """The sentences written blind, by people who had not seen the training sentences; else our own."""
    return sorted(DATA.glob("intents_blind_*.tsv")) or [DATA / "intents_own.tsv"]


async def compare(paths: Sequence[Path], builtin: BuiltinEngine, url: str) -> None:
    """Prints the table of each file, and of all of them together."""
    nobody = NoFallback()
    rasa = RasaEngine(url, nobody, timeout=PATIENCE)
    everything = [(path.name, read_rows(path)) for path in paths]
    if len(everything) > 1:
        everything.append(("all of them", tuple(row for _, rows in everything for row in rows)))
    for name, rows in everything:
        engines = {"anlin": await measure(builtin, rows), "rasa 3.6 DIET": await measure(rasa, rows)}
        print(f"{name}, {len(rows)} sentences\n{table(engines)}\n", flush=True)
    await rasa.close()
    if nobody.asked:
        print(f"{nobody.asked} sentences were not answered by Rasa (no words in them, or a fault)\n")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.intents", description=__doc__)
    parser.add_argument("files", type=Path, nargs="*", help="text, intent and style, parted by tabs")
    parser.add_argument(
        "--epochs", type=int, help="train DIET for so many epochs (default: nlu/rasa/config.yml)"
    )
    parser.add_argument(
        "--model", type=Path, help="a Rasa model that was trained before, whatever its sentences"
    )
    options = parser.parse_args()
    cache = rasa_server.cache_folder()
    builtin = BuiltinEngine.load(ROOT / "var" / "nlu")
    port = free_port()
    try:
        trained = options.model or rasa_server.model(cache, rasa_server.Project.product(options.epochs))
        server = rasa_server.Server(cache, trained, port, cache / f"server-{port}.log")
        try:
            server.start()
            asyncio.run(compare(options.files or files(), builtin, server.url))
        finally:
            server.kill()
    except rasa_server.RasaSetupError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
