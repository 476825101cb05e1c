"""Complaints and suggestions: heard out, promised, answered, taken up again; who sees them (F9, F4, H8, H14)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import select

from data import crypto, embedded, requests
from data.models import Outgoing, Request, RequestEvent, Staff
from tests.harness import Talk
from tests.standing_house import standing, sweep
from tests.voices_house import ended, last, made, say, staff

ME, OTHER = "demo:resident-1", "demo:elder-1"
HOME = {"building": "5", "unit": "1", "room": "1203", "name": None}


@pytest_asyncio.fixture(scope="module")
async def community(
    postgres: embedded.EmbeddedServer, template: str, keyring: crypto.Keyring
) -> AsyncIterator[Talk]:
    async with standing(postgres, template, keyring, "complaints") as house:
        yield house


@pytest_asyncio.fixture
async def house(community: Talk) -> Talk:
    return await sweep(community)


async def test_it_is_asked_for_read_back_and_promised_within_two_days(house: Talk) -> None:
    assert "什么事" in await say(house, ME, "我要投诉")
    read = await say(house, ME, "楼上天天半夜吵得没法睡")
    assert "半夜吵得没法睡" in read
    assert "5号楼1单元1203" in read  # above whom: their own home, and not asked
    assert await made(house) == []
    done = await say(house, ME, "好")
    case = await last(house)
    assert case.number in done
    assert "11月25日" in done  # 48 hours later
    assert (case.kind, case.state, case.place) == ("complaint", "open", HOME)
    assert case.text == "楼上天天半夜吵得没法睡"


async def test_a_place_is_asked_for_only_where_it_matters(house: Talk) -> None:
    assert "在哪里" in await say(house, ME, "垃圾好几天没人收，臭死了")
    assert "3号楼" in await say(house, ME, "3号楼")
    await say(house, ME, "好")
    assert (await last(house)).place == {"building": "3", "unit": None, "room": None, "name": None}
    assert "在哪里" not in await say(house, ME, "送来的饭是凉的")
    await say(house, ME, "好")
    assert (await last(house)).place is None


async def test_a_place_in_own_words_or_none_at_all(house: Talk) -> None:
    await say(house, ME, "垃圾好几天没人收，臭死了", "桥洞底下那排平房", "好")
    assert ((await last(house)).place or {})["name"] == "桥洞底下那排平房"
    await say(house, ME, "我要反映狗屎没人扫", "跳过", "好")
    assert (await last(house)).place is None


async def test_more_of_it_and_another_building_are_taken_into_the_read_back(house: Talk) -> None:
    await say(house, ME, "楼道里有人堆纸箱")
    assert "还有小广告" in await say(house, ME, "还有，墙上还有小广告")
    assert "6号楼楼道" in await say(house, ME, "不是5号楼，是6号楼")
    await say(house, ME, "好")
    case = await last(house)
    assert case.text is not None
    assert "小广告" in case.text
    assert case.place == {"building": "6", "unit": None, "room": None, "name": "楼道"}


async def test_a_question_in_the_middle_is_answered_and_it_is_read_back_again(house: Talk) -> None:
    await say(house, ME, "楼上天天半夜吵得没法睡")
    answer = await say(house, ME, "食堂几点开门")
    assert "半夜吵" in answer
    assert "社区食堂" not in answer.splitlines()[-1]
    await say(house, ME, "好")
    assert (await last(house)).place == HOME


async def test_pictures_go_with_it(house: Talk) -> None:
    await say(house, ME, "我要投诉")
    await house.say(ME, "", kind="image", data={"ref": "telegram:1"})
    await say(house, ME, "楼上晒被子滴水")
    await house.say(ME, "", kind="image", data={"ref": "telegram:2"})
    assert "2张照片" in "\n".join([m.text for m in await house.say(ME, "再说一遍")])
    await say(house, ME, "好")
    case = await last(house)
    assert [one["ref"] for one in case.details["pictures"]] == ["telegram:1", "telegram:2"]


async def test_anger_is_met_with_kind_words_before_anything_else(house: Talk) -> None:
    first = (await say(house, ME, "你们推来推去没人管，气死我了")).splitlines()[0]
    assert "对不住" in first
    await say(house, ME, "不报了")
    calm = await say(house, ME, "楼上晒被子滴水")
    assert "对不住" not in calm


async def test_left_before_the_end_nothing_is_kept(house: Talk) -> None:
    assert "没有报" in await say(house, ME, "楼上天天半夜吵", "不弄了")
    assert await made(house) == []


@pytest.mark.parametrize(
    ("words", "about"),
    [
        ("你们那个保安态度太差了", "somebody"),
        ("我要投诉李静，说话爱答不理的", "officer-1"),
        ("我要投诉小李，说话特别冲", "officer-1"),
        ("徐芳骂人", "lead-1"),
        ("隔壁小李天天吵", None),
        ("保洁根本没扫，楼梯全是灰", None),
    ],
)
async def test_about_a_member_of_staff_it_goes_to_the_lead_and_not_to_them(
    house: Talk, words: str, about: str | None
) -> None:
    await say(house, ME, "我要投诉")
    await say(house, ME, words)
    told = await say(house, ME, "好")
    case = await last(house)
    assert case.about_staff == about
    assert ("负责人" in told) == (about is not None)
    assert case.staff_id == (None if about is None else "admin" if about == "lead-1" else "lead-1")
    assert requests.may_see(case, "officer", about) == (about is None)
    assert requests.may_see(case, "lead", "lead-1") == (about != "lead-1")
    assert requests.may_see(case, "admin", "admin")


async def test_the_lead_is_told_in_their_own_chat(house: Talk) -> None:
    async with house.work() as work:
        (await work.session.get_one(Staff, "lead-1")).telegram = "77"
    await say(house, ME, "我要投诉小李，说话特别冲", "好")
    async with house.work() as work:
        (await work.session.get_one(Staff, "lead-1")).telegram = None
        sent = (await work.session.scalars(select(Outgoing))).all()
    assert [one.target for one in sent] == ["77"]
    assert (await last(house)).number in sent[0].body["text"]
    assert "小李" not in sent[0].body["text"]


async def test_who_was_hit_is_asked_first_whether_help_is_needed(house: Talk) -> None:
    assert "需要人来帮忙" in await say(house, ME, "护工昨天打了我妈一巴掌")
    assert "打了我妈" in await say(house, ME, "没有，现在没事")
    await say(house, ME, "好")
    case = await last(house)
    assert (case.urgency, case.about_staff) == ("urgent", "somebody")


async def test_what_happens_now_is_an_alarm_and_no_complaint(house: Talk) -> None:
    await say(house, ME, "我要投诉")
    await say(house, ME, "隔壁男的在打老婆，打得哇哇叫")
    assert (await house.dialogue(ME)).stack[-1].flow == "emergency"


async def test_how_it_stands_and_calling_it_off(house: Talk) -> None:
    await say(house, ME, "楼上天天半夜吵", "好")
    number = (await last(house)).number
    told = await say(house, ME, "我投诉的事怎么样了")
    assert number in told
    assert "11月25日" in told
    assert "半夜吵" in await say(house, ME, "投诉撤了吧")
    await say(house, ME, "好")
    assert (await last(house)).state == "cancelled"


async def test_nobody_came_is_answered_with_how_it_stands(house: Talk) -> None:
    await say(house, ME, "楼上天天半夜吵", "好")
    assert (await last(house)).number in await say(house, ME, "根本没人来处理")
    assert len(await made(house)) == 1


async def test_the_answer_comes_into_the_conversation_with_a_way_back(house: Talk) -> None:
    await say(house, ME, "楼上天天半夜吵", "好")
    case = await last(house)
    await staff(house, case.number, "done", note="已经上门劝过")
    (answer,) = await house.unasked(ME)
    assert "已经上门劝过" in answer
    assert "半夜吵" in answer
    assert "哪里" in await say(house, ME, "还没解决")  # the button's words
    assert case.number in await say(house, ME, "昨晚又吵到两点")
    again = await last(house)
    assert (again.id, again.state, again.reopened) == (case.id, "reopened", 1)
    async with house.work() as work:
        notes = await work.session.scalars(select(RequestEvent.note).where(RequestEvent.move == "reopen"))
    assert notes.all() == ["昨晚又吵到两点"]


@pytest.mark.parametrize("words", ["还是没解决", "我不满意", "这个答复我不满意", "楼上又开始吵了"])
async def test_not_done_after_all_is_taken_up_again_and_the_clock_starts_anew(
    house: Talk, words: str
) -> None:
    case = await ended(house, ME, "楼上天天半夜吵", "好")
    await house.pass_time(days=3)
    assert "重新办" in await say(house, ME, words)
    assert "11月28日" in await say(house, ME, "好")  # two days from now
    assert (await last(house)).state == "reopened"
    assert (await last(house)).number == case.number


async def test_after_seven_days_it_is_said_anew(house: Talk) -> None:
    await ended(house, ME, "楼上天天半夜吵", "好")
    await house.pass_time(days=8)
    assert "重新办" not in await say(house, ME, "我不满意")


async def test_nobody_elses_is_taken_up_again(house: Talk) -> None:
    case = await ended(house, ME, "楼上天天半夜吵", "好")
    await say(house, OTHER, f'/reopen{{"request": {case.id}}}')
    assert (await last(house)).state == "closed"


async def test_a_repair_that_leaks_again_is_the_same_repair(house: Talk) -> None:
    case = await ended(house, ME, "家里马桶堵了", "好")
    await say(house, ME, "又堵了")
    assert case.number in await say(house, ME, "对")
    assert (await last(house)).state == "reopened"


async def test_of_several_closed_ones_it_asks_which(house: Talk) -> None:
    await ended(house, ME, "楼上天天半夜吵", "好")
    second = await ended(house, ME, "送来的饭是凉的", "好")
    assert "哪一件" in await say(house, ME, "还是没解决")
    await say(house, ME, "第一个")  # the last one closed is named first
    assert (await last(house)).number == second.number
    assert (await last(house)).state == "reopened"


async def test_a_no_leaves_it_closed(house: Talk) -> None:
    await ended(house, ME, "楼上天天半夜吵", "好")
    assert "不重新办" in await say(house, ME, "还是没解决", "不用了")
    assert (await last(house)).state == "closed"


async def test_a_suggestion_is_thanked_for_and_answered(house: Talk) -> None:
    assert "建议" in await say(house, ME, "提个建议")
    await say(house, ME, "食堂加点面食")
    assert "谢谢" in await say(house, ME, "好")
    case = await last(house)
    assert (case.kind, case.text) == ("suggestion", "食堂加点面食")
    await staff(house, case.number, "done", note="下周就加")
    assert "下周就加" in (await house.unasked(ME))[0]


async def test_in_english(house: Talk) -> None:
    read = await say(house, "demo:elder-3", "I want to complain about the noise upstairs")
    assert "noise upstairs" in read
    done = await say(house, "demo:elder-3", "yes")
    assert "25 November" in done


async def test_taken_back_right_after_it(house: Talk) -> None:
    await say(house, ME, "楼上天天半夜吵", "好", "刚才那个不要了", "好")
    assert (await last(house)).state == "cancelled"


async def test_the_list_of_cases_keeps_from_officers_what_is_about_staff(house: Talk) -> None:
    await say(house, ME, "我要投诉小李，说话特别冲", "好")
    number = (await last(house)).number
    seen = {}
    async with house.work() as work:
        for role, member in (
            ("officer", "officer-1"),
            ("officer", "officer-2"),
            ("lead", "lead-1"),
            ("admin", None),
        ):
            found = await work.session.scalars(
                select(Request.number).where(requests.for_eyes_of(role, member), Request.number == number)
            )
            seen[member] = found.all() == [number]
    assert seen == {"officer-1": False, "officer-2": False, "lead-1": True, None: True}
