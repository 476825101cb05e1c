"""The main jobs, end to end: each YAML file beside this one, played against the started product."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.product import Product, drill, started
from tests.scenarios.script import NOW, Scenario, load, play

SCENARIOS = load()
DRILLS = [scenario for scenario in SCENARIOS if scenario.speed != 1]
TALKS = [scenario for scenario in SCENARIOS if scenario.speed == 1]


def _named(scenario: Scenario) -> str:
    return scenario.file


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """One product for all dialogues that need no clock of their own."""
    with started(*drill(NOW, 1)) as running:
        yield running


@pytest.fixture(scope="module")
def drills() -> Iterator[dict[str, Future[None]]]:
    """All drills side by side: they mostly wait."""

    def run(scenario: Scenario) -> None:
        with started(*drill(scenario.now, scenario.speed)) as running:
            play(running, scenario)

    with ThreadPoolExecutor(max_workers=len(DRILLS)) as pool:
        yield {scenario.file: pool.submit(run, scenario) for scenario in DRILLS}


@pytest.mark.parametrize("scenario", TALKS, ids=_named)
def test_talk(scenario: Scenario, product: Product) -> None:
    assert scenario.now == NOW, "a scenario with another moment needs a speed, and so a product, of its own"
    play(product, scenario)


@pytest.mark.parametrize("scenario", DRILLS, ids=_named)
def test_drill(scenario: Scenario, drills: dict[str, Future[None]]) -> None:
    drills[scenario.file].result()
