"""Anything in any order, for long: `python -m bench random_walk [--turns 10000] [--seed 1]` (C1–C16).

Walks through the real engine on a real PostgreSQL, looks after each turn whether the promises of a conversation hold
(`tests/walk.py`), and prints turns a second. A broken promise is printed with the turns that led to it; exit code 1.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from data import crypto, embedded
from data.database import Database
from tests.harness import talk
from tests.standing_house import sweep
from tests.walk import Broken, Walk, wander

_WALKERS = 6
_DAY = 2000
"""Turns after which everybody starts anew: bookings fill up, and a walk through full slots sees little else."""
_CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def main() -> int:
    """Walk and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=10_000, help="how many turns")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another walk")
    parser.add_argument("--broken", type=int, default=1, help="stop after so many broken promises")
    given = parser.parse_args()
    return asyncio.run(_walk(given.turns, given.seed, given.broken))


async def _walk(turns: int, seed: int, most: int) -> int:
    ring = crypto.Keyring.parse(crypto.generate_keys())
    crypto.install(ring)
    with tempfile.TemporaryDirectory(prefix="anlin-walk-") as folder:
        home = Path(folder, "home")
        server = await embedded.start(home, settings=_CARELESS)
        try:
            database = await Database.connect(await server.create_database("walk"), server.place.home, ring)
            await database.upgrade()
            try:
                return await _through(database, turns, seed, most)
            finally:
                await database.dispose()
        finally:
            await server.stop()
            await asyncio.to_thread(embedded.throw_away, home)


async def _through(database: Database, turns: int, seed: int, most: int) -> int:
    chance = random.Random(seed)
    broken = 0
    async with talk(database) as here:
        began, walks = time.perf_counter(), []
        for number in range(turns):
            if number % _DAY == 0:
                await sweep(here)
                walks = [Walk(here=here, sender=f"demo:resident-{one}") for one in range(1, _WALKERS + 1)]
            walk = chance.choice(walks)
            try:
                await wander(walk, chance)
            except Broken as found:
                broken += 1
                print(f"turn {number}: {found}\n", flush=True)
                if broken >= most:
                    break
                await sweep(here)
                walks = [Walk(here=here, sender=one.sender) for one in walks]
            if (number + 1) % 500 == 0:
                print(f"{number + 1} turns, {(number + 1) / (time.perf_counter() - began):.1f}/s", flush=True)
        took = time.perf_counter() - began
    print(f"{number + 1} turns (seed {seed}), {(number + 1) / took:.1f} turns/s, {broken} broken promises")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
