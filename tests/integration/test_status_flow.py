"""How it is going, change, cancel, and undo of what was just finished (F4, C12)."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select

from data import requests
from data.database import Database
from data.models import Request
from tests.harness import SHANGHAI, Talk, talk

ME, OTHER = "demo:resident-3", "demo:resident-5"


async def mine(t: Talk) -> list[Request]:
    """What was asked for in the talk, oldest first."""
    async with t.work() as work:
        found = await work.session.scalars(
            select(Request).where(Request.conversation_id.is_not(None)).order_by(Request.id)
        )
        return list(found.all())


async def say(t: Talk, *lines: str, sender: str = ME) -> str:
    """Say the lines; gives the last answer."""
    answer = ""
    for line in lines:
        answer = await t.ask(sender, line)
    return answer


async def test_the_only_case_is_told_with_its_next_promise(database: Database) -> None:
    async with talk(database) as t:
        await say(t, "家里马桶堵了", "好")
        (made,) = await mine(t)
        told = await say(t, "我报修的事怎么样了")
        assert made.number in told
        assert "10点10分前接单" in told
        assert "11点前到" in told


async def test_a_broken_promise_is_owned_up_to(database: Database) -> None:
    async with talk(database) as t:
        await say(t, "家里马桶堵了", "好")
        await t.pass_time(minutes=15)
        assert "晚了" in await say(t, "师傅几点到")


async def test_every_state_of_a_repair_has_its_words(database: Database) -> None:
    async with talk(database) as t:
        await say(t, "家里马桶堵了", "好")
        (made,) = await mine(t)
        seen = set()
        for move in ("accept", "on_site", "done", "close", "reopen", "cancel"):
            async with t.work("staff:repairer-1") as work:
                request = await requests.get(work, made.number, lock=True)
                assert request is not None
                await requests.move(work, request, move)
            told = await say(t, f"{made.number}怎么样了")
            assert made.number in told
            seen.add(told)
        assert len(seen) == 6


async def test_by_number_by_its_end_and_never_somebody_elses(database: Database) -> None:
    async with talk(database) as t:
        await say(t, "家里马桶堵了", "好", "我想约明天上午十点理发", "好")
        repair, _ = await mine(t)
        assert "马桶" in await say(t, f"{repair.number}怎么样了")
        assert "马桶" in await say(t, f"尾号{repair.number[-4:]}的报修到哪一步了")
        theirs = await say(t, f"{repair.number}怎么样了", sender=OTHER)
        assert "没查到" in theirs


async def test_of_several_one_is_chosen(database: Database) -> None:
    async with talk(database) as t:
        await say(t, "家里马桶堵了", "好", "我想约明天上午十点理发", "好")
        messages = await t.say(ME, "查一下进度")
        assert messages[0].payload is not None
        assert len(messages[0].payload["buttons"]) == 2
        assert "理发给您约在" in await say(t, "第一个")
        await say(t, "查一下进度")
        assert "马桶" in await say(t, messages[0].payload["buttons"][1]["payload"])
        assert "马桶" in await say(t, "马桶修得怎么样了")


async def test_a_booking_is_cancelled_when_confirmed(database: Database) -> None:
    async with talk(database) as t:
        await say(t, "我想约明天上午十点理发", "好")
        assert "要取消" in await say(t, "明天的理发不去了")
        assert (await mine(t))[0].state == "booked"
        assert "取消了" in await say(t, "对")
        assert (await mine(t))[0].state == "cancelled"


async def test_who_changes_their_mind_keeps_it(database: Database) -> None:
    async with talk(database) as t:
        await say(t, "我想约明天上午十点理发", "好")
        assert "照旧" in await say(t, "取消理发", "/stop")
        assert (await mine(t))[0].state == "booked"


@pytest.mark.parametrize("words", ["刚才那个不要了", "取消刚才那个"])
async def test_just_after_it_was_done_it_can_be_undone(database: Database, words: str) -> None:
    async with talk(database) as t:
        await say(t, "我想约明天上午十点理发", "好", "家里马桶堵了", "好")
        assert "马桶" in await say(t, words)
        await say(t, "好")
        assert [one.state for one in await mine(t)] == ["booked", "cancelled"]


async def test_later_it_is_asked_which(database: Database) -> None:
    async with talk(database) as t:
        await say(t, "我想约明天上午十点理发", "好", "家里马桶堵了", "好")
        await t.pass_time(minutes=11)
        assert "哪一件" in await say(t, "刚才那个不要了")


async def test_a_booking_is_moved_and_the_old_one_called_off(database: Database) -> None:
    async with talk(database) as t:
        await say(t, "我想约明天上午十点理发", "好")
        asked = await say(t, "把明天的理发改到后天上午十点")
        assert "11月25日" in asked
        assert [one.state for one in await mine(t)] == ["booked"]
        await say(t, "好")
        old, new = await mine(t)
        assert (old.state, new.state) == ("cancelled", "booked")
        assert new.starts_at is not None
        assert new.starts_at == datetime(2026, 11, 25, 10, tzinfo=SHANGHAI)


async def test_a_bare_hour_stays_on_the_day_of_the_booking(database: Database) -> None:
    async with talk(database) as t:
        await say(t, "我想约明天上午十点理发", "好")
        assert "11月24日" in await say(t, "理发改到下午三点")
        await say(t, "好")
        assert [one.state for one in await mine(t)] == ["cancelled", "booked"]


async def test_a_new_time_that_is_left_keeps_the_old_one(database: Database) -> None:
    async with talk(database) as t:
        await say(t, "我想约明天上午十点理发", "好", "把明天的理发改到后天上午十点", "不约了")
        assert [one.state for one in await mine(t)] == ["booked"]


async def test_a_repair_moves_to_another_place(database: Database) -> None:
    async with talk(database) as t:
        await say(t, "3号楼2单元501水管漏了", "好")
        told = await say(t, "地址写错了，是5号楼2单元501")
        (made,) = await mine(t)
        assert "5号楼2单元501" in told
        assert made.place == {"building": "5", "unit": "2", "room": "501", "name": None}
        async with t.work() as work:
            found = await requests.open_fault_at(work, place=made.place, fault="pipe_leak")
            assert found is not None
            assert found.id == made.id


async def test_nothing_there_is_said_and_a_person_offered(database: Database) -> None:
    async with talk(database) as t:
        for line in ("我报修的事怎么样了", "取消理发", "我想改一下预约时间"):
            messages = await t.say("stranger-7", line)
            assert messages[0].payload is not None
            assert messages[0].payload["buttons"][0]["payload"] == "/ask_human"


async def test_in_english(database: Database) -> None:
    async with talk(database) as t:
        await say(t, "my kitchen tap is leaking", "yes")
        assert len(await mine(t)) == 1
        assert (await mine(t))[0].number in await say(t, "how is my repair going")
        await say(t, "cancel my repair", "yes")
        assert (await mine(t))[0].state == "cancelled"
