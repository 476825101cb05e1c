"""A full slot has a waiting list; whom one books for; two things at one time; too late to call off (F1, F4, C12)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import select

from data import crypto, embedded, requests
from data.models import Request, Resident, Waiting
from tests.harness import Talk, texts
from tests.standing_house import standing, sweep

HAIRCUT = "我想约明天上午十点理发"  # two fit in
FIRST, SECOND, THIRD, FOURTH = (f"demo:resident-{number}" for number in (1, 2, 3, 4))


@pytest_asyncio.fixture(scope="module")
async def house(
    postgres: embedded.EmbeddedServer, template: str, keyring: crypto.Keyring
) -> AsyncIterator[Talk]:
    async with standing(postgres, template, keyring, "booking_waiting") as made:
        yield made


@pytest_asyncio.fixture
async def here(house: Talk) -> Talk:
    return await sweep(house)


async def booked(here: Talk) -> list[Request]:
    async with here.work() as work:
        found = await work.session.scalars(select(Request).where(Request.state == "booked"))
        return list(found.all())


async def states(here: Talk) -> list[str]:
    async with here.work() as work:
        return list((await work.session.scalars(select(Waiting.state).order_by(Waiting.id))).all())


async def fill(here: Talk) -> None:
    """The slot is full."""
    for sender in (FIRST, SECOND):
        await here.ask(sender, HAIRCUT)
        await here.ask(sender, "好")


async def wait_for_it(here: Talk, *senders: str) -> None:
    for sender in senders:
        await here.ask(sender, HAIRCUT)
        await here.ask(sender, "排队等")
        assert "排上了" in await here.ask(sender, "好")


async def call_off(here: Talk, sender: str = FIRST) -> None:
    await here.ask(sender, "取消理发")
    assert "取消了" in await here.ask(sender, "对")


async def later(here: Talk, sender: str, minutes: float = 1) -> str:
    await here.unasked(sender)
    await here.pass_time(minutes=minutes)
    return "\n".join(await here.unasked(sender))


async def test_nearest_places_come_before_the_list(here: Talk) -> None:
    await fill(here)
    said = await here.say(THIRD, HAIRCUT)
    titles = [button["title"] for button in (said[-1].payload or {})["buttons"]]
    assert titles[-1] == "排队等"
    assert len(titles) == 3
    assert "9点半" in texts(said)
    assert await states(here) == []


@pytest.mark.parametrize(
    "words", ["排队等", "有空位了告诉我一声", "那我排队吧", "put me on the waiting list"]
)
async def test_the_list_is_joined_after_a_yes(here: Talk, words: str) -> None:
    await fill(here)
    await here.ask(THIRD, HAIRCUT)
    read_back = await here.ask(THIRD, words)
    assert "上午10点" in read_back or "10 a.m." in read_back
    assert await states(here) == []
    await here.ask(THIRD, "/affirm")
    assert await states(here) == ["waiting"]


async def test_a_place_that_becomes_free_goes_to_who_waited_longest(here: Talk) -> None:
    await fill(here)
    await wait_for_it(here, THIRD, FOURTH)
    await call_off(here)
    assert "空出来了" in await later(here, THIRD)
    assert await here.unasked(FOURTH) == []
    assert "约好了" in await here.ask(THIRD, "要")
    assert await states(here) == ["booked", "waiting"]
    assert len(await booked(here)) == 2


async def test_a_place_that_is_held_is_nobody_elses(here: Talk) -> None:
    await fill(here)
    await wait_for_it(here, THIRD)
    await call_off(here)
    await later(here, THIRD)
    assert "约满了" in await here.ask(FOURTH, HAIRCUT)


async def test_no_answer_for_half_an_hour_is_the_next_ones_luck(here: Talk) -> None:
    await fill(here)
    await wait_for_it(here, THIRD, FOURTH)
    await call_off(here)
    await later(here, THIRD)
    await here.unasked(FOURTH)
    said = await later(here, THIRD, 31)
    assert "给了后面的人" in said
    assert "空出来了" in "\n".join(await here.unasked(FOURTH))
    assert "约好了" not in await here.ask(THIRD, "要")
    assert "约好了" in await here.ask(FOURTH, "好")


async def test_a_no_gives_it_to_the_next(here: Talk) -> None:
    await fill(here)
    await wait_for_it(here, THIRD, FOURTH)
    await call_off(here)
    await later(here, THIRD)
    assert "让给后面" in await here.ask(THIRD, "不要了")
    assert "空出来了" in await later(here, FOURTH)


async def test_who_waited_in_vain_is_told(here: Talk) -> None:
    await fill(here)
    await wait_for_it(here, THIRD)
    assert "没有等到空位" in await later(here, THIRD, 24 * 60)
    assert await states(here) == ["over"]


@pytest.mark.parametrize("words", ["刚才那个不要了", "不排了"])
async def test_the_list_is_left_again(here: Talk, words: str) -> None:
    await fill(here)
    await wait_for_it(here, THIRD)
    assert "排队" in await here.ask(THIRD, words)
    assert "不再等了" in await here.ask(THIRD, "对")
    assert await states(here) == ["left"]


async def test_a_booking_interrupted_by_the_offer_is_offered_back(here: Talk) -> None:
    await fill(here)
    await wait_for_it(here, THIRD)
    await here.ask(THIRD, "我家水管漏了")
    await call_off(here)
    await later(here, THIRD)
    answer = await here.ask(THIRD, "要")
    assert "约好了" in answer
    assert "报修" in answer


# Two things at one time


async def test_two_things_at_one_time_are_asked_about_and_not_refused(here: Talk) -> None:
    await here.ask(FIRST, "我想约明天上午十点法律咨询")
    await here.ask(FIRST, "好")
    read_back = await here.ask(FIRST, HAIRCUT)
    assert "还约了法律咨询" in read_back
    assert "约好了" in await here.ask(FIRST, "都要")
    assert len(await booked(here)) == 2


# For whom


async def young(here: Talk, sender: str) -> None:
    async with here.work() as work:
        key = sender.removeprefix("demo:")
        (found,) = await work.session.scalars(select(Resident).where(Resident.key == key))
        found.birth_year = "1990"


async def test_an_elders_service_is_booked_for_them_by_the_family(here: Talk) -> None:
    await young(here, THIRD)
    assert "给家里哪位" in await here.ask(THIRD, "我要约助浴")
    await here.ask(THIRD, "给我妈妈")
    assert "上门到哪里" in await here.ask(THIRD, "明天上午十点")
    assert "给您妈妈约" in await here.ask(THIRD, "3号楼2单元501")
    assert "约好了" in await here.ask(THIRD, "好")
    (made,) = await booked(here)
    assert made.details["for"] == "妈妈"
    assert (made.place or {})["room"] == "501"


async def test_for_nobody_of_the_family_is_for_nobody(here: Talk) -> None:
    await young(here, THIRD)
    await here.ask(THIRD, "我要约助浴")
    assert "没有给您约" in await here.ask(THIRD, "没有")


async def test_the_same_slot_for_oneself_and_for_the_mother(here: Talk) -> None:
    for words in (HAIRCUT, "好", "给我妈妈约明天上午十点理发", "好"):
        answer = await here.ask(FIRST, words)
    assert "约好了" in answer
    assert len(await booked(here)) == 2


async def test_somebody_who_comes_along_is_not_whom_it_is_for(here: Talk) -> None:
    assert "给您约" in await here.ask(FIRST, "我女儿陪我去，约明天上午十点理发")


# Too late


async def test_soon_is_said_when_it_is_called_off(here: Talk) -> None:
    await here.ask(FIRST, HAIRCUT)
    await here.ask(FIRST, "好")
    await here.pass_time(hours=23, minutes=45)
    assert "很快就到点" in await here.ask(FIRST, "取消理发")


async def test_what_has_begun_is_not_called_off(here: Talk) -> None:
    await here.ask(FIRST, HAIRCUT)
    await here.ask(FIRST, "好")
    await here.pass_time(hours=24, minutes=5)
    await here.ask(FIRST, "取消理发")
    assert "已经到点" in await here.ask(FIRST, "对")
    (made,) = await booked(here)
    assert requests.MACHINES["booking"].possible(made.state)


async def test_ten_minutes_later_it_is_said_how_else(here: Talk) -> None:
    for words in ("明天早上八点提醒我量血压", "好"):
        await here.ask(FIRST, words)
    here.clock.move(minutes=11)
    assert "取消提醒" in await here.ask(FIRST, "刚才那个不要了")
