"""Invented devices send the same for the same seed, and what their profile says."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from bot.commands.devices import Profile
from bot.simulated_devices import PROFILES, Sending, invented, plan

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def planned(profile: str, count: int = 5, hours: float = 3, seed: int = 1) -> list[Sending]:
    return list(plan(profile, invented(count), start=START, hours=hours, seed=seed))


def types(sendings: list[Sending]) -> Counter[str]:
    return Counter((each.document or {}).get("type", "rubbish") for each in sendings)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_same_seed_sends_the_same_and_another_does_not(profile: str) -> None:
    assert planned(profile) == planned(profile)
    assert planned(profile) != planned(profile, seed=2)


@pytest.mark.parametrize("profile", PROFILES)
def test_everything_is_in_order_and_within_its_time(profile: str) -> None:
    times = [each.after for each in planned(profile)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= 3 * 3600


def test_the_command_knows_every_profile() -> None:
    assert {each.value for each in Profile} == set(PROFILES)


def test_a_day_has_heartbeats_and_motion_and_no_alarm() -> None:
    found = types(planned("day", count=20))
    assert set(found) == {"heartbeat", "motion"}
    assert found["heartbeat"] > 20 * 3 * 5


def test_a_press_and_a_fall_are_one_for_each_device() -> None:
    assert types(planned("sos"))["sos"] == 5
    assert types(planned("fall"))["fall"] == 5


def test_who_drops_out_is_silent_from_then_on() -> None:
    last = {each.device: each.after for each in planned("dropout", count=20, hours=10)}
    assert min(last.values()) < 9 * 3600
    assert len(planned("dropout")) < len(planned("day"))


def test_what_is_played_back_is_the_same_to_the_letter() -> None:
    again = Counter(each.payload for each in planned("replay"))
    assert set(again.values()) <= {2, 3}


def test_rubbish_is_rubbish_with_a_call_for_help_in_it() -> None:
    found = types(planned("garbage", count=1))
    assert found["rubbish"] >= 3
    assert found["sos"] == 1


def test_times_are_the_devices_own() -> None:
    for each in planned("day"):
        assert each.document is not None
        assert datetime.fromisoformat(each.document["at"]) == START + timedelta(seconds=each.after)


def test_the_first_devices_are_the_demo_s() -> None:
    first, *_, last = invented(1000)
    assert (first.key, first.resident) == ("sos-3-2-501", "demo:elder-1")
    assert last.resident is None
    assert len({each.key for each in invented(1000)}) == 1000
