"""Reporting a repair: what, where, how bad; advice at once; one ticket for one fault; corrections anywhere (F2, C2)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from data import requests
from data.content import load_faults
from data.database import Database
from data.models import Alarm, Request
from flows.replies import Replies
from tests.harness import SHANGHAI, Talk, talk

ME, OTHER = "demo:resident-1", "demo:resident-2"  # the first lives in 5号楼1单元1203
HOME = {"building": "5", "unit": "1", "room": "1203", "name": None}


def at(**parts: Any) -> dict[str, Any]:
    return {"building": None, "unit": None, "room": None, "name": None, **parts}


async def tickets(t: Talk, *senders: str) -> list[Request]:
    """The repairs reported in the talk, oldest first."""
    async with t.work() as work:
        found = await work.session.scalars(
            select(Request)
            .where(Request.kind == "repair", Request.conversation_id.is_not(None))
            .order_by(Request.id)
        )
        return list(found.all())


async def report(t: Talk, *lines: str, sender: str = ME) -> Request:
    """Say the lines; gives the one ticket there is."""
    for line in lines:
        await t.ask(sender, line)
    found = await tickets(t)
    assert len(found) == 1
    return found[0]


async def test_a_leak_at_home_is_read_back_and_reported_with_its_number_and_promise(
    database: Database,
) -> None:
    async with talk(database) as t:
        asked = await t.ask(ME, "家里水管漏了")
        assert "总阀" in asked  # what to do now
        assert "水管漏水" in asked
        assert "5号楼1单元1203" in asked
        assert await tickets(t) == []
        told = await t.ask(ME, "好")
        (made,) = await tickets(t)
        assert made.number in told
        assert "10分钟内" in told
        assert (made.fault, made.urgency, made.place) == ("pipe_leak", "urgent", HOME)
        assert made.text == "家里水管漏了"
        done = (await t.dialogue(ME)).done
        assert done is not None
        assert done.subject == f"request:{made.id}"


WHERE = [
    (["3号楼2单元501水管漏了", "不是3号楼，是5号楼", "好"], "pipe_leak", at(building="5", unit="2", room="501")),
    (["5号楼电梯坏了", "不是5号楼，是6号楼", "好"], "lift_stopped", at(building="6", name="电梯间")),
    (["家里灯坏了", "不是我家，是5号楼东门", "好"], "light", at(building="5", name="东门")),
    (["家里灯坏了", "不是我家，是楼道", "好"], "light", at(building="5", unit="1", name="楼道")),
    (["家里水龙头坏了", "不是水龙头，是马桶", "好"], "toilet", HOME),
    (["水管漏了", "我家", "好"], "pipe_leak", HOME),
    (["水管漏了", '/choose{"place": "home"}', "/affirm"], "pipe_leak", HOME),
    (["水管漏了", "3号楼", "2单元501", "好"], "pipe_leak", at(building="3", unit="2", room="501")),
    (["水管漏了", "3号楼", "不是3号楼，是5号楼", "2单元501", "好"], "pipe_leak", at(building="5", unit="2", room="501")),
    (["东门的路灯坏了", "好"], "shared_light", at(name="东门")),
    (["楼道灯不亮", "好"], "shared_light", at(building="5", unit="1", name="楼道")),
    (["井盖没了", "东门", "不是东门，是西门", "好"], "manhole", at(name="西门")),
    (["我要报修", "马桶堵了", "好"], "toilet", HOME),
    (["厨房灯坏了", "对"], "light", HOME),
    (["the lift in building 5 is broken", "yes"], "lift_stopped", at(building="5", name="电梯间")),
]  # fmt: skip

HOW_BAD = [
    (["家里水龙头坏了", "好"], "ordinary"),
    (["家里水龙头坏了", "水都漫出来了", "好"], "urgent"),
    (["家里地漏堵了，水漫得到处都是", "好"], "urgent"),
    (["家里地漏堵了，水没漫出来", "好"], "ordinary"),
    (["家里有蟑螂", "周六下午三点", "好"], "planned"),
]


async def anew(t: Talk, *lines: str) -> Request | None:
    """Report after calling off what was reported before; the new ticket, if there is one."""
    async with t.work() as work:
        for one in await tickets(t):
            request = await requests.get(work, one.number, lock=True)
            if request is not None and request.state == "open":
                await requests.move(work, request, "cancel")
    before = len(await tickets(t))
    for line in lines:
        await t.ask(ME, line)
    found = await tickets(t)
    return found[-1] if len(found) == before + 1 else None


async def test_what_and_where_with_corrections_at_any_question(database: Database) -> None:
    async with talk(database) as t:
        for lines, fault, place in WHERE:
            made = await anew(t, *lines)
            assert made is not None, lines
            assert (lines, made.fault, made.place) == (lines, fault, place)


async def test_how_bad_it_is(database: Database) -> None:
    async with talk(database) as t:
        for lines, urgency in HOW_BAD:
            made = await anew(t, *lines)
            assert made is not None, lines
            assert (lines, made.urgency) == (lines, urgency)


async def test_a_planned_repair_takes_the_appointment(database: Database) -> None:
    async with talk(database) as t:
        made = await report(t, "家里有蟑螂", "周六下午三点", "好")
        assert made.starts_at is not None
        assert made.starts_at == datetime(2026, 11, 28, 15, tzinfo=SHANGHAI)


async def test_the_same_fault_at_the_same_place_is_one_ticket(database: Database) -> None:
    async with talk(database) as t:
        made = await report(t, "6号楼电梯坏了", "好")
        asked = await t.ask(OTHER, "6号楼电梯坏了")
        assert made.number in asked
        assert "同一件" in asked
        told = await t.ask(OTHER, "是的")
        assert made.number in told
        (same,) = await tickets(t)
        assert len(same.details["me_too"]) == 1
        assert (await t.dialogue(OTHER)).stack == []


async def test_a_neighbour_who_means_another_one_gets_their_own_ticket(database: Database) -> None:
    async with talk(database) as t:
        await report(t, "6号楼电梯坏了", "好")
        await t.ask(OTHER, "6号楼电梯坏了")
        assert "给您报修" in await t.ask(OTHER, "不是")
        await t.ask(OTHER, "好")
        assert len(await tickets(t)) == 2


async def test_a_corrected_building_is_no_longer_the_same(database: Database) -> None:
    async with talk(database) as t:
        await report(t, "6号楼电梯坏了", "好")
        await t.ask(OTHER, "6号楼电梯坏了")
        assert "7号楼" in await t.ask(OTHER, "不是6号楼，是7号楼")
        await t.ask(OTHER, "好")
        assert [one.place and one.place["building"] for one in await tickets(t)] == ["6", "7"]


async def test_who_reports_twice_is_told_the_first_number(database: Database) -> None:
    async with talk(database) as t:
        made = await report(t, "家里马桶堵了", "好")
        assert made.number in await t.ask(ME, "家里马桶堵了")
        await t.ask(ME, "是")
        (same,) = await tickets(t)
        assert "me_too" not in same.details


async def test_what_the_catalogue_does_not_know_is_kept_in_their_words(database: Database) -> None:
    async with talk(database) as t:
        assert "什么坏了" in await t.ask(ME, "东西坏了，找人来修")
        made = await report(t, "浴缸裂了一道缝", "我家", "好")
        assert made.fault is None
        assert "浴缸裂了一道缝" in (made.text or "")


async def test_of_two_faults_the_first_is_taken_and_the_other_offered(database: Database) -> None:
    async with talk(database) as t:
        await t.ask(ME, "家里马桶堵了，窗户也关不上")
        messages = await t.say(ME, "好")
        (made,) = await tickets(t)
        assert made.fault == "toilet"
        assert "窗户" in messages[-1].text
        assert messages[-1].payload is not None
        await t.ask(ME, messages[-1].payload["buttons"][0]["payload"])
        await t.ask(ME, "我家")
        await t.ask(ME, "好")
        assert [one.fault for one in await tickets(t)] == ["toilet", "window"]


async def test_a_picture_at_any_time_belongs_to_the_ticket(database: Database) -> None:
    async with talk(database) as t:
        await t.ask(ME, "家里马桶堵了")
        answers = await t.say(ME, "", kind="image", data={"ref": "picture-1"})
        assert "照片" in answers[0].text
        assert "对吗" in answers[-1].text
        made = await report(t, "好")
        assert made.details["picture"] == {"ref": "picture-1"}


async def test_what_is_never_a_ticket_becomes_an_alarm_even_where_the_net_is_silent(
    database: Database,
) -> None:
    async with talk(database) as t:
        await t.ask(ME, "我要报修")
        await t.ask(ME, '/choose{"fault": "tap"}')
        await t.ask(ME, "开关一摸着麻手")
        assert (await t.dialogue(ME)).find("repair") is None
        async with t.work() as work:
            alarms = await work.session.scalars(select(Alarm.kind).where(Alarm.state == "raised"))
            assert "fire" in alarms.all()
        assert await tickets(t) == []


async def test_whoever_leaves_has_reported_nothing(database: Database) -> None:
    async with talk(database) as t:
        await t.ask(ME, "家里马桶堵了")
        assert "没有报修" in await t.ask(ME, "不报了")
        assert await tickets(t) == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_danger_of_the_catalogue_has_its_advice(language: str) -> None:
    replies = Replies.load()
    keys = {f"repair_danger_{fault.danger}" for fault in load_faults().values() if fault.danger}
    assert keys <= replies.keys(language)
