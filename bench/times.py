"""Our reading of spoken times beside four libraries, on the same sentences: `python -m bench.times [FILE …]` (U4, O7).

The libraries are installed once, with hashes, into an environment of their own in the user's cache folder, and are
asked through `bench/_times_libraries.py`, which turns their answers into our forms and helps them where it can. A
sentence counts when all its times are right and nothing else was taken for one; `-` in a file means that there is none.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter
from zoneinfo import ZoneInfo

from nlu import rasa_server
from nlu.times import find_times
from nlu.timevalues import parse_value

HERE = Path(__file__).parent
ROOT = HERE.parent
REQUIREMENTS = HERE / "requirements-times.txt"
NOW = datetime(2026, 11, 22, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
"""The moment that the expected values of all files are counted from."""

KINDS = ("instant", "interval", "date", "part", "repeat", "several", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A sentence of a file."""

    text: str  # the message
    expected: str  # its times, several parted by |, or -

    @property
    def kind(self) -> str:
        """One of KINDS."""
        if self.expected == "-":
            return "none"
        return "several" if "|" in self.expected else parse_value(self.expected).kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What one engine made of all sentences of a file."""

    values: tuple[str, ...]  # as in Row.expected, in the order of the rows
    milliseconds: float  # mean time of a sentence


def read_rows(path: Path) -> list[Row]:
    """The sentences of a file with the columns text and expected."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        table = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Row(text=record["text"], expected=record["expected"] or "-") for record in table]


def own(rows: Sequence[Row]) -> Answers:
    """Our own answers."""
    began = perf_counter()
    values = ["|".join(str(entity.value) for entity in find_times(row.text, NOW)) or "-" for row in rows]
    return Answers(values=tuple(values), milliseconds=1000 * (perf_counter() - began) / len(rows))


def others(rows: Sequence[Row]) -> Mapping[str, Answers]:
    """The libraries' answers, asked in their own environment."""
    lines = "".join(json.dumps({"text": row.text}) + "\n" for row in rows)
    told = subprocess.run(
        [_python(), str(HERE / "_times_libraries.py"), NOW.replace(tzinfo=None).isoformat()],
        input=lines,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "TZ": "Asia/Shanghai", "PYTHONIOENCODING": "utf-8"},
    )
    answers = [json.loads(line) for line in told.stdout.splitlines()]
    assert len(answers) == len(rows), told.stderr[-2000:]
    return {
        name: Answers(
            values=tuple("|".join(answer[name]["values"]) or "-" for answer in answers),
            milliseconds=1000 * sum(answer[name]["seconds"] for answer in answers) / len(rows),
        )
        for name in answers[0]
    }


def table(rows: Sequence[Row], engines: Mapping[str, Answers]) -> str:
    """Accuracy of each engine, altogether and for each kind of time, and what a sentence takes."""
    counts = {kind: sum(row.kind == kind for row in rows) for kind in KINDS}
    kinds = [kind for kind in KINDS if counts[kind]]
    lines = [
        f"{'':<16}{'right':>8}" + "".join(f"{f'{kind} {counts[kind]}':>14}" for kind in kinds) + f"{'ms':>8}"
    ]
    for name, answers in engines.items():
        hits = [row.expected == value for row, value in zip(rows, answers.values, strict=True)]
        line = f"{name:<16}{sum(hits) / len(hits):>8.1%}"
        for kind in kinds:
            right = sum(hit for row, hit in zip(rows, hits, strict=True) if row.kind == kind)
            line += f"{right / counts[kind]:>14.0%}"
        lines.append(f"{line}{answers.milliseconds:>8.2f}")
    return "\n".join(lines)


def files() -> list[Path]:
    """Every file of times there is: our own, those written blind, and the development file beside the checkout."""
    data = ROOT / "tests" / "data"
    shared = ROOT.parent / "shared" / "data" / "times_dev.tsv"
    found = [data / "times_own.tsv", *sorted(data.glob("times_blind_*.tsv")), shared]
    return [path for path in found if path.exists()]


def _python() -> str:
    key = hashlib.sha256(sys.version.encode() + REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = rasa_server.cache_folder().parent / "times" / f"env-{key}"
    if not (folder / rasa_server.READY).exists():
        print(f"installing the libraries into {folder} (once)", file=sys.stderr)
        rasa_server.install(folder, sys.executable, REQUIREMENTS)
    return str(folder / "bin" / "python")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.times", description=__doc__)
    parser.add_argument("files", type=Path, nargs="*", help="text and expected, parted by a tab")
    for path in parser.parse_args().files or files():
        rows = read_rows(path)
        print(f"{path.name}, {len(rows)} sentences", flush=True)
        print(table(rows, {"anlin": own(rows), **others(rows)}), end="\n\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
