"""Nobody answers: reminded once, parked for a day, never with old answers; a voice is asked whether all is well (C10)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import select

from data import crypto, embedded, timers
from data.models import Alarm, Request, Timer
from flows import silence
from tests.harness import Talk, texts
from tests.standing_house import standing, sweep

ME = "demo:resident-1"


@pytest_asyncio.fixture(scope="module")
async def house(
    postgres: embedded.EmbeddedServer, template: str, keyring: crypto.Keyring
) -> AsyncIterator[Talk]:
    async with standing(postgres, template, keyring, "silence") as made:
        yield made


@pytest_asyncio.fixture
async def here(house: Talk) -> Talk:
    return await sweep(house)


async def heard(here: Talk, minutes: float, channel: str = "rest") -> str:
    """What is said unasked while that much time passes."""
    await here.unasked(ME, channel)
    await here.pass_time(minutes=minutes)
    return "\n".join(await here.unasked(ME, channel))


async def timer_of(here: Talk) -> Timer | None:
    async with here.work() as work:
        return await work.session.scalar(select(Timer).where(Timer.kind == silence.TIMER))


async def alarms(here: Talk) -> list[Alarm]:
    async with here.work() as work:
        return list((await work.session.scalars(select(Alarm))).all())


# A chat


async def test_an_open_question_is_put_once_more_and_then_left_alone(here: Talk) -> None:
    await here.ask(ME, "我想约理发")
    assert await heard(here, 29) == ""
    reminder = await heard(here, 2)
    assert "约理发还差一步" in reminder
    assert "什么时候" in reminder
    assert await heard(here, 12 * 60) == ""
    assert await timer_of(here) is None


async def test_an_answer_after_the_reminder_is_an_answer(here: Talk) -> None:
    await here.ask(ME, "我想约理发")
    await heard(here, 31)
    assert "上午10点的理发" in await here.ask(ME, "明天上午十点")


async def test_an_answer_in_time_moves_the_reminder(here: Talk) -> None:
    await here.ask(ME, "我想约理发")
    await heard(here, 20)
    await here.ask(ME, "明天上午十点")
    assert await heard(here, 20) == ""
    assert "这样行吗" in await heard(here, 11)


@pytest.mark.parametrize(
    "lines", [["食堂几点开门"], ["我想约理发", "算了，不弄了"], ["我想约理发", "转人工"]]
)
async def test_nothing_open_reminds_of_nothing(here: Talk, lines: list[str]) -> None:
    for line in lines:
        await here.ask(ME, line)
    assert await timer_of(here) is None
    assert "还差一步" not in await heard(here, 120)


@pytest.mark.parametrize("words", ["你好", "好", "食堂几点开门", "嗯嗯嗯什么"])
async def test_what_was_parked_is_offered_with_the_next_message(here: Talk, words: str) -> None:
    await here.ask(ME, "我想约理发")
    await heard(here, 90)
    assert "理发" in await here.ask(ME, words)
    assert "什么时候" in await here.ask(ME, "好")
    assert [frame.parked for frame in (await here.dialogue(ME)).stack] == [""]


async def test_an_answer_to_what_was_parked_goes_on_with_it(here: Talk) -> None:
    await here.ask(ME, "我想约理发")
    await heard(here, 90)
    assert "上午10点的理发" in await here.ask(ME, "明天上午十点")


async def test_another_wish_is_served_before_what_was_parked_is_offered(here: Talk) -> None:
    await here.ask(ME, "我想约理发")
    await heard(here, 90)
    assert "报修" in await here.ask(ME, "我家水管漏了")
    answer = await here.ask(ME, "好")
    assert "单号" in answer
    assert "约理发" in answer


async def test_what_was_parked_may_be_left(here: Talk) -> None:
    await here.ask(ME, "我想约理发")
    await heard(here, 90)
    assert "没有给您约" in await here.ask(ME, "不约了，算了")
    assert (await here.dialogue(ME)).stack == []


async def test_several_that_wait_are_listed_and_none_is_lost(here: Talk) -> None:
    for line in ("我想约理发", "我家水管漏了"):
        await here.ask(ME, line)
        here.clock.move(seconds=5)
    await heard(here, 90)
    said = await here.say(ME, "你好")
    assert "约理发" in texts(said)
    assert "报修" in texts(said)
    shown = (said[-1].payload or {})["buttons"]
    await here.ask(ME, next(one["payload"] for one in shown if "理发" in one["title"]))
    assert sorted(frame.flow for frame in (await here.dialogue(ME)).stack) == ["booking", "repair"]


async def test_old_times_are_never_used_again(here: Talk) -> None:
    """A haircut that was about to be booked for "tomorrow at ten" asks for its time again the next day."""
    await here.ask(ME, "我想约理发，明天上午十点")
    await heard(here, 23 * 60)
    assert "约理发" in await here.ask(ME, "你好")
    assert "什么时候" in await here.ask(ME, "好")
    frame = (await here.dialogue(ME)).stack[-1]
    assert (frame.slots.get("service"), frame.slots.get("time")) == ("haircut", None)


async def test_a_yes_to_an_old_read_back_books_nothing(here: Talk) -> None:
    await here.ask(ME, "我想约理发，明天上午十点")
    await heard(here, 23 * 60)
    await here.ask(ME, "/affirm")
    async with here.work() as work:
        assert (await work.session.scalars(select(Request))).all() == []


async def test_a_day_later_it_is_over(here: Talk) -> None:
    await here.ask(ME, "我想约理发，后天上午十点")
    await heard(here, 26 * 60)
    assert "理发" not in await here.ask(ME, "你好")
    assert (await here.dialogue(ME)).stack == []


async def test_two_workers_never_both_remind(here: Talk) -> None:
    await here.ask(ME, "我想约理发")
    here.clock.move(minutes=31)
    timer = await timer_of(here)
    assert timer is not None
    done = await asyncio.gather(*(here.turns.handle_timer(timer) for _ in range(3)))
    assert sorted(done) == [False, False, True]
    assert "\n".join(await here.unasked(ME)).count("还差一步") == 1


async def test_an_answer_at_the_same_moment_wins(here: Talk) -> None:
    """The timer was claimed already when the answer was heard: nobody is reminded of what they have just said."""
    await here.ask(ME, "我想约理发")
    here.clock.move(minutes=31)
    async with here.database.transaction() as session:
        claimed = await timers.claim(session, now=here.clock.now())
    await here.ask(ME, "明天上午十点")
    for timer in claimed:
        assert not await here.turns.handle_timer(timer)
    assert await here.unasked(ME) == []


async def test_after_an_outage_nobody_is_reminded_of_yesterday(here: Talk) -> None:
    await here.ask(ME, "我想约理发")
    here.clock.move(hours=5)
    assert await heard(here, 1) == ""
    assert "约理发" in await here.ask(ME, "你好")


# A voice


async def test_a_voice_is_asked_again_then_whether_all_is_well_then_as_in_doubt(here: Talk) -> None:
    await here.say(ME, "我想约理发", channel="terminal")
    steps = [texts(await here.say(ME, "", channel="terminal", kind="silence")) for _ in range(3)]
    assert "再问一遍" in steps[0]
    assert "什么时候" in steps[0]
    assert "都好吗" in steps[1]
    assert "需要人来帮忙" in steps[2]
    await here.say(ME, "", channel="terminal", kind="silence")
    (alarm,) = await alarms(here)
    assert alarm.level == 3


async def test_the_clock_notices_a_silent_voice_by_itself(here: Talk) -> None:
    await here.say(ME, "我想约理发", channel="terminal")
    said = await heard(here, 4, "terminal")
    assert said.index("再问一遍") < said.index("都好吗") < said.index("需要人来帮忙")
    assert len(await alarms(here)) == 1


@pytest.mark.parametrize("words", ["没事", "我在呢，挺好的", "/affirm"])
async def test_all_is_well_goes_on(here: Talk, words: str) -> None:
    await here.say(ME, "我想约理发", channel="terminal")
    for _ in range(2):
        await here.say(ME, "", channel="terminal", kind="silence")
    answer = texts(await here.say(ME, words, channel="terminal"))
    assert "什么时候" in answer
    assert "再问一遍" in texts(await here.say(ME, "", channel="terminal", kind="silence"))


async def test_an_answer_to_the_question_itself_is_good_enough(here: Talk) -> None:
    await here.say(ME, "我想约理发", channel="terminal")
    for _ in range(2):
        await here.say(ME, "", channel="terminal", kind="silence")
    assert "上午10点的理发" in texts(await here.say(ME, "明天上午十点", channel="terminal"))


async def test_not_well_is_asked_about_at_once(here: Talk) -> None:
    await here.say(ME, "我想约理发", channel="terminal")
    for _ in range(2):
        await here.say(ME, "", channel="terminal", kind="silence")
    assert "帮忙" in texts(await here.say(ME, "/deny", channel="terminal"))


async def test_somebody_unknown_raises_no_alarm_by_walking_away(here: Talk) -> None:
    await here.say("kiosk-in-the-hall", "我家水管漏了", channel="terminal")
    for _ in range(5):
        await here.say("kiosk-in-the-hall", "", channel="terminal", kind="silence")
    assert await alarms(here) == []


async def test_silence_with_nothing_open_is_silence(here: Talk) -> None:
    assert await here.say(ME, "", channel="terminal", kind="silence") == []
