"""Anything in any order: whatever is said, pressed or kept silent about, the promises of a conversation hold.

What the promises are is in `tests/walk.py`; `python -m bench random_walk` walks for longer.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import crypto, embedded
from tests.harness import Talk
from tests.standing_house import standing, sweep
from tests.walk import ANSWERS, PERSON, PRESSED, WISHES, Walk, wander

ME = "demo:resident-1"
TURNS = 45

said = st.tuples(st.just("say"), st.sampled_from((*WISHES, *ANSWERS, *PRESSED)))
pressed = st.tuples(st.just("press"), st.integers(0, 2))
silent = st.tuples(st.just("silence"), st.just(0))
waited = st.tuples(st.just("wait"), st.sampled_from((1, 12, 31, 65, 60 * 20)))
"""One thing that happens in a conversation."""


@pytest_asyncio.fixture(scope="module")
async def house(
    postgres: embedded.EmbeddedServer, template: str, keyring: crypto.Keyring
) -> AsyncIterator[Talk]:
    async with standing(postgres, template, keyring, "random_dialogues") as made:
        yield made


@pytest.mark.parametrize("seed", range(2))
async def test_the_promises_hold_on_a_long_way(house: Talk, seed: int) -> None:
    walk = Walk(here=await sweep(house), sender=ME)
    chance = random.Random(seed)
    for _ in range(TURNS):
        await wander(walk, chance)
    await walk.turn(PERSON)


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.one_of(said, said, said, pressed, silent, waited), min_size=3, max_size=10))
async def test_the_promises_hold_whatever_happens(house: Talk, happens: list[tuple[str, object]]) -> None:
    walk = Walk(here=await sweep(house), sender=ME)
    for what, how in happens:
        if what == "wait":
            await walk.wait(float(str(how)))
        elif what == "silence":
            await walk.turn("", kind="silence", channel="terminal")
        elif what == "press":
            shown = [one["payload"] for each in walk.last for one in (each.payload or {}).get("buttons", ())]
            await walk.turn(shown[int(str(how)) % len(shown)] if shown else "/affirm")
        else:
            await walk.turn(str(how))
