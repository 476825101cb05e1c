"""Measures the time parser on a file of expressions: `python -m nlu.times FILE [NOW]`."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from nlu.times import find_times


def measure(file: Path, now: datetime) -> tuple[int, int, list[str]]:
    """How many of the file's lines (text, tab, expected value or "-") are right, of how many, and what is wrong."""
    right, wrong = 0, []
    for line in file.read_text(encoding="utf-8").splitlines():
        text, _, expected = line.partition("\t")
        if not expected or text == "text":
            continue
        got = "|".join(entity.value for entity in find_times(text, now)) or "-"
        if got == expected:
            right += 1
        else:
            wrong.append(f"{text}\twanted {expected}\tgot {got}")
    return right, right + len(wrong), wrong


def main() -> None:
    """Prints what is wrong and the share of what is right."""
    if len(sys.argv) < 2:
        sys.exit("usage: python -m nlu.times FILE [NOW], e.g. times_dev.tsv 2026-11-22T10:00+08:00")
    now = datetime.fromisoformat(sys.argv[2] if len(sys.argv) > 2 else "2026-11-22T10:00+08:00")
    right, total, wrong = measure(Path(sys.argv[1]), now)
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    sys.stdout.write(f"{right} of {total} right ({100 * right / max(total, 1):.1f} %)\n")


if __name__ == "__main__":
    main()
