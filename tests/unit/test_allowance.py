"""A burst, then so many a second, for each sender by itself (P7)."""

from __future__ import annotations

from bot.allowance import Allowance


def test_a_burst_and_then_two_a_second() -> None:
    allowance = Allowance(burst=60, per_second=2)
    assert [allowance.take("a", 0.0) for _ in range(61)] == [True] * 60 + [False]
    assert [allowance.take("a", 1.0) for _ in range(3)] == [True, True, False]


def test_one_sender_does_not_use_up_another_s() -> None:
    allowance = Allowance(burst=1, per_second=1)
    assert allowance.take("a", 0.0)
    assert not allowance.take("a", 0.0)
    assert allowance.take("b", 0.0)


def test_a_pause_fills_the_bucket_and_no_more() -> None:
    allowance = Allowance(burst=3, per_second=1)
    assert [allowance.take("a", 0.0) for _ in range(3)] == [True] * 3
    assert [allowance.take("a", 3600.0) for _ in range(4)] == [True, True, True, False]


def test_many_senders_take_no_more_room_than_is_given() -> None:
    allowance = Allowance(burst=1, per_second=0.001, senders=10)
    for number in range(1000):
        allowance.take(number, 0.0)
    assert len(allowance._left) == 10
    assert not allowance.take(999, 0.0)


def test_a_clock_that_goes_back_gives_nothing() -> None:
    allowance = Allowance(burst=1, per_second=1)
    assert allowance.take("a", 10.0)
    assert not allowance.take("a", 5.0)
