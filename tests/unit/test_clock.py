"""The clock of a drill: where it starts, when it starts to run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot import clock
from bot.clock import DrillClock

START = datetime(2026, 11, 23, 8, 55, tzinfo=UTC)


def test_a_drill_stands_until_everything_is_loaded_and_then_runs_at_its_speed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = [100.0]
    monkeypatch.setattr(clock.time, "monotonic", lambda: real[0])
    drill = DrillClock(START, speed=60)
    real[0] += 7
    assert drill.now() == START
    drill.begin()
    real[0] += 1
    assert drill.now() == START + timedelta(minutes=1)
    drill.begin()  # once is enough
    assert drill.now() == START + timedelta(minutes=1)


def test_a_drill_needs_a_zone_and_a_direction() -> None:
    with pytest.raises(ValueError, match="zone"):
        DrillClock(datetime(2026, 11, 23, 8, 55), 60)
    with pytest.raises(ValueError, match="backwards"):
        DrillClock(START, -1)
