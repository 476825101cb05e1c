"""The measurements, one after another: `python -m bench [NAME …] [OPTIONS]`; `make bench` runs them all.

Each is a module of this folder with a `main()`. Each runs in a process of its own, so that none warms up another.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


def names() -> list[str]:
    """Every measurement there is."""
    return sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))


def main(wanted: list[str]) -> int:
    """Run the named measurements, or all; gives the exit code: 1 when one failed, 2 when one is unknown."""
    cut = next((index for index, word in enumerate(wanted) if word.startswith("-")), len(wanted))
    wanted, options = wanted[:cut], wanted[cut:]
    known = names()
    if unknown := [name for name in wanted if name not in known]:
        print(f"no measurement {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    failed = []
    for name in wanted or known:
        print(f"── {name} " + "─" * (76 - len(name)), flush=True)
        began = time.monotonic()
        if (
            subprocess.run(
                [sys.executable, "-m", f"bench.{name}", *options], cwd=HERE.parent, check=False
            ).returncode
            != 0
        ):
            failed.append(name)
        print(f"   {time.monotonic() - began:.0f} s\n", flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
