"""What is kept about somebody: see it, put it right, have it, take agreements back, be forgotten (F13, F14, P4)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from data import alarms, residents, timers
from data.database import Database
from data.models import Consent, Contact, Message, Request, Resident
from flows import cases
from tests.harness import Talk, talk

ME = "demo:resident-4"
ELDER = "demo:elder-1"
ENGLISH = "demo:resident-8"


@pytest_asyncio.fixture
async def house(database: Database) -> AsyncIterator[Talk]:
    async with talk(database) as made:
        yield made


async def resident(house: Talk, sender: str = ME) -> Resident:
    async with house.work() as work:
        found = await residents.by_reference(work, sender)
        assert found is not None
        return found


async def people(house: Talk, sender: str = ME) -> list[tuple[str, str, str | None, bool, str]]:
    who = await resident(house, sender)
    async with house.work() as work:
        return [
            (one.name, one.relation, one.phone, one.consented_at is not None, one.told)
            for one in await residents.contacts(work, who.id)
        ]


async def agreed(house: Talk, purpose: str, sender: str = ME) -> str | None:
    who = await resident(house, sender)
    async with house.work() as work:
        return await residents.agreed(work, who.id, purpose=purpose)


# See it


async def test_everything_that_is_kept_is_told(house: Talk) -> None:
    said = await house.ask(ELDER, "你知道我什么")
    for part in ("3号楼2单元501", "李晓燕", "女儿", "记下健康情况", "2026-11版", "提醒"):
        assert part in said


async def test_a_stranger_hears_that_nothing_is_kept(house: Talk) -> None:
    assert "没有您的资料" in await house.ask("somebody", "你们都存了我哪些信息")
    assert "没有您的资料" in await house.ask("somebody", "删除我的信息")
    assert "没有您的资料" in await house.ask("somebody", "导出我的数据")


async def test_phones_are_spoken_digit_by_digit(house: Talk) -> None:
    said = await house.say(ME, "我的资料", channel="terminal")
    assert "幺九九零零零幺零零零四" in said[0].payload["speech"]


async def test_in_english(house: Talk) -> None:
    said = await house.ask(ENGLISH, "What do you know about me?")
    assert "Emma Wilson" in said
    assert "building 10" in said.lower()


async def test_it_is_told_in_the_middle_of_something_else(house: Talk) -> None:
    await house.ask(ME, "我想约家庭保洁")
    said = await house.ask(ME, "我的资料")
    assert "孙丽华" in said
    assert "家庭保洁" in said  # and then offered back


# Put it right


async def test_a_new_number_in_one_sentence(house: Talk) -> None:
    said = await house.ask(ME, "我换手机号了，新的是13912345678")
    assert "13912345678" in said
    assert "改好了" in await house.ask(ME, "对")
    assert (await resident(house)).phone == "+8613912345678"


async def test_a_new_home_is_asked_for_and_read_back(house: Talk) -> None:
    assert "几号楼" in await house.ask(ME, "我们搬家了")
    said = await house.ask(ME, "6号楼2单元301")
    assert "6号楼2单元301" in said
    await house.ask(ME, "对")
    assert "6号楼2单元301" in await house.ask(ME, "我的资料")


async def test_a_home_that_does_not_exist_is_not_taken(house: Talk) -> None:
    await house.ask(ME, "我们搬家了")
    assert "没找到" in await house.ask(ME, "99号楼1单元101")


async def test_another_name(house: Talk) -> None:
    assert "老王" in await house.ask(ME, "以后叫我老王就行")
    await house.ask(ME, "对")
    assert (await resident(house)).name == "老王"


async def test_which_is_to_be_changed_is_asked(house: Talk) -> None:
    assert "哪一样" in await house.ask(ME, "修改我的资料")
    assert "电话号码" in await house.ask(ME, "电话")
    said = await house.ask(ME, "13912345678")
    assert "13912345678" in said
    assert "不改" in await house.ask(ME, "不改了")
    assert (await resident(house)).phone == "+8619900010004"


async def test_the_language_is_changed_at_once_and_kept(house: Talk) -> None:
    assert "English" in await house.ask(ME, "用英文跟我说")
    assert (await resident(house)).language == "en"
    assert "中文" in await house.ask(ME, "换成中文")
    assert (await resident(house)).language == "zh"


async def test_smaller_faster_quieter_and_back(house: Talk) -> None:
    await house.ask(ME, "字小一点")
    await house.ask(ME, "说快一点")
    await house.ask(ME, "声音小一点")
    kept = (await resident(house)).preferences
    assert kept["type_size"] == 25
    assert kept["speech_rate"] > 3
    assert kept["loudness"] == 0.75
    await house.ask(ME, "恢复原来的字号")
    assert (await resident(house)).preferences == {}


async def test_a_contact_is_added_with_what_they_hear(house: Talk) -> None:
    assert "什么人" in await house.ask(ME, "加个联系人")
    assert "怎么称呼" in await house.ask(ME, "我女儿")
    assert "电话" in await house.ask(ME, "王芳")
    assert "告诉" in await house.ask(ME, "13812345678")
    said = await house.ask(ME, "只告诉急事")
    for part in ("女儿", "王芳", "13812345678", "只告诉急事"):
        assert part in said
    assert "记好了" in await house.ask(ME, "好")
    assert await people(house) == [("王芳", "女儿", "+8613812345678", True, "alarms")]
    who = await resident(house)
    async with house.work() as work:
        assert [one.name for one in await residents.alarm_contacts(work, who.id)] == ["王芳"]
        assert await residents.alarm_contacts(work, who.id, daily=True) == []


async def test_who_is_not_to_be_told_is_only_written_down(house: Talk) -> None:
    await house.ask(ENGLISH, "add an emergency contact")
    await house.ask(ENGLISH, "my neighbour")
    await house.ask(ENGLISH, "Mary Brown")
    await house.ask(ENGLISH, "13812345678")
    await house.ask(ENGLISH, "nothing")
    await house.ask(ENGLISH, "yes")
    assert [(one[0], one[3]) for one in await people(house, ENGLISH)] == [("Mary Brown", False)]
    assert await agreed(house, "family", ENGLISH) is None


async def test_naming_somebody_to_tell_is_an_agreement(house: Talk) -> None:
    sender = "demo:resident-1"
    assert await agreed(house, "family", sender) is None
    for said in ("加个联系人", "我女儿", "王芳", "13812345678", "都告诉", "好"):
        await house.ask(sender, said)
    assert await agreed(house, "family", sender) == residents.CONSENT_VERSION


async def test_a_known_contact_has_a_new_number(house: Talk) -> None:
    said = await house.ask(ELDER, "我女儿换电话了，是13812345678")
    assert "李晓燕" in said
    await house.ask(ELDER, "好")
    found = next(one for one in await people(house, ELDER) if one[0] == "李晓燕")
    assert found[2] == "+8613812345678"
    assert len(await people(house, ELDER)) == 2  # nobody is written down twice


async def test_a_contact_is_struck_off(house: Talk) -> None:
    said = await house.ask(ELDER, "把我女儿从联系人里删掉")
    assert "李晓燕" in said
    assert "去掉了" in await house.ask(ELDER, "对")
    assert [one[0] for one in await people(house, ELDER)] == ["张阿姨"]


# Have it


async def test_the_full_copy_is_a_file(house: Talk) -> None:
    await house.ask(ME, "我要投诉楼道里有垃圾")
    said = await house.say(ME, "导出我的数据")
    file = next(one.payload["custom"]["file"] for one in said if "custom" in (one.payload or {}))
    assert file["name"] == "anlin-2026-11-23.json"
    everything = json.loads(file["text"])
    assert everything["resident"]["name"] == "孙丽华"
    assert everything["consents"][0]["purpose"] == "service"
    assert "我要投诉楼道里有垃圾" in [one["text"] for one in everything["messages"]]


# Agreements


async def test_what_was_agreed_to_is_told_with_its_version(house: Talk) -> None:
    said = await house.ask(ELDER, "我都同意过什么")
    assert "有事告诉联系人" in said
    assert "2026-11版" in said
    assert "不收回" in await house.ask(ELDER, "不用")
    assert await agreed(house, "family", ELDER) is not None


async def test_family_is_not_told_any_more(house: Talk) -> None:
    said = await house.ask(ELDER, "我不同意再告诉我女儿了")
    assert "不会告诉" in said
    assert "收回了" in await house.ask(ELDER, "确定")
    assert await agreed(house, "family", ELDER) is None
    who = await resident(house, ELDER)
    async with house.work() as work:
        assert await residents.alarm_contacts(work, who.id) == []


async def test_what_is_known_of_their_health_goes_with_the_agreement(house: Talk) -> None:
    await house.ask(ELDER, "撤回我的健康授权")
    await house.ask(ELDER, "确定")
    assert (await resident(house, ELDER)).health is None


async def test_without_the_first_agreement_nothing_can_be_kept(house: Talk) -> None:
    await house.ask(ME, "我都同意过什么")
    said = await house.ask(ME, "办事的那个")
    assert "真的要删吗" in said


async def test_a_new_consent_text_is_put_to_them_before_the_next_wish(
    house: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(residents, "CONSENT_VERSION", "2027-01")
    said = await house.ask(ME, "我想约后天上午十点的家庭保洁")
    assert "还同意吗" in said
    said = await house.ask(ME, "同意")
    assert "11月25日" in said  # what they said first is not said twice
    assert await agreed(house, "service") == "2027-01"
    assert "同意" not in await house.ask(ME, "好")


async def test_who_does_not_agree_to_it_is_not_served_but_helped(
    house: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(residents, "CONSENT_VERSION", "2027-01")
    await house.ask(ME, "我想约后天上午十点的家庭保洁")
    assert "先不办" in await house.ask(ME, "不同意")
    assert (await house.dialogue(ME)).stack == []
    assert "120" in await house.ask(ME, "救命，我摔倒了起不来")


async def test_strangers_and_those_whom_staff_wrote_down_are_asked_nothing_new(house: Talk) -> None:
    async with house.work() as work:
        who = await residents.by_reference(work, ME)
        assert who is not None
        await work.session.execute(Consent.__table__.delete().where(Consent.resident_id == who.id))
    assert "还同意" not in await house.ask(ME, "我想约后天上午十点的家庭保洁")


# Be forgotten


async def erased(house: Talk, sender: str = ME) -> str:
    await house.ask(sender, "删除我的信息")
    await house.ask(sender, "要删")
    return await house.ask(sender, "现在就删")


async def test_it_is_asked_twice_and_then_done(house: Talk) -> None:
    before = await resident(house, ELDER)
    said = await house.ask(ELDER, "删除我的信息")
    assert "找不回来" in said
    assert "真的要删吗" in said
    assert "再问您一次" in await house.ask(ELDER, "好")
    assert "都删掉了" in await house.ask(ELDER, "好")
    async with house.work() as work:
        left = await work.session.get(Resident, before.id)
        assert left is not None
        assert (left.name, left.phone, left.phone_index, left.home_id, left.health, left.key) == (None,) * 6
        assert left.erased_at is not None
        assert await work.session.scalar(
            select(func.count()).select_from(Contact)
        ) == await contacts_of_others(work, before.id)
        messages = (await work.session.scalars(select(Message.text).order_by(Message.id))).all()
        assert not any("李晓燕" in one or "501" in one for one in messages)
    assert "没有您的资料" in await house.ask(ELDER, "我的资料")
    assert await house.pass_time(days=2) >= 0  # none of their timers fails


async def contacts_of_others(work: object, resident_id: int) -> int:
    found = await work.session.scalars(  # type: ignore[attr-defined]
        select(Contact.id).where(Contact.resident_id != resident_id)
    )
    return len(found.all())


@pytest.mark.parametrize("no", ["不删了", "算了", "不", "好像还是别删了吧"])
async def test_a_no_to_either_question_keeps_everything(house: Talk, no: str) -> None:
    await house.ask(ME, "删除我的信息")
    assert "不删" in await house.ask(ME, no)
    await house.ask(ME, "删除我的信息")
    await house.ask(ME, "好")
    assert "不删" in await house.ask(ME, no)
    assert (await resident(house)).name == "孙丽华"


async def test_who_was_erased_is_a_stranger_and_may_come_back(house: Talk) -> None:
    await erased(house)
    assert "怎么称呼" in await house.ask(ME, "我想约理发")


async def test_what_is_open_is_finished_and_then_loses_its_words(house: Talk) -> None:
    await house.ask(ME, "我要投诉楼道里有垃圾，3号楼1单元")
    await house.ask(ME, "好")
    said = await house.ask(ME, "删除我的信息")
    assert "1件没办完" in said
    await house.ask(ME, "要删")
    await house.ask(ME, "现在就删")
    async with house.work() as work:
        open_one = (await work.session.scalars(select(Request))).one()
        assert open_one.text is not None
    async with house.work("token:test") as work:
        for name in ("done", "close"):
            await cases.move(
                work, house.turns.world, open_one.number, name, staff_id="officer-1", note="清了"
            )
    await house.pass_time(days=1, minutes=1)
    async with house.work() as work:
        over = await work.session.get(Request, open_one.id)
        assert over is not None
        assert (over.text, over.place, over.details) == (None, None, {})
        assert (await timers.lag(work.session, work.now)).total_seconds() == 0


async def test_nobody_is_forgotten_while_help_is_on_its_way(house: Talk) -> None:
    who = await resident(house)
    async with house.work() as work:
        await alarms.raise_alarm(
            work, kind="fall", level=2, source="test", text="摔倒了", resident_id=who.id, place=None
        )
    assert "还没处理完" in await house.ask(ME, "删除我的信息")
    assert (await resident(house)).name == "孙丽华"


async def test_help_says_that_these_exist(house: Talk) -> None:
    assert "我的资料" in await house.ask(ME, "你能干啥")
