"""Reaching the people a resident named: number, message, delivery, answer (F7)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import select

from bot.channels.notify import Notifier
from bot.outbox import Delivery
from data import crypto, embedded
from data.models import Audit, Contact, Outgoing, Resident
from flows.family import OWN
from tests.harness import Talk
from tests.standing_house import standing, sweep
from tests.voices_house import say

ME, DAUGHTER = (
    "demo:elder-1",
    "demo:family-1",
)  # 女儿李晓燕, who writes to Anlin; 对门邻居张阿姨, only a number
NOBODY = "demo:resident-1"  # named nobody


@pytest_asyncio.fixture(scope="module")
async def community(
    postgres: embedded.EmbeddedServer, template: str, keyring: crypto.Keyring
) -> AsyncIterator[Talk]:
    async with standing(postgres, template, keyring, "contacts") as house:
        yield house


@pytest_asyncio.fixture
async def house(community: Talk) -> Talk:
    return await sweep(community)


async def queued(house: Talk) -> list[Outgoing]:
    async with house.work() as work:
        return list((await work.session.scalars(select(Outgoing).order_by(Outgoing.id))).all())


async def add(house: Talk, key: str, **contact: str) -> int:
    """Another contact of a resident; gives its id."""
    async with house.work() as work:
        resident = (await work.session.scalars(select(Resident).where(Resident.key == key))).one()
        made = Contact(resident_id=resident.id, position=9, **contact)
        work.session.add(made)
        await work.session.flush()
        return made.id


async def remove(house: Talk, *ids: int) -> None:
    async with house.work() as work:
        for one in ids:
            await work.session.delete(await work.session.get_one(Contact, one))


async def arrive(house: Talk) -> None:
    """What is queued arrives."""
    async with house.work() as work:
        for one in (await work.session.scalars(select(Outgoing))).all():
            one.state = "sent"


async def test_a_number_is_shown_in_groups_with_a_button_that_dials(house: Talk) -> None:
    number, question = await house.say(ME, "给我女儿打个电话")
    assert "199 0003 0001" in number.text
    buttons = (question.payload or {})["buttons"]
    assert buttons[0] == {"title": "199 0003 0001", "payload": "tel:+8619900030001"}
    assert await queued(house) == []


async def test_a_number_is_read_digit_by_digit(house: Talk) -> None:
    number, _ = await house.say(ME, "给我闺女打个电话", channel="terminal")
    assert (number.payload or {})["speech"].count("幺九九，零零零三，零零零幺") == 2


async def test_she_is_asked_to_ring_back(house: Talk) -> None:
    await say(house, ME, "帮我叫一下我闺女", "好")
    (sent,) = await queued(house)
    assert sent.target == OWN + DAUGHTER
    assert "回个电话" in sent.body["text"]


async def test_a_message_is_read_back_sent_and_logged(house: Talk) -> None:
    read = await say(house, ME, "跟我女儿说晚上不用来了")
    assert "“晚上不用来了”" in read
    assert "李晓燕" in read
    assert await queued(house) == []
    assert "李晓燕" in await say(house, ME, "好")
    (sent,) = await queued(house)
    assert "晚上不用来了" in sent.body["text"]
    async with house.work() as work:
        logged = (await work.session.scalars(select(Audit).where(Audit.action == "contact.message"))).all()
    assert logged[-1].subject == sent.about
    assert "晚上" not in str(logged[-1].detail)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("告诉晓燕我的药吃完了", "我的药吃完了"),
        ("转告我闺女，我在活动室等她", "我在活动室等她"),
        ("让我女儿给我回个电话", "给我回个电话"),
        ("给女儿发个消息说我到家了", "我到家了"),
        ("麻烦捎个话给我女儿，明天不用送饭", "明天不用送饭"),
        ("打给我女儿，叫她别等我吃饭了", "别等我吃饭了"),
        ("tell my daughter not to come tonight", "not to come tonight"),
        ("let my daughter know that I am fine", "I am fine"),
    ],
)
async def test_what_is_to_be_said_is_found_in_the_words(house: Talk, words: str, message: str) -> None:
    await say(house, ME, words)
    assert (await house.dialogue(ME)).stack[-1].slots["message"] == message


async def test_a_message_without_words_is_asked_for_and_put_right(house: Talk) -> None:
    assert "什么话" in await say(house, ME, "给我女儿带句话")
    await say(house, ME, "我在活动室呢")
    assert "“我在花园”" in await say(house, ME, "不对，说我在花园")
    await say(house, ME, "好")
    assert "我在花园" in (await queued(house))[0].body["text"]


@pytest.mark.parametrize("words", ["不发了", "算了", "不用了", "别发了"])
async def test_nothing_is_sent_after_all(house: Talk, words: str) -> None:
    await say(house, ME, "跟我女儿说晚上不用来了", words)
    assert await queued(house) == []


async def test_of_two_sons_it_asks_which_unless_the_elder_is_said(house: Talk) -> None:
    ids = [
        await add(house, "elder-1", name="李强", relation="大儿子", phone="+8619900039001"),
        await add(house, "elder-1", name="李明", relation="小儿子", phone="+8619900039002"),
    ]
    try:
        asked = await say(house, ME, "给我儿子打个电话")
        assert "李强" in asked
        assert "李明" in asked
        assert "199 0003 9002" in await say(house, ME, "小儿子")
        assert "199 0003 9001" in await say(house, ME, "给我大儿子打个电话")
    finally:
        await remove(house, *ids)


async def test_who_is_not_there_is_said_with_how_to_add_them(house: Talk) -> None:
    told = await say(house, ME, "给我儿子打个电话")
    assert "没有儿子" in told
    assert "告诉工作人员" in told
    assert "还没有登记" in await say(house, NOBODY, "给我儿子打个电话")


async def test_without_a_way_to_send_the_number_is_told_instead(house: Talk) -> None:
    told = await say(house, ME, "告诉张阿姨我今天不去打牌了")
    assert "发不了" in told
    assert "199 0003 0002" in told
    assert await queued(house) == []


async def test_neither_number_nor_address_offers_a_person(house: Talk) -> None:
    one = await add(house, "elder-1", name="周舟", relation="侄女")
    try:
        assert "都没有" in await say(house, ME, "给周舟打个电话")
    finally:
        await remove(house, one)


async def test_a_number_that_is_said_is_shown(house: Talk) -> None:
    (told,) = await house.say(ME, "帮我拨13812345678")
    assert "138 1234 5678" in told.text
    assert (told.payload or {})["buttons"][0]["payload"] == "tel:+8613812345678"


async def test_an_ambulance_is_no_contact(house: Talk) -> None:
    assert "需要人来帮忙" in await say(house, ME, "给120打电话")


async def test_a_stranger_is_met_first(house: Talk) -> None:
    assert "怎么称呼" in await say(house, "somebody-new", "给我儿子打个电话")


async def test_what_does_not_arrive_is_owned_up_to_and_so_is_what_comes_late(house: Talk) -> None:
    await say(house, ME, "跟我女儿说晚上不用来了", "好")
    await house.unasked(ME)
    await house.pass_time(minutes=5)
    (told,) = await house.unasked(ME)
    assert "还没送到" in told
    assert "199 0003 0001" in told
    await arrive(house)
    await house.pass_time(minutes=30)
    assert ["刚送到" in text for text in await house.unasked(ME)] == [True]


async def test_what_arrives_is_not_spoken_of_again(house: Talk) -> None:
    await say(house, ME, "跟我女儿说晚上不用来了", "好")
    await house.unasked(ME)
    await arrive(house)
    await house.pass_time(hours=1)
    assert await house.unasked(ME) == []


async def test_what_is_given_up_is_told_with_the_number(house: Talk) -> None:
    await say(house, ME, "跟我女儿说晚上不用来了", "好")
    await house.unasked(ME)
    async with house.work() as work:
        (await work.session.scalars(select(Outgoing))).one().state = "failed"
    await house.pass_time(hours=1)
    (told,) = await house.unasked(ME)
    assert "没送到" in told
    assert "199 0003 0001" in told


async def test_the_daughter_answers_and_it_is_told(house: Talk) -> None:
    await say(house, ME, "跟我女儿说晚上不用来了", "好")
    await house.unasked(ME)
    (sent,) = await queued(house)

    class House:
        """As much of it as the carrier wants."""

        work = staticmethod(house.work)

    carrier = Notifier(House())  # type: ignore[arg-type]
    await carrier.send(Delivery(id=sent.id, target=sent.target, body=sent.body, attempts=1))
    assert "晚上不用来了" in (await house.unasked(DAUGHTER))[-1]
    await say(house, DAUGHTER, sent.body["buttons"][0]["payload"], "知道了妈，我明天来")
    await arrive(house)
    await house.pass_time(minutes=1)
    assert await house.unasked(ME) == ["女儿李晓燕回话了：“知道了妈，我明天来”。"]


async def test_nobody_else_answers_in_her_place(house: Talk) -> None:
    await say(house, ME, "跟我女儿说晚上不用来了", "好")
    (sent,) = await queued(house)
    for reference in (sent.id, 99999, '"x"'):
        assert "过去太久" in await say(house, NOBODY, f'/contact_answer{{"message": {reference}}}')


async def test_an_old_message_is_answered_no_more(house: Talk) -> None:
    await say(house, ME, "跟我女儿说晚上不用来了", "好")
    (sent,) = await queued(house)
    await arrive(house)
    await house.pass_time(days=8)
    assert "过去太久" in await say(house, DAUGHTER, f'/contact_answer{{"message": {sent.id}}}')


async def test_in_english(house: Talk) -> None:
    assert "199 0003 0003" in await say(house, "demo:elder-2", "call my son")
    await say(house, "demo:elder-2", "no", "tell my son not to come tonight", "yes")
    assert "not to come tonight" in (await queued(house))[0].body["text"]
