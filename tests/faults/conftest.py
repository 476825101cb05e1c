"""How many times the product is killed: few in every run of the tests, many with `make faults`."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rounds", type=int, default=4, help="how many times the product is killed (tests/faults)"
    )


@pytest.fixture(scope="session")
def rounds(request: pytest.FixtureRequest) -> int:
    """How many times the product is killed."""
    given: int = request.config.getoption("--rounds")
    return given
