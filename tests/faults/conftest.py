"""How many times the product is killed: few in every run of the tests, many with `make faults`."""

from __future__ import annotations

import pytest

FEW = 4


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rounds", type=int, default=FEW, help="how many times the product is killed (tests/faults)"
    )


@pytest.fixture(scope="session")
def rounds(request: pytest.FixtureRequest) -> int:
    """How many times the product is killed."""
    # The option is known only when this folder is named on the command line.
    given: int = request.config.getoption("--rounds", default=FEW)
    return given
