"""Offering help, reporting hours, the balance, and paying with hours, in conversation (F11)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import select

from data import crypto, embedded, ledger, residents
from data.models import Request
from flows import cases
from tests.harness import Talk
from tests.standing_house import standing, sweep

ME = "demo:resident-4"
OTHER = "demo:resident-7"


@pytest_asyncio.fixture(scope="module")
async def community(
    postgres: embedded.EmbeddedServer, template: str, keyring: crypto.Keyring
) -> AsyncIterator[Talk]:
    async with standing(postgres, template, keyring, "volunteers") as made:
        yield made


@pytest_asyncio.fixture
async def house(community: Talk) -> Talk:
    async with community.work() as work:
        await work.session.execute(ledger.LedgerTransfer.__table__.delete())
        await work.session.execute(ledger.LedgerAccount.__table__.delete())
    return await sweep(community)


async def earn(house: Talk, minutes: int, sender: str = ME) -> None:
    async with house.work() as work:
        who = await residents.by_reference(work, sender)
        assert who is not None
        await ledger.give(work, who.id, minutes, key=f"t:{minutes}", note="陪聊", about=None)


async def stored(house: Talk, sender: str = ME) -> int:
    async with house.work() as work:
        who = await residents.by_reference(work, sender)
        assert who is not None
        assert await ledger.wrong(work) == []
        return await ledger.balance(work, who.id)


async def case(house: Talk, kind: str) -> Request | None:
    async with house.work() as work:
        return await work.session.scalar(
            select(Request).where(Request.kind == kind).order_by(Request.id.desc())
        )


async def staff(house: Talk, request: Request, move: str, note: str | None = None) -> None:
    async with house.work("token:test") as work:
        await cases.move(work, house.turns.world, request.number, move, staff_id="officer-1", note=note)


async def test_an_offer_is_asked_for_what_and_when_and_read_back(house: Talk) -> None:
    assert "帮什么" in await house.ask(ME, "我想报名当志愿者")
    assert "什么时候" in await house.ask(ME, "我会修水管")
    said = await house.ask(ME, "周末")
    assert "我会修水管" in said
    assert "周末" in said
    assert "编号T" in await house.ask(ME, "好")
    made = await case(house, "volunteer")
    assert made is not None
    assert (made.state, made.text) == ("open", "愿意帮忙：我会修水管；方便的时候：周末")


async def test_an_offer_in_one_sentence_is_only_read_back(house: Talk) -> None:
    said = await house.ask(ME, "我想周末去陪独居老人下棋，给我报个志愿者")
    assert "登记，行吗" in said
    assert "周末" in said


async def test_a_second_offer_joins_the_first(house: Talk) -> None:
    await house.ask(ME, "我愿意周末教老人用手机，当志愿者")
    await house.ask(ME, "好")
    await house.ask(ME, "我还可以当志愿者，随时去送餐")
    assert "补到" in await house.ask(ME, "好")
    made = await case(house, "volunteer")
    assert made is not None
    assert made.text is not None
    assert "送餐" in made.text


async def test_reported_hours_are_stored_when_staff_confirm(house: Talk) -> None:
    said = await house.ask(ME, "帮我记一下志愿时长，今天陪诊三个半小时")
    assert "3小时30分钟" in said
    assert "陪诊" in said
    assert "核实" in await house.ask(ME, "对")
    assert await stored(house) == 0
    made = await case(house, "hours")
    assert made is not None
    assert "3小时30分钟等工作人员核实" in await house.ask(ME, "我有多少积分")
    await staff(house, made, "done", "辛苦了")
    assert await stored(house) == 210
    assert "3小时30分钟" in await house.ask(ME, "我有多少积分")


async def test_hours_are_asked_for_one_by_one(house: Talk) -> None:
    assert "多长时间" in await house.ask(ME, "登记志愿时长")
    assert "什么忙" in await house.ask(ME, "两个小时")
    assert "哪一天" in await house.ask(ME, "给楼道扫雪")
    said = await house.ask(ME, "昨天")
    assert "11月22日" in said
    assert "扫雪" in said


async def test_a_weekday_is_the_last_one_and_tomorrow_is_none(house: Talk) -> None:
    await house.ask(ME, "登记志愿时长")
    await house.ask(ME, "两个小时")
    await house.ask(ME, "给楼道扫雪")
    assert "还没到" in await house.ask(ME, "明天")
    assert "11月19日" in await house.ask(ME, "星期四")


async def test_more_than_a_day_of_help_is_not_believed(house: Talk) -> None:
    await house.ask(ME, "登记志愿时长")
    assert "最多12小时" in await house.ask(ME, "三十个小时")


async def test_a_service_is_paid_with_hours(house: Talk) -> None:
    await earn(house, 90)
    said = await house.ask(ME, "用积分换家庭保洁，后天上午十点")
    assert "用1小时志愿时长" in said
    assert "约好了" in await house.ask(ME, "好")
    assert await stored(house) == 30
    made = await case(house, "booking")
    assert made is not None
    assert made.details["paid_minutes"] == 60


async def test_what_was_paid_comes_back_when_it_is_called_off(house: Talk) -> None:
    await earn(house, 90)
    await house.ask(ME, "用积分换家庭保洁，后天上午十点")
    await house.ask(ME, "好")
    await house.ask(ME, "取消后天的家庭保洁")
    await house.ask(ME, "对")
    assert await stored(house) == 90
    assert "退回1小时" in await house.ask(ME, "看看积分明细")


async def test_a_booking_moved_to_another_day_is_paid_once(house: Talk) -> None:
    await earn(house, 60)
    await house.ask(ME, "用积分换家庭保洁，后天上午十点")
    await house.ask(ME, "好")
    said = await house.ask(ME, "把家庭保洁改到11月27日上午十点")
    assert "志愿时长" in said
    assert "约好了" in await house.ask(ME, "好")
    assert await stored(house) == 0


async def test_too_few_hours_are_said_and_money_does(house: Talk) -> None:
    await earn(house, 30)
    said = await house.ask(ME, "用积分换一次家庭保洁")
    assert "还不够" in said
    await house.ask(ME, "那按原价约吧")
    said = await house.ask(ME, "后天上午十点")
    assert "元" in said
    await house.ask(ME, "好")
    assert await stored(house) == 30


async def test_a_service_that_hours_do_not_pay_for(house: Talk) -> None:
    await earn(house, 300)
    assert "不能用时长换" in await house.ask(ME, "用积分换法律咨询")


async def test_portions_are_paid_one_by_one(house: Talk) -> None:
    await earn(house, 60)
    await house.ask(ME, "用时长换午餐，明天中午十一点")
    assert "最多够2份" in await house.ask(ME, "三份")
    said = await house.ask(ME, "两份")
    assert "用1小时" in said


async def test_hours_that_went_meanwhile_do_not_pay(house: Talk) -> None:
    await earn(house, 60)
    await house.ask(ME, "用积分换家庭保洁，后天上午十点")
    async with house.work() as work:
        who = await residents.by_reference(work, ME)
        assert who is not None
        await ledger.redeem(work, who.id, 60, key="elsewhere", note=None, about=None)
    said = await house.ask(ME, "好")
    assert "不够" in said
    assert await case(house, "booking") is None
    assert "约好了" in await house.ask(ME, "好")
    assert await stored(house) == 0


async def test_nothing_stored_is_said_plainly(house: Talk) -> None:
    assert "还没有存下" in await house.ask(ME, "查一下我的时间银行余额")
    assert "还没有存下" in await house.ask(ME, "用积分换午餐")


async def test_the_balance_is_only_ones_own(house: Talk) -> None:
    await earn(house, 90)
    assert "还没有存下" in await house.ask(OTHER, "我有多少积分")


async def test_goods_are_not_to_be_had_but_services_are_named(house: Talk) -> None:
    await earn(house, 90)
    said = await house.ask(ME, "积分换一桶油")
    assert "东西和现金换不了" in said
    assert "项服务" in said


async def test_who_does_not_want_to_help_any_more_is_taken_off(house: Talk) -> None:
    await house.ask(ME, "我愿意周末教老人用手机，当志愿者")
    await house.ask(ME, "好")
    assert "志愿报名" in await house.ask(ME, "我想退出志愿者队伍")
    await house.ask(ME, "对")
    made = await case(house, "volunteer")
    assert made is not None
    assert made.state == "cancelled"


async def test_a_child_is_asked_to_come_back_later(house: Talk) -> None:
    async with house.work() as work:
        who = await residents.by_reference(work, OTHER)
        assert who is not None
        before, who.birth_year = who.birth_year, "2014"
    assert "满16岁" in await house.ask(OTHER, "我想报名当志愿者")
    async with house.work() as work:
        who = await residents.by_reference(work, OTHER)
        assert who is not None
        who.birth_year = before


async def test_hours_for_somebody_else_are_for_staff(house: Talk) -> None:
    await earn(house, 90)
    assert "核对" in await house.ask(ME, "把我的积分转给我老伴")
    assert await stored(house) == 90


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("How many hours are in my time bank?", "1 h 30 min"),
        ("What can I get for my volunteer hours?", "services"),
        ("I would like to volunteer", "help"),
    ],
)
async def test_in_english(house: Talk, said: str, answer: str) -> None:
    await earn(house, 90)
    assert answer in await house.ask(ME, said)
