"""The first meeting: who, where, and whether we may keep that; then the first words are taken up again (F13, P4)."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from data import conversations
from data.database import Database
from data.models import Alarm, Audit, Consent, Resident
from data.residents import CONSENT_VERSION, place_of
from tests.harness import Talk, talk

STRANGER = "stranger-1"


async def count(t: Talk) -> int:
    async with t.work() as work:
        return await work.session.scalar(select(func.count()).select_from(Resident)) or 0


async def known(t: Talk, sender: str = STRANGER) -> Resident | None:
    """Whom this sender's conversation belongs to, with home and consents."""
    async with t.work() as work:
        seen = await conversations.find(work, channel="rest", sender=sender)
        assert seen is not None
        resident = (await conversations.lock(work, seen.id)).resident
        return resident


async def test_a_stranger_is_met_then_heard_with_their_first_words(database: Database) -> None:
    async with talk(database) as t:
        assert "怎么称呼" in await t.ask(STRANGER, "我想约明天上午十点理发")
        assert "几号楼" in await t.ask(STRANGER, "我叫王秀英")
        consent = await t.ask(STRANGER, "6号楼2单元501")
        assert "王秀英" in consent
        assert "6号楼2单元501" in consent
        assert "同意吗" in consent
        answer = await t.ask(STRANGER, "同意")
        assert "上午10点" in answer
        assert "理发" in answer
        resident = await known(t)
        assert resident is not None
        assert resident.name == "王秀英"
        assert place_of(resident.home) == {"building": "6", "unit": "2", "room": "501", "name": None}
        async with t.work() as work:
            given = (
                await work.session.scalars(select(Consent).where(Consent.resident_id == resident.id))
            ).all()
        assert [(one.purpose, one.version) for one in given] == [("service", CONSENT_VERSION)]
        assert "约好了" in await t.ask(STRANGER, "好")


async def test_whoever_greets_or_asks_is_not_asked_who_they_are(database: Database) -> None:
    async with talk(database) as t:
        for text in ("你好", "食堂几点开门", "谢谢", "你能干啥"):
            assert "称呼" not in await t.ask(STRANGER, text), text
            assert (await t.dialogue(STRANGER)).find("meeting") is None, text


NAMES = [
    ("王秀英", "王秀英"),
    ("老李", "老李"),
    ("姓张", "张"),
    ("叫我李阿姨就行", "李阿姨"),
    ("我是5号楼的老王", "老王"),
    ("张建国,6号楼2单元501", "张建国"),
    ("欧阳明", "欧阳明"),
    ("Mary Brown", "Mary Brown"),
    ("my name is Tom", "Tom"),
]


async def test_names_as_people_give_them(database: Database) -> None:
    async with talk(database) as t:
        for said, name in NAMES:
            await t.ask(f"stranger {said}", "家里水管漏了")
            await t.ask(f"stranger {said}", said)
            frame = (await t.dialogue(f"stranger {said}")).find("meeting")
            assert frame is not None
            assert frame.slots["name"] == name


async def test_a_home_that_does_not_exist_is_asked_again(database: Database) -> None:
    async with talk(database) as t:
        await t.ask(STRANGER, "我要约理发")
        await t.ask(STRANGER, "王秀英")
        for address in ("99号楼1单元101", "6号楼4单元101", "6号楼1单元1901", "6号楼1单元105"):
            assert "没找到" in await t.ask(STRANGER, address), address
        assert "同意吗" in await t.ask(STRANGER, "6号楼1单元104")


async def test_the_home_in_parts_and_a_correction_at_the_consent(database: Database) -> None:
    async with talk(database) as t:
        await t.ask(STRANGER, "我要约理发")
        await t.ask(STRANGER, "王秀英")
        assert "几单元" in await t.ask(STRANGER, "五号楼")
        assert "门牌" in await t.ask(STRANGER, "一单元")
        assert "5号楼1单元1203" in await t.ask(STRANGER, "1203")
        assert "7号楼1单元1203" in await t.ask(STRANGER, "不是5号楼，是7号楼")
        assert "李秀英" in await t.ask(STRANGER, "名字不对，我叫李秀英")
        await t.ask(STRANGER, "同意")
        resident = await known(t)
        assert resident is not None
        assert resident.name == "李秀英"
        assert resident.home is not None
        assert resident.home.address["building"] == "7"


@pytest.mark.parametrize("no", ["不同意", "/deny", "不愿意"])
async def test_without_consent_nothing_is_kept_and_help_still_comes(database: Database, no: str) -> None:
    async with talk(database) as t:
        before = await count(t)
        await t.ask(STRANGER, "我要约理发")
        await t.ask(STRANGER, "王秀英")
        await t.ask(STRANGER, "6号楼2单元501")
        messages = await t.say(STRANGER, no)
        assert "什么都没有记" in messages[-1].text
        assert messages[-1].payload is not None
        assert messages[-1].payload["buttons"][0]["payload"] == "/ask_human"
        assert (await t.dialogue(STRANGER)).stack == []
        assert await count(t) == before
        await t.ask(STRANGER, "救命，我摔倒了起不来")
        async with t.work() as work:
            assert await work.session.scalar(
                select(func.count()).select_from(Alarm).where(Alarm.resident_id.is_(None))
            )


async def test_who_will_not_say_their_name_is_let_go(database: Database) -> None:
    async with talk(database) as t:
        await t.ask(STRANGER, "我要约理发")
        assert "什么都没有记" in await t.ask(STRANGER, "不想说")
        assert (await t.dialogue(STRANGER)).stack == []


async def test_an_emergency_in_the_middle_comes_first(database: Database) -> None:
    async with talk(database) as t:
        await t.ask(STRANGER, "我要约理发")
        await t.ask(STRANGER, "家里着火了")
        dialogue = await t.dialogue(STRANGER)
        assert dialogue.active is not None
        assert dialogue.active.flow == "emergency"
        assert dialogue.find("meeting") is not None


async def test_a_question_in_the_middle_is_answered_and_the_name_asked_again(database: Database) -> None:
    async with talk(database) as t:
        await t.ask(STRANGER, "我要约理发")
        answer = await t.ask(STRANGER, "食堂几点开门")
        assert "11" in answer or "10" in answer
        assert "称呼" in answer


async def test_somebody_alike_at_that_home_is_left_to_staff(database: Database) -> None:
    async with talk(database) as t:
        for sender in (STRANGER, "stranger-2"):
            await t.ask(sender, "我要约理发")
            await t.ask(sender, "王秀英")
            await t.ask(sender, "6号楼2单元501")
            await t.ask(sender, "同意")
        first, second = await known(t), await known(t, "stranger-2")
        assert first is not None
        assert second is not None
        assert first.id != second.id
        assert first.home_id == second.home_id
        async with t.work() as work:
            noted = (await work.session.scalars(select(Audit).where(Audit.action == "resident.alike"))).all()
        assert [(row.subject, row.detail["others"]) for row in noted] == [
            (f"resident:{second.id}", [first.id])
        ]


async def test_in_english(database: Database) -> None:
    async with talk(database) as t:
        assert "your name" in await t.ask(STRANGER, "Book me a haircut tomorrow at ten please")
        assert "Mary Brown" in await t.ask(STRANGER, "Mary Brown")
        assert "Do you agree" in await t.ask(STRANGER, "building 5 unit 1 room 1203")
        assert "Haircut" in await t.ask(STRANGER, "yes")
        resident = await known(t)
        assert resident is not None
        assert resident.language == "en"
