"""Reminders as people set, hear and drop them (F5, K7)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import pytest
import pytest_asyncio

from data.database import Database
from data.models import Reminder
from data.repeats import next_occurrence
from tests.checkin_house import house, told
from tests.harness import MONDAY, SHANGHAI, Talk, understanding

WHO, ELDER = "demo:resident-1", "demo:elder-1"


@pytest_asyncio.fixture
async def talk(database: Database) -> AsyncIterator[Talk]:
    async with house(database, now=MONDAY) as made:
        yield made


async def mine(talk: Talk, who: str = WHO) -> list[Reminder]:
    """A person's active reminders that were set in the test, the next one first."""
    from data import conversations, reminders

    async with talk.work() as work:
        found = await conversations.find(work, channel="rest", sender=who)
        assert found is not None
        rows = await reminders.of_person(work, resident_id=found.resident_id, conversation_id=found.id)
        return [row for row in rows if row.created_at >= MONDAY]


async def set_one(talk: Talk, words: str, who: str = WHO) -> Reminder:
    """Ask for a reminder and say yes to the read-back."""
    await talk.say(who, words)
    await talk.say(who, "/affirm")
    return (await mine(talk, who))[-1]


def at(day: int, hour: int, minute: int = 0, *, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=SHANGHAI)


async def to(talk: Talk, moment: datetime) -> None:
    await talk.pass_time(seconds=(moment - talk.clock.now()).total_seconds())


@pytest.mark.parametrize(
    ("words", "what", "first", "rule"),
    [
        ("半小时后叫我关火", "关火", at(23, 10, 30), None),
        ("明天下午三点提醒我去开会", "去开会", at(24, 15), None),
        ("到五点叫我一声，要去接孙子", "去接孙子", at(23, 17), None),
        ("每天早上八点提醒我吃降压药", "吃降压药", at(24, 8), "FREQ=DAILY;BYHOUR=8;BYMINUTE=0"),
        ("每天早上七点和晚上八点提醒我量血糖", "量血糖", at(23, 20), "FREQ=DAILY;BYHOUR=7,20;BYMINUTE=0"),
        ("每隔一天早上八点提醒我换药膏", "换药膏", at(24, 8), "FREQ=DAILY;INTERVAL=2;BYHOUR=8;BYMINUTE=0"),
        (
            "remind me every day at 8 to take my pills",
            "take my pills",
            at(24, 8),
            "FREQ=DAILY;BYHOUR=8;BYMINUTE=0",
        ),
    ],
)
async def test_everything_in_one_sentence(
    talk: Talk, words: str, what: str, first: datetime, rule: str | None
) -> None:
    question = await talk.ask(WHO, words)
    assert not await mine(talk)  # nothing before the yes (C11)
    assert what.replace("my", "your") in question
    await talk.say(WHO, "/affirm")
    (made,) = await mine(talk)
    assert (made.text, made.next_at, made.rrule) == (what, first, rule)


async def test_what_is_missing_is_asked_and_an_hour_is_never_invented(talk: Talk) -> None:
    answer = await talk.ask(WHO, "叫我一下，每天提醒我啊")
    assert "每天" in answer
    assert "几点" in answer
    assert "什么事" in await talk.ask(WHO, "早上八点")
    assert "钙片" in await talk.ask(WHO, "吃钙片")
    await talk.say(WHO, "好的")
    (made,) = await mine(talk)
    assert (made.text, made.rrule, made.medicine) == ("吃钙片", "FREQ=DAILY;BYHOUR=8;BYMINUTE=0", True)


async def test_a_part_of_the_day_is_offered_hours(talk: Talk) -> None:
    said = (await talk.say(WHO, "明天上午提醒我倒垃圾"))[-1]
    assert [button["title"] for button in (said.payload or {})["buttons"]]
    await talk.say(WHO, "九点")
    await talk.say(WHO, "好的")
    assert (await mine(talk))[0].next_at == at(24, 9)


async def test_several_a_day_said_by_meals(talk: Talk) -> None:
    await talk.say(WHO, "提醒我吃药,早中晚三次")
    await talk.say(WHO, '/choose{"time": "08:00,12:00,18:00"}')
    await talk.say(WHO, "好的")
    (made,) = await mine(talk)
    assert (made.text, made.rrule) == ("吃药", "FREQ=DAILY;BYHOUR=8,12,18;BYMINUTE=0")


