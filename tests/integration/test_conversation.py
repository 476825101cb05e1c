"""The patterns of every conversation, C1–C16, said and heard through the real turn on the real database."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from data import conversations, crypto, embedded, handoffs
from data.models import Handoff, Message, Request
from flows.state import Dialogue
from tests.harness import Talk, texts
from tests.standing_house import standing, sweep

ME = "demo:resident-1"


@pytest_asyncio.fixture(scope="module")
async def house(
    postgres: embedded.EmbeddedServer, template: str, keyring: crypto.Keyring
) -> AsyncIterator[Talk]:
    async with standing(postgres, template, keyring, "conversation") as made:
        yield made


@pytest_asyncio.fixture
async def here(house: Talk) -> Talk:
    return await sweep(house)


async def bookings(here: Talk) -> list[Request]:
    """The bookings that stand."""
    async with here.work() as work:
        found = await work.session.scalars(
            select(Request).where(Request.kind == "booking", Request.state == "booked")
        )
        return list(found.all())


async def flows_open(here: Talk, sender: str = ME) -> list[str]:
    return [frame.flow for frame in (await here.dialogue(sender)).stack]


async def begin(here: Talk, *lines: str, sender: str = ME) -> str:
    """Say these; gives the last answer."""
    answer = ""
    for line in lines:
        answer = await here.ask(sender, line)
    return answer


# C1 collect


@pytest.mark.parametrize(
    "lines",
    [
        ["我想约明天上午十点理发"],
        ["我想约理发", "明天上午十点"],
        ["我想预约明天上午十点", "理发"],
        ["我想预约一下", "明天上午十点，理发"],
        ["我想约理发", "明天", "上午十点"],
    ],
)
async def test_slots_are_taken_in_any_order(here: Talk, lines: list[str]) -> None:
    answer = await begin(here, *lines)
    assert "明天（11月24日周二）上午10点的理发" in answer
    assert (await here.dialogue(ME)).stack[-1].asked == "confirm"


async def test_all_in_one_sentence_leaves_only_the_read_back(here: Talk) -> None:
    answer = await here.ask(ME, "帮我订两份明天中午十一点半的午饭")
    assert "午餐2份" in answer
    assert "上午11点半" in answer
    assert (await here.dialogue(ME)).stack[-1].asked == "confirm"


async def test_what_was_not_asked_yet_is_kept(here: Talk) -> None:
    await begin(here, "我想订午饭", "五份", "明天十一点半")
    frame = (await here.dialogue(ME)).stack[-1]
    assert frame.asked == "confirm"
    assert frame.slots["count"] == 5


async def test_one_question_a_turn(here: Talk) -> None:
    for line in ("我想预约", "午饭", "明天十一点半", "三份"):
        assert sum(text.count("？") for text in [(await here.ask(ME, line))]) <= 1


# C2 correct


async def test_a_correction_at_the_read_back_changes_only_that(here: Talk) -> None:
    await begin(here, "帮我订两份明天十一点半的午饭")
    answer = await here.ask(ME, "改成后天")
    assert "后天" in answer
    assert "午餐2份" in answer
    assert "11点半" in answer


async def test_another_service_takes_what_comes_with_it(here: Talk) -> None:
    answer = await begin(here, "我要约理发，明天上午十点", "不要理发了，改成法律咨询，后天上午十点")
    assert "后天（11月25日周三）上午10点的法律咨询" in answer


async def test_another_service_has_its_time_asked_again(here: Talk) -> None:
    await begin(here, "我要约理发，明天上午十点", "不是理发，是法律咨询")
    frame = (await here.dialogue(ME)).stack[-1]
    assert (frame.slots["service"], frame.asked) == ("legal_advice", "time")


async def test_a_correction_while_another_question_is_open(here: Talk) -> None:
    await begin(here, "我想订午饭", "明天十一点半")
    answer = await here.ask(ME, "时间改成后天十二点")
    frame = (await here.dialogue(ME)).stack[-1]
    assert frame.asked == "count"
    assert "2026-11-25T12:00" in frame.slots["time"]
    assert "后天" in answer
    assert "12点" in answer
    assert "？" in answer


@pytest.mark.parametrize(("words", "asked"), [("时间不对", "time"), ("改一下服务", "service")])
async def test_what_is_wrong_may_be_named(here: Talk, words: str, asked: str) -> None:
    await begin(here, "我要约理发，明天上午十点", words)
    assert (await here.dialogue(ME)).stack[-1].asked == asked


async def test_no_to_the_read_back_asks_what_is_wrong(here: Talk) -> None:
    answer = await here.say(ME, "我要约理发，明天上午十点")
    answer = await here.say(ME, "不对")
    assert [button["title"] for button in (answer[-1].payload or {})["buttons"]] == [
        "改服务",
        "改时间",
        "不办了",
    ]
    assert not await bookings(here)


# C3 interrupt and resume


async def test_an_interrupted_wish_is_offered_back(here: Talk) -> None:
    await begin(here, "我想约理发", "我家水管漏了")
    assert (await flows_open(here)) == ["booking", "repair"]
    answer = await here.ask(ME, "先不报了")
    assert "理发" in answer
    assert "接着办" in answer
    assert "什么时候" in await here.ask(ME, "好")
    assert (await flows_open(here)) == ["booking"]


async def test_an_offer_back_may_be_declined(here: Talk) -> None:
    await begin(here, "我想约理发", "我家水管漏了", "先不报了")
    assert "没有给您约" in await here.ask(ME, "不办了")
    assert await flows_open(here) == []


async def test_two_that_wait_are_listed(here: Talk) -> None:
    for line in ("我想约理发，明天上午十点", "我家水管漏了", "/book_service", "法律咨询"):
        await here.ask(ME, line)
        here.clock.move(seconds=5)
    said = await here.say(ME, "不约了，算了")
    assert "报修" in texts(said)
    assert "理发" in texts(said)
    shown = (said[-1].payload or {})["buttons"]
    answer = await here.ask(ME, next(button for button in shown if "理发" in button["title"])["payload"])
    assert "上午10点的理发" in answer
    assert (await flows_open(here)) == ["repair", "booking"]


async def test_said_again_keeps_the_question(here: Talk) -> None:
    """A yes after "say that again" answers what was said again, and not the read-back that waits beneath."""
    await begin(here, "我想约理发，后天上午十点", "我家水管漏了", "先不报了")
    for words in ("再说一遍", "慢点说"):
        assert "接着办" in await here.ask(ME, words)
    answer = await here.ask(ME, "好")
    assert "这样行吗" in answer
    assert not await bookings(here)


async def test_many_wishes_do_not_pile_up(here: Talk) -> None:
    given_up = ""
    for _ in range(6):
        await here.ask(ME, "/book_service")
        given_up += await here.ask(ME, "我家水管漏了")
    assert "先放下" in given_up
    assert len(await flows_open(here)) <= 5


# What was asked decides what a short answer means


async def test_numbers_alone_are_the_parts_of_a_place_that_were_asked_for(here: Talk) -> None:
    answer = await begin(here, "我家马桶堵了", "不是我家", "是3号楼", "2", "501")
    assert "3号楼2单元501" in answer


async def test_a_number_alone_is_the_hour_that_was_asked_for(here: Talk) -> None:
    assert "下午3点" in await begin(here, "我想约理发", "后天", "3")


async def test_a_number_alone_is_no_fault(here: Talk) -> None:
    await begin(here, "家里东西坏了", "5")
    assert (await here.dialogue(ME)).stack[-1].asked == "fault"


@pytest.mark.parametrize("words", ["嗯嗯嗯什么", "嗯，几点来着？", "好的等一下", "ok but wait"])
async def test_a_yes_in_doubt_books_nothing(here: Talk, words: str) -> None:
    await begin(here, "我想约理发，明天上午十点", words)
    assert not await bookings(here)


async def test_a_time_alone_is_no_greeting(here: Talk) -> None:
    said = await here.say(ME, "明天上午")
    assert "您好" not in texts(said)
    await here.ask(ME, "约一项服务")
    assert "几点" in await here.ask(ME, "理发")


@pytest.mark.parametrize("words", ["这个先不要了，取消吧", "not that after all, cancel it", "不要了"])
async def test_called_off_while_filling_in_is_leaving(here: Talk, words: str) -> None:
    await begin(here, "我想约理发", words)
    assert await flows_open(here) == []


# C4 digress


async def test_a_question_is_answered_in_place(here: Talk) -> None:
    await begin(here, "我想约理发")
    answer = await here.ask(ME, "食堂几点开门")
    assert "10:30" in answer
    assert "什么时候" in answer
    assert "10点的理发" in await here.ask(ME, "明天上午十点")


async def test_yes_to_an_offered_person_brings_one(here: Talk) -> None:
    await here.ask(ME, "帮我买一张去北京的火车票")
    await here.ask(ME, "好")
    async with here.work() as work:
        assert (await work.session.scalar(select(func.count()).select_from(Handoff))) == 1


async def test_no_to_an_offered_person_puts_the_question_again(here: Talk) -> None:
    await begin(here, "我想约理发", "帮我买一张去北京的火车票")
    assert "什么时候" in await here.ask(ME, "不用")
    assert (await flows_open(here)) == ["booking"]


# C5 cancel


@pytest.mark.parametrize("leaving", ["算了，不弄了", "不约了", "/stop"])
@pytest.mark.parametrize(
    "lines",
    [
        ["我想预约"],
        ["我想约理发"],
        ["我想订午饭", "明天十一点半"],
        ["我想约理发，明天上午十点"],
    ],
)
async def test_leaving_says_what_was_not_done(here: Talk, lines: list[str], leaving: str) -> None:
    await begin(here, *lines)
    assert "没有给您约" in await here.ask(ME, leaving)
    assert await flows_open(here) == []
    assert not await bookings(here)


# C6 skip


@pytest.mark.parametrize("lines", [["我想约理发"], ["我想约理发，明天上午十点"]])
async def test_what_is_needed_cannot_be_skipped(here: Talk, lines: list[str]) -> None:
    await begin(here, *lines)
    before = (await here.dialogue(ME)).stack[-1].asked
    assert await here.ask(ME, "跳过")
    assert (await here.dialogue(ME)).stack[-1].asked == before
    assert not await bookings(here)


# C7 repeat, slower, louder


async def test_the_last_words_are_said_again(here: Talk) -> None:
    said = await here.say(ME, "我想约理发，明天上午十点")
    again = await here.say(ME, "你再说一遍")
    assert [(one.text, one.payload) for one in again] == [(one.text, one.payload) for one in said]


async def test_slower_and_louder_are_kept(here: Talk) -> None:
    await begin(here, "慢点说", "大点声")
    async with here.work() as work:
        conversation = await conversations.find(work, channel="rest", sender=ME)
        assert conversation is not None
        assert conversation.resident_id is not None
        resident, _ = await conversations.with_home(work, conversation.resident_id)
        assert resident.preferences["speech_rate"] < 3.25
        assert resident.preferences["type_size"] > 24


async def test_a_strangers_slower_is_kept_too(here: Talk) -> None:
    await here.ask("somebody", "慢点说")
    assert (await here.dialogue("somebody")).preferences["speech_rate"] < 3.25


# C8 clarify


async def test_a_choice_takes_up_the_first_words(here: Talk) -> None:
    async with here.work() as work:
        conversation = await conversations.enter(work, channel="rest", sender=ME)
        time = {"entity": "time", "value": "2026-11-24T10:00", "text": "明天十点", "start": 0, "end": 4}
        service = {"entity": "service", "value": "haircut", "text": "理发", "start": 4, "end": 6}
        conversation.state = {
            "format": 1,
            "stack": [
                {
                    "flow": "clarify",
                    "asked": "which",
                    "memory": {
                        "begun": True,
                        "options": ["book_service", "report_repair"],
                        "words": {"text": "明天十点理发", "entities": [time, service]},
                    },
                }
            ],
        }
    assert "上午10点的理发" in await here.ask(ME, "/book_service")


# C9 not understood


@pytest.mark.parametrize("lines", [["我想约理发"], ["我想订午饭", "明天十一点半"], ["我想预约"], []])
async def test_the_ladder_ends_with_a_person_and_never_repeats_itself(here: Talk, lines: list[str]) -> None:
    await begin(here, *lines)
    answers = [await here.ask(ME, words) for words in ("叽里咕噜", "嘎嘎嘎", "咕叽咕叽")]
    assert len(set(answers)) == 3
    async with here.work() as work:
        handoff = (await work.session.scalars(select(Handoff))).one()
    assert handoff.reason == "not_understood"


async def test_an_answer_starts_the_ladder_anew(here: Talk) -> None:
    await begin(here, "我想约理发", "呜噜呜噜", "叽里咕噜", "明天上午十点", "呜噜呜噜")
    assert (await here.dialogue(ME)).stack[-1].tries == 1


# C11 confirm


async def test_nothing_exists_before_the_yes(here: Talk) -> None:
    for line in ("我想约理发", "明天上午十点", "食堂几点开门", "再说一遍", "呜噜呜噜"):
        await here.ask(ME, line)
        assert not await bookings(here)


@pytest.mark.parametrize("yes", ["好", "好的谢谢", "行，麻烦你了", "/affirm", "好，就这样", "就这样吧"])
async def test_a_yes_makes_it(here: Talk, yes: str) -> None:
    await begin(here, "我想约理发，明天上午十点")
    assert "约好了" in await here.ask(ME, yes)
    (made,) = await bookings(here)
    assert made.service == "haircut"
    assert made.starts_at is not None
    assert made.starts_at.isoformat() == "2026-11-24T02:00:00+00:00"


async def test_digits_are_spoken_one_by_one(here: Talk) -> None:
    await begin(here, "我想约理发，明天上午十点")
    (said,) = await here.say(ME, "好")
    speech = (said.payload or {})["speech"]
    assert "零零零幺" in speech
    assert "B2026" not in speech
    assert "（" not in speech


# C12 undo


async def test_undone_within_ten_minutes(here: Talk) -> None:
    await begin(here, "我想约理发，明天上午十点", "好")
    await begin(here, "刚才那个不要了", "对")
    assert not await bookings(here)


# C15 a person has the conversation


async def test_the_bot_is_silent_while_a_person_has_it(here: Talk) -> None:
    await begin(here, "我想约理发", "转人工")
    assert await here.say(ME, "明天上午十点") == []
    assert await here.say(ME, "再说一遍") == []
    assert "120" in await here.ask(ME, "救命啊，我胸口疼得喘不上气")


# C16 what is no words


async def test_empty_pictures_and_places_are_answered(here: Talk) -> None:
    answers = [
        texts(await here.say(ME, "")),
        texts(await here.say(ME, "   ")),
        texts(await here.say(ME, "", kind="image", data={"ref": "x"})),
        texts(await here.say(ME, "", kind="location", data={"lat": 31.2, "lon": 121.5})),
        texts(await here.say(ME, "", kind="voice")),
        texts(await here.say(ME, "", kind="sticker")),
    ]
    assert all(answers)
    assert len(set(answers)) == 6


async def test_ten_thousand_characters_are_answered(here: Talk) -> None:
    answer = await here.ask(ME, "今天天气不错我出门走了走" * 1000 + "帮我约明天上午十点理发")
    assert "太长" in answer
    async with here.work() as work:
        stored = (await work.session.scalars(select(Message).where(Message.author == "resident"))).all()
    assert len(stored[-1].text) <= 2001
    assert stored[-1].text.endswith("理发")


async def test_an_old_button_is_said_to_be_old(here: Talk) -> None:
    first = await here.ask(ME, '/choose{"time": "2026-11-24T10:00"}')
    second = await here.ask(ME, "/no_such_thing")
    assert "按钮" in first
    assert "按钮" in second
    await here.ask(ME, "我想约理发")
    assert "什么时候" in await here.ask(ME, "/no_such_thing")


@pytest.mark.parametrize(
    "values",
    [
        {"time": ["x"]},
        {"service": {"a": 1}},
        {"place": {"building": {"x": 1}}},
        {"count": True},
        {"time": "x"},
    ],
)
async def test_buttons_with_nonsense_do_no_harm(here: Talk, values: dict[str, object]) -> None:
    await here.ask(ME, "我想订午饭")
    answer = await here.ask(ME, "/choose" + json.dumps(values))
    assert answer
    assert "出了点问题" not in answer


# English


async def test_english_is_answered_in_english(here: Talk) -> None:
    assert "Is that all right?" in await here.ask(ME, "I'd like a haircut tomorrow at 10 am")
    assert "3 p.m." in await here.ask(ME, "change it to 3 pm")
    assert "Booked" in await here.ask(ME, "yes please")
    assert "您" in await here.ask(ME, "我还想订一份午饭")


async def test_one_english_word_does_not_change_the_language(here: Talk) -> None:
    await here.ask(ME, "我想约理发")
    assert "时间" in await here.ask(ME, "hmm")


# What waits, and what cannot be read


async def test_what_waits_expires_after_a_day(here: Talk) -> None:
    await begin(here, "我想约理发，后天上午十点")
    here.clock.move(hours=25)
    assert "约好了" not in await here.ask(ME, "好")
    assert await flows_open(here) == []


@pytest.mark.parametrize(
    "state",
    [
        {"format": 0, "stack": [{"flow": "booking"}]},
        {"format": 1, "stack": [{"flow": "booking", "no_such_field": 1}]},
        {"format": 1, "stack": [{"flow": "a_flow_of_old", "asked": "x"}]},
        {"format": 1, "stack": "nonsense", "done": 3},
    ],
)
async def test_a_state_of_another_version_costs_nothing(here: Talk, state: dict[str, object]) -> None:
    async with here.work() as work:
        conversation = await conversations.enter(work, channel="rest", sender=ME)
        conversation.state = state
    assert "什么时候" in await here.ask(ME, "我想约理发")
    assert isinstance(await here.dialogue(ME), Dialogue)


async def test_what_was_interrupted_by_a_person_is_offered_afterwards(here: Talk) -> None:
    from flows import handoff

    await begin(here, "我想约理发", "转人工")
    async with here.work() as work:
        queued = (await work.session.scalars(select(Handoff))).one()
        assert queued.state == "queued"
        await handoff.take(work, here.turns.world, str(queued.id), "officer-1")
    async with here.work() as work:
        await handoff.close(work, here.turns.world, here.turns.engine, str(queued.id), "officer-1")
        found = await handoffs.get(work, str(queued.id))
        assert found is not None
        assert found.state == "closed"
    assert "接着办" in "\n".join(await here.unasked(ME))
    assert "什么时候" in await here.ask(ME, "好")
