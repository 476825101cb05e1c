"""The time bank's books add up whatever happens to them (F11)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from data import ledger
from data.database import Database
from data.models import LedgerAccount, LedgerTransfer
from tests import small_community
from tests.small_community import Small


@pytest_asyncio.fixture
async def small(database: Database) -> AsyncIterator[Small]:
    yield await small_community.build(database)


async def earned(small: Small, minutes: int, key: str = "given:1") -> None:
    async with small.work("staff:officer-1") as work:
        await ledger.give(work, small.resident.id, minutes, key=key, note="陪聊", about="request:1")


async def test_hours_given_are_there_and_the_pot_is_as_much_below(small: Small) -> None:
    await earned(small, 90)
    async with small.work() as work:
        assert await ledger.balance(work, small.resident.id) == 90
        assert (await ledger.pot(work)).balance == -90
        assert await ledger.wrong(work) == []


async def test_somebody_without_an_account_has_nothing(small: Small) -> None:
    async with small.work() as work:
        assert await ledger.balance(work, small.resident.id) == 0
        assert await ledger.statement(work, small.resident.id) == []


async def test_the_same_key_again_moves_nothing(small: Small) -> None:
    await earned(small, 60)
    await earned(small, 60)
    async with small.work() as work:
        assert await ledger.balance(work, small.resident.id) == 60


async def test_a_key_does_not_stand_for_two_things(small: Small) -> None:
    await earned(small, 60)
    with pytest.raises(ledger.KeyReused):
        await earned(small, 61)


async def test_more_than_is_there_is_not_given_out(small: Small) -> None:
    await earned(small, 60)
    with pytest.raises(ledger.HoursShort) as short:
        async with small.work() as work:
            await ledger.redeem(work, small.resident.id, 61, key="r", note=None, about=None)
    assert short.value.facts == {"balance": 60, "minutes": 61}
    async with small.work() as work:
        assert await ledger.balance(work, small.resident.id) == 60


async def test_what_was_paid_for_something_called_off_comes_back_once(small: Small) -> None:
    await earned(small, 60)
    async with small.work() as work:
        await ledger.redeem(work, small.resident.id, 45, key="paid:2", note="午餐", about="request:2")
    for _ in range(2):
        async with small.work() as work:
            await ledger.give_back(work, "request:2")
    async with small.work() as work:
        assert await ledger.balance(work, small.resident.id) == 60
        lines = await ledger.statement(work, small.resident.id)
    assert [(one.minutes, one.reason) for one in lines] == [
        (45, "returned"),
        (-45, "redeemed"),
        (60, "given"),
    ]


async def test_what_is_left_behind_goes_to_the_pot(small: Small) -> None:
    await earned(small, 60)
    async with small.work() as work:
        assert await ledger.forfeit(work, small.resident.id) == 60
        assert await ledger.forfeit(work, small.resident.id) == 0
        assert (await ledger.pot(work)).balance == 0


async def test_of_two_workers_one_gets_the_last_hours(small: Small) -> None:
    await earned(small, 60)
    both = asyncio.Barrier(2)

    async def worker(name: str) -> bool:
        try:
            async with small.work() as work:
                await both.wait()
                await ledger.redeem(work, small.resident.id, 60, key=name, note=None, about=None)
        except ledger.HoursShort:
            return False
        return True

    assert sorted(await asyncio.gather(worker("a"), worker("b"))) == [False, True]
    async with small.work() as work:
        assert await ledger.balance(work, small.resident.id) == 0
        assert await ledger.wrong(work) == []


async def test_transfers_in_both_directions_at_once_do_not_wait_for_ever(small: Small) -> None:
    await earned(small, 600)

    async def one(number: int) -> None:
        async with small.work() as work:
            if number % 2:
                await ledger.redeem(work, small.resident.id, 10, key=f"r{number}", note=None, about=None)
            else:
                await ledger.give(work, small.resident.id, 10, key=f"g{number}", note=None, about=None)

    await asyncio.gather(*(one(number) for number in range(8)))
    async with small.work() as work:
        assert await ledger.balance(work, small.resident.id) == 600
        assert await ledger.wrong(work) == []


async def test_the_database_itself_refuses_a_balance_below_zero(small: Small) -> None:
    await earned(small, 60)
    with pytest.raises(IntegrityError, match="not_overdrawn"):
        async with small.work() as work:
            await work.session.execute(
                update(LedgerAccount).where(LedgerAccount.kind == "resident").values(balance=-1)
            )


async def test_books_that_were_tampered_with_are_found(small: Small) -> None:
    await earned(small, 60)
    async with small.work() as work:
        await work.session.execute(update(LedgerTransfer).values(minutes=59))
        assert len(await ledger.wrong(work)) == 2
        await work.session.execute(
            update(LedgerAccount).where(LedgerAccount.kind == "resident").values(balance=59)
        )
        assert await ledger.wrong(work) != []


_MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("give"), st.integers(1, 300), st.integers(0, 6)),
        st.tuples(st.just("redeem"), st.integers(1, 300), st.integers(0, 6)),
        st.tuples(st.just("return"), st.just(0), st.integers(0, 6)),
        st.tuples(st.just("forfeit"), st.just(0), st.just(0)),
    ),
    max_size=12,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(moves=[("give", 1, 0), ("forfeit", 0, 0), ("give", 1, 1), ("forfeit", 0, 0)])
@example(moves=[("give", 1, 0), ("forfeit", 0, 0), ("give", 2, 1), ("forfeit", 0, 0)])
@given(moves=_MOVES)
async def test_whatever_is_moved_the_balances_add_up_to_zero(
    small: Small, moves: list[tuple[str, int, int]]
) -> None:
    async with small.work() as work:
        await work.session.execute(text("TRUNCATE ledger_transfer, ledger_account CASCADE"))
    expected, paid, seen = 0, dict[int, int](), dict[str, int]()
    for what, minutes, number in moves:
        key, about = f"{what}:{number}", f"request:{number}"
        try:
            async with small.work() as work:
                who = small.resident.id
                if what == "give":
                    await ledger.give(work, who, minutes, key=key, note=None, about=about)
                elif what == "redeem":
                    await ledger.redeem(work, who, minutes, key=key, note=None, about=about)
                elif what == "return":
                    await ledger.give_back(work, about)
                else:
                    await ledger.forfeit(work, who)
        except ledger.HoursShort:
            assert what == "redeem"
            assert minutes > expected
            continue
        except ledger.KeyReused:
            assert seen[key] != minutes
            continue
        if what == "give" and key not in seen:
            expected += minutes
        elif what == "redeem" and key not in seen:
            expected -= minutes
            paid[number] = minutes
        elif what == "return":
            expected += paid.pop(number, 0)
        elif what == "forfeit":
            expected = 0
        seen.setdefault(key, minutes)
        async with small.work() as work:
            assert await ledger.balance(work, small.resident.id) == expected
            assert await ledger.wrong(work) == []