async def test_two_hours_with_other_minutes_are_two_reminders(talk: Talk) -> None:
    await talk.say(WHO, "每天提醒我量血压")
    await talk.say(WHO, "早上八点和晚上八点半")
    await talk.say(WHO, "好的")
    assert sorted(made.rrule or "" for made in await mine(talk)) == [
        "FREQ=DAILY;BYHOUR=20;BYMINUTE=30",
        "FREQ=DAILY;BYHOUR=8;BYMINUTE=0",
    ]


async def test_until_a_day_and_for_some_days(talk: Talk) -> None:
    made = await set_one(talk, "每天早上八点提醒我吃药,吃到下周五")
    assert made.text == "吃药"
    assert made.until == at(4, 23, 59, month=12)
    again = await set_one(talk, "连续三天早上九点提醒我量体温")
    assert again.until == at(26, 23, 59)
    assert again.text == "量体温"


async def test_by_the_hour_the_night_is_quiet_unless_asked_for(talk: Talk) -> None:
    made = await set_one(talk, "每两小时提醒我喝水")
    assert made.next_at == at(23, 12)
    seen = []
    moment = made.first_at
    for _ in range(7):
        following = next_occurrence(made.rrule or "", start=made.first_at, after=moment, zone=SHANGHAI)
        assert following is not None
        seen.append(following.hour)
        moment = following
    assert seen == [14, 16, 18, 20, 8, 10, 12]
    night = await set_one(talk, "每隔四个小时提醒我给老伴翻身，夜里也要")
    assert night.rrule == "FREQ=HOURLY;INTERVAL=4"


async def test_the_past_is_asked_again(talk: Talk) -> None:
    assert "过了" in await talk.ask(WHO, "昨天下午三点提醒我吃药")
    await talk.say(WHO, "明天下午三点")
    await talk.say(WHO, "好的")
    assert (await mine(talk))[0].next_at == at(24, 15)


async def test_a_new_hour_keeps_the_rhythm(talk: Talk) -> None:
    await talk.say(WHO, "每天早上八点提醒我吃药")
    assert "九点" in (await talk.ask(WHO, "早上九点")).replace("9", "九")
    await talk.say(WHO, "好的")
    assert (await mine(talk))[0].rrule == "FREQ=DAILY;BYHOUR=9;BYMINUTE=0"


async def test_it_is_said_at_its_time_and_goes_on(talk: Talk) -> None:
    await set_one(talk, "每天早上八点提醒我倒垃圾")
    await talk.unasked(WHO)
    await to(talk, at(24, 8))
    (said,) = await talk.unasked(WHO)
    assert "倒垃圾" in said
    (made,) = await mine(talk)
    assert made.next_at == at(25, 8)


async def test_once_is_once(talk: Talk) -> None:
    await set_one(talk, "半小时后叫我关火")
    await talk.unasked(WHO)
    await to(talk, at(23, 12))
    assert len(await talk.unasked(WHO)) == 1
    assert await mine(talk) == []


async def test_an_outage_reports_what_was_missed_instead_of_saying_it(talk: Talk) -> None:
    made = await set_one(talk, "每天早上八点提醒我吃药")
    await talk.unasked(WHO)
    talk.clock.set(at(25, 9))
    await talk.pass_time(seconds=0)
    (said,) = await talk.unasked(WHO)
    assert "没能" in said
    (made,) = await mine(talk)
    assert made.missed == 2
    assert made.next_at == at(26, 8)


async def test_half_an_hour_late_is_still_said(talk: Talk) -> None:
    await set_one(talk, "每天早上八点提醒我倒垃圾")
    await talk.unasked(WHO)
    talk.clock.set(at(24, 8, 29))
    await talk.pass_time(seconds=0)
    (said,) = await talk.unasked(WHO)
    assert "没能" not in said
    assert (await mine(talk))[0].missed == 0


