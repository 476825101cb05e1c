"""How well the emergency net hears: recall, questions, false alarms and hits in everyday talk.

.venv/bin/python bench/emergency.py [--errors] [--dev FILE …] [--everyday FILE]
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from nlu.emergency import EmergencyNet
from nlu.encoder import UniversalSentenceEncoder
from nlu.listener import Listener
from nlu.understanding import Context, Emergency

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
Judge = Callable[[str], Emergency | None]
CONTEXT = Context(now=datetime(2026, 11, 22, 10, tzinfo=UTC))


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a tab-separated file with a header line."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


def show(label: str, text: str, judged: Emergency | None) -> None:
    """One error, with the reasons the net gave."""
    reasons = "" if judged is None else f"{judged.kind} {judged.level} {judged.evidence} {judged.suppressors}"
    print(f"  {label}: {text}  {reasons}")


def share(part: int, whole: int) -> str:
    return f"{part}/{whole} ({100 * part / max(whole, 1):.1f} %)"


def marked(judge: Judge, path: Path, errors: bool) -> None:
    """Figures on a file with the columns text, is_emergency, kind."""
    counts: Counter[str] = Counter()
    for row in rows(path):
        text, kind = row["text"], row.get("kind") or ""
        judged = judge(text)
        heard = "none" if judged is None else "asked" if judged.level == 4 else "raised"
        truth = "cry" if row["is_emergency"] == "1" else "harmless"
        counts[f"{truth} {heard}"] += 1
        counts[truth] += 1
        if truth == "cry" and judged is not None and kind:
            counts["kinds"] += 1
            counts["kind right"] += judged.kind == kind
        if errors and (truth == "cry") != (heard == "raised"):
            show(f"{truth} {heard}", text, judged)
    print(f"{path.name}")
    print(f"  cries raised {share(counts['cry raised'], counts['cry'])}, ", end="")
    print(f"raised or asked {share(counts['cry raised'] + counts['cry asked'], counts['cry'])}, ", end="")
    print(f"kind right {share(counts['kind right'], counts['kinds'])}")
    print(f"  harmless raised {share(counts['harmless raised'], counts['harmless'])}, ", end="")
    print(f"asked {share(counts['harmless asked'], counts['harmless'])}")


def everyday(judge: Judge, path: Path, errors: bool) -> None:
    """Hits in everyday talk, and the time a message takes."""
    counts: Counter[str] = Counter()
    times: list[float] = []
    lines = rows(path)
    for row in lines:
        begun = time.thread_time()
        judged = judge(row["text"])
        times.append(time.thread_time() - begun)
        if judged is not None:
            heard = "asked" if judged.level == 4 else "raised"
            counts[heard] += 1
            if errors:
                show(f"everyday {heard}", row["text"], judged)
    print(
        f"{path.name}: {len(lines)} lines, raised {counts['raised']}, asked {counts['asked']}; per message ",
        end="",
    )
    times.sort()
    print(f"median {statistics.median(times) * 1e3:.3f} ms, p99 {times[int(len(times) * 0.99)] * 1e3:.3f} ms")


def _dev() -> list[Path]:
    """The development file beside the checkout, where there is one."""
    path = SHARED / "emergency_dev.tsv"
    return [path] if path.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules-only", action="store_true", help="without the second listener")
    parser.add_argument("--errors", action="store_true", help="list every error with the net's reasons")
    own = sorted((ROOT / "tests" / "data").glob("emergency_*.tsv"))
    parser.add_argument("--dev", type=Path, nargs="*", default=[*_dev(), *own])
    parser.add_argument("--everyday", type=Path, default=SHARED / "everyday_dev.tsv")
    arguments = parser.parse_args()
    net = EmergencyNet()
    listener = Listener.load(ROOT / "var" / "nlu", net, UniversalSentenceEncoder())

    def judge(text: str) -> Emergency | None:
        suspicion = None if arguments.rules_only else listener.suspect(text)
        return net.judge(text, CONTEXT, suspicion)

    for path in arguments.dev:
        marked(judge, path, arguments.errors)
    if arguments.everyday.exists():
        everyday(judge, arguments.everyday, arguments.errors)


if __name__ == "__main__":
    main()
