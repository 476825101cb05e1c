"""Booking a service: free slots, the catalogue's rules, and what is said when it cannot be (F1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import select

from data import crypto, embedded, requests
from data.models import Handoff, Request, Resident
from tests.harness import MONDAY, SHANGHAI, Talk, texts
from tests.standing_house import standing, sweep

ME = "demo:resident-1"
TEN = datetime(2026, 11, 24, 10, 0, tzinfo=SHANGHAI)


@pytest_asyncio.fixture(scope="module")
async def house(
    postgres: embedded.EmbeddedServer, template: str, keyring: crypto.Keyring
) -> AsyncIterator[Talk]:
    async with standing(postgres, template, keyring, "booking") as made:
        yield made


@pytest_asyncio.fixture
async def here(house: Talk) -> Talk:
    return await sweep(house)


async def booked(here: Talk) -> list[Request]:
    async with here.work() as work:
        found = await work.session.scalars(
            select(Request).where(Request.kind == "booking", Request.state == "booked").order_by(Request.id)
        )
        return list(found.all())


async def residents(here: Talk) -> dict[str, int]:
    async with here.work() as work:
        found = await work.session.scalars(select(Resident).where(Resident.key.is_not(None)))
        return {str(one.key): one.id for one in found.all()}


async def born(here: Talk, year: int) -> None:
    async with here.work() as work:
        (one,) = (await work.session.scalars(select(Resident).where(Resident.key == "resident-1"))).all()
        one.birth_year = str(year)


def legal(count: int | None = None, *, capacity: int = 8, by_count: bool = False) -> requests.Booking:
    return requests.Booking(
        service="legal_advice",
        starts_at=TEN,
        ends_at=TEN + timedelta(minutes=30),
        capacity=capacity,
        count=count,
        by_count=by_count,
    )


async def fill(here: Talk, service: str, start: datetime, bookings: int, count: int | None = None) -> None:
    ids = list((await residents(here)).values())
    async with here.work() as work:
        for number in range(bookings):
            await requests.book(
                work,
                requests.Booking(
                    service=service,
                    starts_at=start,
                    ends_at=start + timedelta(minutes=30),
                    capacity=999,
                    count=count,
                    by_count=count is not None,
                ),
                resident_id=ids[-1 - number],
                conversation_id=None,
            )


# Capacity


async def test_ten_at_once_get_eight_places(here: Talk) -> None:
    ids = list((await residents(here)).values())[:10]

    async def one(resident: int) -> bool:
        try:
            async with here.work() as work:
                await requests.book(work, legal(), resident_id=resident, conversation_id=None)
        except requests.SlotFull:
            return False
        return True

    got = await asyncio.gather(*(one(resident) for resident in ids))
    assert sum(got) == 8
    assert len({request.number for request in await booked(here)}) == 8


async def test_the_same_person_at_once_gets_one(here: Talk) -> None:
    (first, *_) = (await residents(here)).values()

    async def one() -> bool:
        try:
            async with here.work() as work:
                await requests.book(work, legal(), resident_id=first, conversation_id=None)
        except requests.DoubleBooking:
            return False
        return True

    assert sorted(await asyncio.gather(*(one() for _ in range(4)))) == [False, False, False, True]


async def test_meals_are_counted_by_portions(here: Talk) -> None:
    first, second, third, *_ = (await residents(here)).values()
    async with here.work() as work:
        await requests.book(work, legal(5, by_count=True), resident_id=first, conversation_id=None)
        with pytest.raises(requests.SlotFull) as full:
            await requests.book(work, legal(4, by_count=True), resident_id=second, conversation_id=None)
        assert full.value.facts["free"] == 3
        await requests.book(work, legal(3, by_count=True), resident_id=third, conversation_id=None)
        taken = await requests.places_taken(work, service="legal_advice", starts_at=TEN, by_count=True)
    assert taken == 8


async def test_a_cancelled_booking_gives_its_place_back(here: Talk) -> None:
    first, second, *_ = (await residents(here)).values()
    async with here.work() as work:
        made = await requests.book(work, legal(capacity=1), resident_id=first, conversation_id=None)
        await requests.move(work, made, "cancel")
        await requests.book(work, legal(capacity=1), resident_id=second, conversation_id=None)
        await requests.places_taken(work, service="legal_advice", starts_at=TEN, by_count=False)


# What is offered instead


@pytest.mark.parametrize(
    ("wish", "now", "words"),
    [
        ("我想约理发，周六上午十点", MONDAY, "没有理发"),  # closed on Saturday
        ("我想约理发，明天晚上九点", MONDAY, "没有理发"),  # closed at night
        ("我想约理发，10月1日上午十点", datetime(2026, 9, 28, 10, 0, tzinfo=SHANGHAI), "没有理发"),  # holiday
        ("我想约理发，今天早上八点", MONDAY, "已经过了"),
        ("我想订特殊膳食，今天中午十一点", MONDAY, "提前"),
    ],
)
async def test_an_impossible_time_has_its_reason_and_alternatives(
    here: Talk, wish: str, now: datetime, words: str
) -> None:
    here.clock.set(now)
    said = await here.say(ME, wish)
    assert words in texts(said)
    shown = (said[-1].payload or {})["buttons"]
    assert 1 <= len(shown) <= 3
    answer = await here.ask(ME, shown[0]["payload"])
    assert "没有" not in answer
    assert "？" in answer


async def test_a_full_slot_has_the_nearest_free_ones(here: Talk) -> None:
    service = here.turns.world.services["haircut"]
    await fill(here, "haircut", TEN, service.capacity)
    said = await here.say(ME, "我想约理发，明天上午十点")
    assert "约满" in texts(said)
    titles = [button["title"] for button in (said[-1].payload or {})["buttons"]]
    assert titles == ["明天上午9点半", "明天上午10点半", "排队等"]
    assert "上午10点半的理发" in await here.ask(ME, "十点半")


async def test_a_slot_that_goes_while_we_talk_is_not_overbooked(here: Talk) -> None:
    await here.ask(ME, "我想约理发，明天上午十点")
    await fill(here, "haircut", TEN, here.turns.world.services["haircut"].capacity)
    before = len(await booked(here))
    assert "约满" in await here.ask(ME, "好")
    assert len(await booked(here)) == before
    await here.ask(ME, "十点半")
    assert "约好了" in await here.ask(ME, "好")


async def test_when_nothing_is_free_a_person_is_offered(here: Talk) -> None:
    service = here.turns.world.services["haircut"]
    async with here.work() as work:
        start = TEN - timedelta(days=9)
        for number in range(2 * 24 * 75 * service.capacity):
            work.session.add(
                Request(
                    number=f"X{number}",
                    community_id=work.community.id,
                    kind="booking",
                    state="booked",
                    service=service.key,
                    starts_at=start + timedelta(minutes=30 * (number // service.capacity)),
                    reopened=0,
                    details={},
                    created_at=work.now,
                )
            )
    assert "工作人员" in await here.ask(ME, "我想约理发，明天上午十点")
    await here.ask(ME, "好")
    async with here.work() as work:
        assert (await work.session.scalars(select(Handoff))).one().reason == "asked"


async def test_a_time_within_a_slot_that_runs_already_is_too_soon(here: Talk) -> None:
    here.clock.set(datetime(2026, 11, 23, 17, 10, tzinfo=SHANGHAI))
    answer = await here.ask(ME, "我想约活动室，今天下午五点二十")
    assert "提前" in answer or "没有" in answer


# Who, what, where


async def test_the_same_slot_twice_is_said(here: Talk) -> None:
    for line in ("我想约理发，明天上午十点", "好", "我想约理发，明天上午十点"):
        answer = await here.ask(ME, line)
    assert "已经约过" in answer


async def test_what_is_for_elders_is_not_booked_by_the_young(here: Talk) -> None:
    service = next(one for one in here.turns.world.services.values() if one.who == "elder")
    await born(here, 1995)
    try:
        answer = await here.ask(ME, f"我想约{service.name.zh}，后天上午十点")
    finally:
        await born(here, 1950)
    assert "六十岁以上" in answer


async def test_the_known_home_is_read_back_and_may_be_put_right(here: Talk) -> None:
    answer = await here.ask(ME, "我想约家庭保洁，后天上午九点")
    assert "5号楼1单元1203" in answer
    answer = await here.ask(ME, "地址不对，是6号楼2单元301")
    assert "6号楼2单元301" in answer
    assert "后天" in answer
    await here.ask(ME, "好")
    (made,) = await booked(here)
    assert made.place == {"building": "6", "unit": "2", "room": "301", "name": None}


async def test_more_than_is_left_is_said_before_the_read_back(here: Talk) -> None:
    noon = datetime(2026, 11, 24, 11, 30, tzinfo=SHANGHAI)
    await fill(here, "lunch", noon, 3, count=19)  # 57 of 60
    answer = "".join([await here.ask(ME, line) for line in ("我想订午饭，明天十一点半", "五份")])
    assert "只剩3份" in answer
    assert "午餐3份" in await here.ask(ME, "三份")


@pytest.mark.parametrize(("words", "asked"), [("零份", "count"), ("五十份", "count"), ("两份", "confirm")])
async def test_how_many_has_its_limits(here: Talk, words: str, asked: str) -> None:
    await here.ask(ME, "我想订午饭，明天十一点半")
    assert await here.ask(ME, words)
    assert (await here.dialogue(ME)).stack[-1].asked == asked


async def test_who_comes_along_is_no_number_of_haircuts(here: Talk) -> None:
    answer = await here.ask(ME, "两个人来，约明天上午十点理发")
    assert "2份" not in answer
    await here.ask(ME, "好")
    (made,) = await booked(here)
    assert made.count is None


async def test_a_repeated_time_is_taken_once(here: Talk) -> None:
    assert "每次先约一回" in await here.ask(ME, "我想约理发，每天上午十点")