@pytest.mark.parametrize("words", ["吃了", "刚吃过", "/taken"])
async def test_medicine_taken_is_not_asked_again(talk: Talk, words: str) -> None:
    await set_one(talk, "明天早上八点提醒我吃降压药", ELDER)
    await to(talk, at(24, 8))
    await talk.unasked(ELDER)
    assert await talk.ask(ELDER, words)
    before = len(await told(talk))
    await to(talk, at(24, 8, 50))
    assert len(await told(talk)) == before
    assert await talk.unasked(ELDER) == []


async def test_medicine_twice_unanswered_tells_the_family_that_may_be_told(talk: Talk) -> None:
    await set_one(talk, "今天晚上八点提醒我吃降压药", ELDER)
    await to(talk, at(23, 20))
    before = len(await told(talk))
    await talk.unasked(ELDER)
    await to(talk, at(23, 20, 15))
    assert len(await talk.unasked(ELDER)) == 1
    assert len(await told(talk)) == before
    await to(talk, at(23, 20, 30))
    notices = await told(talk)
    assert len(notices) == before + 1
    assert "降压药" in notices[-1]
    assert "女儿" in (await talk.unasked(ELDER))[-1]
    assert (await talk.dialogue(ELDER)).find("medicine") is None


async def test_later_is_asked_again_in_a_quarter_of_an_hour(talk: Talk) -> None:
    await set_one(talk, "今天晚上八点提醒我吃降压药", ELDER)
    await to(talk, at(23, 20))
    assert "15分钟" in await talk.ask(ELDER, "等会儿就吃")
    await talk.unasked(ELDER)
    await to(talk, at(23, 20, 15))
    assert len(await talk.unasked(ELDER)) == 1
    await talk.say(ELDER, "吃了")


async def test_list_and_cancel_by_what_by_number_and_the_only_one(talk: Talk) -> None:
    assert "没有提醒" in await talk.ask(WHO, "我都有哪些提醒")
    await set_one(talk, "每天早上八点提醒我吃药")
    await set_one(talk, "明天下午三点提醒我倒垃圾")
    listed = await talk.ask(WHO, "我都有哪些提醒")
    assert "2个" in listed
    assert "倒垃圾" in listed
    assert "倒垃圾" in await talk.ask(WHO, "别再提醒我倒垃圾了")
    await talk.say(WHO, "好的")
    assert [made.text for made in await mine(talk)] == ["吃药"]
    await set_one(talk, "后天下午三点提醒我倒垃圾")
    await talk.say(WHO, "取消提醒")
    await talk.say(WHO, "第二个")
    await talk.say(WHO, "好的")
    assert [made.text for made in await mine(talk)] == ["吃药"]
    await talk.say(WHO, "别再提醒了")
    await talk.say(WHO, "好的")
    assert await mine(talk) == []
    await talk.unasked(WHO)
    await to(talk, at(26, 9))
    assert await talk.unasked(WHO) == []


async def test_with_the_real_understanding(database: Database) -> None:
    _, parser = await understanding()
    async with house(database, now=MONDAY, intents=parser.engine) as talk:
        await talk.say(WHO, "每天晚上九点提醒我打胰岛素")
        await talk.say(WHO, "对")
        (made,) = await mine(talk)
        assert (made.text, made.medicine, made.next_at) == ("打胰岛素", True, at(23, 21))
        assert "打胰岛素" in await talk.ask(WHO, "打胰岛素的提醒不要了")
        await talk.say(WHO, "好")
        assert await mine(talk) == []


def test_lunar_days_and_a_rule_set_years_ago() -> None:
    first = next_occurrence(
        "RSCALE=CHINESE;FREQ=MONTHLY;BYMONTHDAY=1,15;BYHOUR=7;BYMINUTE=0",
        start=MONDAY,
        after=MONDAY,
        zone=SHANGHAI,
    )
    assert first == at(
        9, 7, month=12
    )  # the fifteenth of the tenth lunar month was this morning; the next first
    old = datetime(2016, 1, 1, 9, 0, 30, tzinfo=SHANGHAI)
    assert next_occurrence("FREQ=HOURLY;INTERVAL=2", start=old, after=MONDAY, zone=SHANGHAI) == at(23, 11)
    assert next_occurrence("FREQ=DAILY;BYHOUR=8;BYMINUTE=0", start=old, after=MONDAY, zone=SHANGHAI) == at(
        24, 8
    )
