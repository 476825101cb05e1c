"""Check-ins as an elder, their family and the staff live them (K1–K7, F6)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
import pytest_asyncio

from data import alarms, checkins, residents
from data.database import Database
from data.models import Device, Signal
from tests.checkin_house import (
    ELDER,
    EVENING,
    checkins_of,
    house,
    plan_id,
    to,
    told,
    visits,
    whats,
)
from tests.harness import SHANGHAI, Talk, understanding


@pytest_asyncio.fixture
async def talk(database: Database) -> AsyncIterator[Talk]:
    async with house(database) as made:
        await made.unasked(ELDER)
        yield made


async def asked(talk: Talk) -> None:
    """It is nine, the question is put."""
    await to(talk, 9)


async def test_the_terminal_speaks_first_with_two_buttons(talk: Talk) -> None:
    await asked(talk)
    (said,) = await talk.unasked(ELDER)
    assert "王秀英" in said
    (row,) = await checkins_of(talk)
    assert row.state == "asked"
    assert whats(row) == ["due", "asked"]
    dialogue = await talk.dialogue(ELDER)
    assert [button["payload"] for button in dialogue.last[-1]["payload"]["buttons"]] == [
        "/feel_fine",
        "/feel_unwell",
    ]


@pytest.mark.parametrize(
    "words", ["我挺好", "我没事，刚才出去买菜了", "还行", "老样子", "吃了", "嗯", "哪儿都不疼", "/feel_fine"]
)
async def test_fine_ends_it(talk: Talk, words: str) -> None:
    await asked(talk)
    assert await talk.ask(ELDER, words)
    (row,) = await checkins_of(talk)
    assert row.state == "fine"
    await to(talk, 10)
    assert not await told(talk)
    assert not await visits(talk)
    assert (await talk.dialogue(ELDER)).stack == []


async def test_no_answer_asks_twice_more_then_family_then_a_visit(talk: Talk) -> None:
    await asked(talk)
    await talk.unasked(ELDER)
    await to(talk, 9, 11)
    assert len(await talk.unasked(ELDER)) == 1
    await to(talk, 9, 29)
    assert len(await talk.unasked(ELDER)) == 1
    assert (await checkins_of(talk))[0].state == "asked"
    assert not await told(talk)
    await to(talk, 9, 30)
    (row,) = await checkins_of(talk)
    assert row.state == "no_answer"
    (notice,) = await told(talk)
    assert "王秀英" in notice
    assert "3号楼2单元501" in notice
    assert not await visits(talk)
    await to(talk, 9, 40)
    (visit,) = await visits(talk)
    (row,) = await checkins_of(talk)
    assert whats(row)[:6] == ["due", "asked", "asked", "asked", "no_answer", "notified"]
    assert {"what": "visit", "to": visit.number}.items() <= row.steps[6].items()
    assert visit.urgency == "urgent"
    assert visit.place
    assert visit.place["room"] == "501"
    assert datetime.fromisoformat(visit.details["deadline"]) == datetime(
        2026, 11, 23, 10, 40, tzinfo=SHANGHAI
    )
    times = [datetime.fromisoformat(step["at"]).strftime("%H:%M") for step in row.steps]
    assert times[:7] == ["09:00", "09:00", "09:10", "09:20", "09:30", "09:30", "09:40"]
    contact = row.steps[5]["to"]
    assert contact.startswith("contact:")


async def test_a_late_answer_gives_the_all_clear_to_everybody_alerted(talk: Talk) -> None:
    await asked(talk)
    await to(talk, 9, 45)
    answer = await talk.ask(ELDER, "我挺好")
    assert "平安" in answer or "没事" in answer
    (row,) = await checkins_of(talk)
    assert row.state == "fine"
    notices = await told(talk)
    assert len(notices) == 2
    assert "平安" in notices[1]
    (visit,) = await visits(talk)
    assert visit.state == "cancelled"
    cleared = {step["to"] for step in row.steps if step["what"] == "all_clear"}
    assert visit.number in cleared
    assert any(to.startswith("contact:") for to in cleared)
    await to(talk, 18)
    assert len(await told(talk)) == 2


async def test_an_accepted_visit_is_left_to_who_goes(talk: Talk) -> None:
    from data import requests

    await asked(talk)
    await to(talk, 9, 41)
    (visit,) = await visits(talk)
    async with talk.work("staff:officer-1") as work:
        held = await requests.get(work, visit.number, lock=True)
        assert held is not None
        await requests.move(work, held, "accept")
    await talk.say(ELDER, "我挺好")
    assert (await visits(talk))[0].state == "accepted"


async def test_a_message_in_the_hour_before_is_a_sign_of_life(talk: Talk) -> None:
    await to(talk, 8, 10)
    await talk.say(ELDER, "我想约理发")
    await talk.say(ELDER, "算了，不约了")  # nothing open that would be reminded of
    await talk.unasked(ELDER)
    await asked(talk)
    (row,) = await checkins_of(talk)
    assert row.state == "sign_of_life"
    assert await talk.unasked(ELDER) == []


async def test_a_message_long_before_is_none(talk: Talk) -> None:
    await to(talk, 7, 50)
    await talk.say(ELDER, "我想约理发")
    await asked(talk)
    assert (await checkins_of(talk))[0].state == "asked"


async def test_a_silence_the_terminal_reports_is_no_sign_of_life(talk: Talk) -> None:
    await to(talk, 8, 30)
    await talk.say(ELDER, "", channel="terminal", kind="silence")
    await asked(talk)
    assert (await checkins_of(talk))[0].state == "asked"


@pytest.mark.parametrize(("kind", "state"), [("motion", "sign_of_life"), ("heartbeat", "asked")])
async def test_motion_at_home_counts_and_a_heartbeat_does_not(talk: Talk, kind: str, state: str) -> None:
    await to(talk, 8, 40)
    async with talk.work() as work:
        person = await residents.by_reference(work, "elder-1")
        assert person is not None
        device = Device(community_id=work.community.id, key="pir-1", resident_id=person.id)
        work.session.add(device)
        await work.session.flush()
        work.session.add(Signal(device_id=device.id, type=kind, at=work.now, received_at=work.now))
    await asked(talk)
    assert (await checkins_of(talk))[0].state == state


async def test_a_message_elsewhere_while_the_ladder_runs_ends_it(talk: Talk) -> None:
    await asked(talk)
    await to(talk, 9, 35)
    async with talk.work() as work:
        person = await residents.by_reference(work, "elder-1")
        from data import conversations

        other = await conversations.enter(work, channel="telegram", sender="4711")
        assert person is not None
        other.resident_id = person.id
    await talk.say("4711", "我想约理发", channel="telegram")
    await to(talk, 9, 40)
    (row,) = await checkins_of(talk)
    assert row.state == "sign_of_life"
    assert not await visits(talk)
    assert "平安" in (await told(talk))[-1]


async def test_unwell_makes_a_task_tells_the_family_and_asks_gently(talk: Talk) -> None:
    await asked(talk)
    first = await talk.ask(ELDER, "/feel_unwell")
    (row,) = await checkins_of(talk)
    (visit,) = await visits(talk)
    assert row.state == "unwell"
    assert visit.urgency == "ordinary"
    assert visit.state == "open"
    assert len(await told(talk)) == 1
    assert "哪里" in first or "怎么" in first
    await talk.ask(ELDER, "就是有点头晕")
    (visit,) = await visits(talk)
    assert "就是有点头晕" in (visit.text or "")
    last = await talk.ask(ELDER, "让人来看看吧")
    assert visit.number in last
    assert "女儿" in last
    (visit,) = await visits(talk)
    assert visit.details["wanted"] == "visit"
    await to(talk, 10)
    assert len(await visits(talk)) == 1
    assert (await talk.dialogue(ELDER)).stack == []


async def test_words_that_say_what_is_wrong_are_not_asked_for_again(talk: Talk) -> None:
    await asked(talk)
    answer = await talk.ask(ELDER, "不太好，有点头晕")
    assert "来看看" in answer
    assert "先歇" in await talk.ask(ELDER, "不用，我躺会儿")


async def test_another_wish_is_served_and_is_a_sign_of_life(talk: Talk) -> None:
    await asked(talk)
    answer = await talk.ask(ELDER, "我想约理发")
    assert "理发" in answer
    (row,) = await checkins_of(talk)
    assert row.state == "sign_of_life"
    assert [frame.flow for frame in (await talk.dialogue(ELDER)).stack] == ["booking"]


async def test_help_is_an_alarm_and_the_question_is_gone(talk: Talk) -> None:
    await asked(talk)
    await talk.say(ELDER, "救命，我摔倒了起不来")
    (row,) = await checkins_of(talk)
    assert row.state == "help"
    async with talk.work() as work:
        alarm = await alarms.open_of(work, resident_id=row.resident_id, conversation_id=None)
        assert alarm is not None
    assert [frame.flow for frame in (await talk.dialogue(ELDER)).stack] == ["emergency"]
    await talk.pass_time(minutes=45)
    assert (await checkins_of(talk))[0].state == "help"
    assert not await visits(talk)


async def test_garbled_twice_brings_a_person(talk: Talk) -> None:
    await asked(talk)
    await talk.say(ELDER, "呜哩哇啦")
    assert (await checkins_of(talk))[0].state == "asked"
    await talk.say(ELDER, "咕噜咕噜")
    assert (await checkins_of(talk))[0].state == "sign_of_life"
    async with talk.work() as work:
        from data import handoffs

        assert len([one for one in await handoffs.queue(work) if one.reason == "not_understood"]) == 1


async def test_a_form_that_was_open_is_offered_back_after_the_answer(talk: Talk) -> None:
    await to(talk, 7, 30)
    await talk.say(ELDER, "我想约理发")
    await asked(talk)
    answer = await talk.ask(ELDER, "我挺好")
    assert "理发" in answer


async def test_late_after_an_outage_it_is_asked_and_counted_from_then(talk: Talk) -> None:
    talk.clock.set(datetime(2026, 11, 23, 11, 0, tzinfo=SHANGHAI))
    await talk.pass_time(seconds=0)
    assert len(await talk.unasked(ELDER)) == 1
    await to(talk, 11, 29)
    assert not await told(talk)
    await to(talk, 11, 30)
    assert len(await told(talk)) == 1


async def test_an_outage_of_a_day_asks_only_todays_question(talk: Talk) -> None:
    talk.clock.set(datetime(2026, 11, 24, 8, 0, tzinfo=SHANGHAI))
    await to(talk, 9, day=24)
    rows = await checkins_of(talk)
    assert [whats(row)[-1] for row in rows] == ["missed", "asked"]
    assert len(await talk.unasked(ELDER)) == 1


async def test_the_next_one_is_armed_at_once_and_a_timer_done_twice_does_nothing(talk: Talk) -> None:
    await to(talk, 9)
    await talk.say(ELDER, "我挺好")
    await to(talk, 9, day=24)
    rows = await checkins_of(talk)
    assert [row.state for row in rows] == ["fine", "asked"]


async def pause(talk: Talk, words: str) -> str:
    return await talk.ask(ELDER, words)


async def test_a_pause_of_three_days_is_read_back_and_ends_by_itself(talk: Talk) -> None:
    await to(talk, 9)
    await talk.say(ELDER, "我挺好")
    question = await talk.ask(ELDER, "我去闺女家住三天,别打电话了")
    assert "11月24日" in question
    assert "11月26日" in question
    assert "11月27日" in await talk.ask(ELDER, "好的")
    await to(talk, 9, 1, day=27)
    assert [row.state for row in await checkins_of(talk)] == ["fine", "paused", "paused", "paused", "asked"]


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        ("周日以前别问了，停到周日", 22, 29),
        ("明天起到周五我在儿子家，别问了", 23, 27),
        ("我要到周四才回来，这几天别问我", 22, 26),
        ("一个礼拜后再开始，先别问", 22, 28),
        ("明天别问了", 23, 23),
    ],
)
async def test_until_when_as_people_say_it(talk: Talk, words: str, first: int, last: int) -> None:
    await talk.say(ELDER, words)
    await talk.say(ELDER, "好的")
    async with talk.work() as work:
        plan = await checkins.plan_by_id(work, await plan_id(talk))
        assert plan is not None
        assert plan.paused_from is not None
        assert plan.paused_until is not None
        assert (plan.paused_from.day, plan.paused_until.day) == (first, last)


async def test_a_pause_without_an_end_asks_then_tells_staff_and_can_be_ended(talk: Talk) -> None:
    assert "哪一天" in await talk.ask(ELDER, "先别打电话了")
    await talk.ask(ELDER, "说不准呢")
    await talk.ask(ELDER, "好的")
    (task,) = await visits(talk)
    assert task.urgency == "planned"
    await to(talk, 9, 1)
    assert (await checkins_of(talk))[0].state == "paused"
    assert "照常" in await talk.ask(ELDER, "我回来了，恢复问候吧")
    await to(talk, 9, 1, day=24)
    assert (await checkins_of(talk))[1].state == "asked"


async def test_a_length_corrects_the_read_back(talk: Talk) -> None:
    await talk.ask(ELDER, "我去闺女家住三天,别打电话了")
    assert "11月27日" in await talk.ask(ELDER, "住五天吧")


async def test_unwell_unasked_offers_and_does_nothing_without_a_yes(talk: Talk) -> None:
    await talk.ask("demo:resident-1", "我头晕")
    assert not await visits(talk, "resident-1")
    assert "先歇歇" in await talk.ask("demo:resident-1", "不用了")
    assert not await visits(talk, "resident-1")
    await talk.ask("demo:resident-1", "我头晕")
    answer = await talk.ask("demo:resident-1", "/visit_please")
    (task,) = await visits(talk, "resident-1")
    assert task.number in answer
    assert "头晕" in (task.text or "")


async def test_fine_unasked_is_answered_warmly(talk: Talk) -> None:
    assert await talk.ask("demo:resident-1", "我挺好")
    assert (await talk.dialogue("demo:resident-1")).stack == []


async def test_visits_of_a_plan_become_tasks_once(talk: Talk) -> None:
    assert not await visits(talk, "elder-2")
    await to(talk, 9, 1, day=29)
    (task,) = await visits(talk, "elder-2")
    assert task.urgency == "planned"
    talk.clock.set(datetime(2026, 12, 6, 12, 0, tzinfo=SHANGHAI))
    await talk.pass_time(seconds=0)
    assert len(await visits(talk, "elder-2")) == 1  # the first is still waiting


async def test_with_the_real_understanding(database: Database) -> None:
    _, parser = await understanding()
    async with house(database, now=EVENING + timedelta(hours=1), intents=parser.engine) as talk:
        await asked(talk)
        await talk.say(ELDER, "还可以，早饭吃过了")
        assert (await checkins_of(talk))[0].state == "fine"
        question = await talk.ask(ELDER, "下周我去儿子那儿住，每天早上别问我了")
        assert "11月30日" in question
        assert "12月6日" in question
