"""Offers of help and hours given, as staff move them: confirmed hours are credited once (F11)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from data import demo_fill, ledger, requests
from data.database import Database
from data.models import Request
from data.states import IllegalMove
from flows import cases
from tests import small_community
from tests.small_community import Small


@pytest_asyncio.fixture
async def small(database: Database) -> AsyncIterator[Small]:
    yield await small_community.build(database)


async def reported(small: Small, minutes: int = 120) -> Request:
    async with small.work("resident") as work:
        return await requests.open_case(
            work,
            kind="hours",
            resident_id=small.resident.id,
            conversation_id=small.conversation_id,
            text="陪聊",
            details={"minutes": minutes, "what": "陪聊"},
        )


async def balance(small: Small) -> int:
    async with small.work() as work:
        assert await ledger.wrong(work) == []
        return await ledger.balance(work, small.resident.id)


async def moved(small: Small, request: Request, name: str, note: str | None = None) -> None:
    async with small.work() as work:
        await cases.move(
            work, small_community.world(), str(request.id), name, staff_id="officer-1", note=note
        )


async def test_reported_hours_count_only_when_staff_confirm_them(small: Small) -> None:
    request = await reported(small)
    assert request.number.startswith("H")
    assert await balance(small) == 0
    await moved(small, request, "done", "食堂说您帮了大忙")
    assert await balance(small) == 120
    said = (await small.said())[-1].text
    assert "时间银行" in said
    assert "食堂说您帮了大忙" in said


async def test_hours_are_confirmed_once(small: Small) -> None:
    request = await reported(small)
    await moved(small, request, "done")
    with pytest.raises(IllegalMove):
        await moved(small, request, "done")
    assert await balance(small) == 120


async def test_hours_that_staff_do_not_confirm_do_not_count(small: Small) -> None:
    request = await reported(small)
    await moved(small, request, "cancel", "那天活动取消了")
    assert await balance(small) == 0
    assert "那天活动取消了" in (await small.said())[-1].text


async def test_the_transfer_names_who_confirmed(small: Small) -> None:
    request = await reported(small)
    await moved(small, request, "done")
    async with small.work() as work:
        line = (await ledger.statement(work, small.resident.id))[0]
    assert (line.minutes, line.reason, line.note, line.about) == (
        120,
        "given",
        "陪聊",
        f"request:{request.id}",
    )


async def test_a_booking_called_off_gives_its_hours_back(small: Small) -> None:
    await moved(small, await reported(small), "done")
    start = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
    async with small.work("resident") as work:
        booked = await requests.book(
            work,
            requests.Booking(
                service="haircut", starts_at=start, ends_at=start + timedelta(minutes=30), capacity=1
            ),
            resident_id=small.resident.id,
            conversation_id=small.conversation_id,
        )
        about = f"request:{booked.id}"
        await ledger.redeem(work, small.resident.id, 60, key=f"paid:{about}", note=None, about=about)
    assert await balance(small) == 60
    await moved(small, booked, "cancel", "师傅病了")
    assert await balance(small) == 120


async def test_an_offer_goes_from_the_list_to_its_end(small: Small) -> None:
    async with small.work("resident") as work:
        offer = await requests.open_case(
            work,
            kind="volunteer",
            resident_id=small.resident.id,
            conversation_id=small.conversation_id,
            text="教手机",
        )
    assert offer.number.startswith("T")
    await moved(small, offer, "accept")
    assert "志愿报名" in (await small.said())[-1].text
    await moved(small, offer, "close")
    async with small.work() as work:
        found = await requests.get(work, offer.number)
    assert found is not None
    assert found.state == "closed"


async def test_the_hours_of_the_demo_add_up(database: Database) -> None:
    async with database.transaction() as session:
        community = await demo_fill.fill(session, now=small_community.MONDAY)
    async with database.transaction() as session:
        work = requests.Work(session=session, now=small_community.MONDAY, community=community, actor="bot")
        assert await ledger.wrong(work) == []
        assert (await ledger.pot(work)).balance < 0
