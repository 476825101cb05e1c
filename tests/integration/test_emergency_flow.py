"""What a person in danger hears and what their words do: alarm, questions, silence, doubt, taking back (E1–E4, E8)."""

from __future__ import annotations

import pytest
import pytest_asyncio
from sqlalchemy import select

from data import conversations
from data.database import Database
from data.models import Audit
from flows.emergency_plan import plan
from flows.replies import Replies
from nlu.engine import Reading
from nlu.understanding import EMERGENCY_KINDS, Intent
from tests.emergency_house import ME, House, house


@pytest_asyncio.fixture
async def here(database: Database) -> House:
    return await house(database)


async def outcomes(here: House) -> list[tuple[str, int]]:
    """What was written down about doubts: (outcome, level)."""
    async with here.work() as work:
        rows = await work.session.scalars(
            select(Audit).where(Audit.action == "alarm.doubt").order_by(Audit.id)
        )
        return [(row.detail["outcome"], row.detail["level"]) for row in rows]


# The alarm and its first words


async def test_a_cry_in_the_middle_of_a_booking_raises_an_alarm_at_home_and_asks_one_question(
    here: House,
) -> None:
    await here.say(ME, "我想约理发")
    messages = await here.say(ME, "救命")
    alarm = await here.alarm()
    assert (alarm.kind, alarm.level, alarm.state) == ("unknown", 1, "raised")
    assert alarm.place == {"building": "5", "unit": "1", "room": "1203", "name": None}
    assert "120" in messages[0].text
    assert messages[0].payload is not None
    assert messages[0].payload["kind"] == "emergency"
    assert messages[0].payload["custom"]["alarm"] == alarm.number
    assert "5号楼1单元1203" in messages[1].text
    assert sum("？" in message.text for message in messages) == 1
    assert [frame.flow for frame in (await here.dialogue(ME)).stack] == ["change_time", "emergency"]


async def test_a_stranger_is_asked_where_and_the_alarm_goes_there(here: House) -> None:
    first = await here.ask("somebody", "我摔倒了起不来了")
    assert "在哪儿" in first
    second = await here.ask("somebody", "3号楼")
    assert "几单元" in second
    await here.say("somebody", "2单元501")
    alarm = await here.alarm()
    assert alarm.place == {"building": "3", "unit": "2", "room": "501"}
    assert (alarm.kind, alarm.resident_id) == ("fall", None)


async def test_a_place_that_sounds_like_a_repair_is_where_help_must_go(here: House) -> None:
    await here.say("somebody", "救命啊，我妈摔倒了，在3号楼2单元，叫不醒")
    await here.say("somebody", "501室，门没锁")
    assert (await here.alarm()).place == {"building": "3", "unit": "2", "room": "501"}
    assert [frame.flow for frame in (await here.dialogue("somebody")).stack] == ["emergency"]


async def test_a_place_in_free_words_is_kept_as_it_was_said(here: House) -> None:
    await here.say("somebody", "我摔倒了起不来了")
    await here.say("somebody", "河边小亭子里")
    assert ((await here.alarm()).place or {})["name"] == "河边小亭子里"


async def test_a_place_on_the_map_answers_where(here: House) -> None:
    await here.say("somebody", "我摔倒了起不来了")
    answer = await here.ask("somebody", "", kind="location", data={"lat": 31.2, "lon": 121.5})
    assert (await here.alarm()).facts["location"] == {"lat": 31.2, "lon": 121.5}
    assert "在哪儿" not in answer


async def test_another_building_replaces_the_home(here: House) -> None:
    await here.say(ME, "救命")
    await here.say(ME, "我在3号楼门口摔倒了")
    place = (await here.alarm()).place or {}
    assert place["building"] == "3"
    assert not place.get("room")


async def test_what_is_said_afterwards_joins_the_open_alarm_and_names_its_kind(here: House) -> None:
    await here.say(ME, "救命")
    answer = await here.ask(ME, "我摔倒了起不来了")
    alarm = await here.alarm()
    assert alarm.kind == "fall"
    assert alarm.text == "救命\n我摔倒了起不来了"
    assert "别让人硬拉" in answer


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [("我家着火了", "fire", "119"), ("在卫生间摔了", "fall", "硬拉"), ("it smells of gas", "gas", "switch")],
)
async def test_what_has_happened_names_the_kind(here: House, text: str, kind: str, words: str) -> None:
    await here.say(ME, "救命")
    answer = await here.ask(ME, text)
    assert (await here.alarm()).kind == kind
    assert words in answer


async def test_what_has_happened_also_tells_to_whom(here: House) -> None:
    await here.say(ME, "救命")
    assert "别人" not in await here.ask(ME, "我在卫生间摔了")
    assert (await here.alarm()).facts["who"] == "self"


async def test_not_to_know_whether_they_breathe_is_the_worst(here: House) -> None:
    await here.say(ME, "我老伴摔倒了起不来了")
    await here.say(ME, "没反应")
    answer = await here.ask(ME, "不知道")
    assert "拿不准" in answer
    assert (await here.alarm()).facts["breathing"] == "unknown"


async def test_a_better_answer_later_replaces_the_first(here: House) -> None:
    await here.say(ME, "我家着火了")
    await here.say(ME, "没出来")
    await here.say(ME, "都出来了")
    alarm = await here.alarm()
    assert (alarm.facts["out"], alarm.level) == ("yes", 1)


async def test_two_conversations_of_one_person_share_an_alarm(here: House) -> None:
    await here.say(ME, "救命")
    other = await here.small.new_conversation("phone", resident=here.small.resident)
    await here.say("phone", "我摔倒了起不来了")
    assert (await here.alarm()).conversation_id != other.id


async def test_somebody_else_in_need_awake_then_breathing_and_no_breath_is_level_one(here: House) -> None:
    first = await here.ask(ME, "我妈摔倒了起不来了")
    assert (await here.alarm()).level == 2
    assert "醒着" in first
    second = await here.ask(ME, "/deny")
    assert (await here.alarm()).level == 1
    assert "呼吸" in second
    third = await here.ask(ME, "没有呼吸")
    assert "胸口" in third
    facts = (await here.alarm()).facts
    assert (facts["who"], facts["awake"], facts["breathing"]) == ("other", "no", "no")


async def test_an_answer_given_unasked_is_not_asked_for(here: House) -> None:
    answer = await here.ask(ME, "我妈晕倒了没有呼吸")
    assert "胸口正中" in answer
    assert "？" not in answer
    assert (await here.alarm()).level == 1


async def test_an_answer_not_understood_is_asked_for_once_more_and_then_taken_for_the_worst(
    here: House,
) -> None:
    await here.say(ME, "我妈摔倒了起不来了")
    first = await here.ask(ME, "唔那个")
    assert "肩膀" in first
    await here.say(ME, "唔那个")
    alarm = await here.alarm()
    assert (alarm.facts["awake"], alarm.level) == ("unknown", 1)


@pytest.mark.parametrize("text", ["", "/sos"])
async def test_the_button_is_level_one_and_says_what_to_do(here: House, text: str) -> None:
    answer = await here.ask(ME, text, kind="sos")
    assert (await here.alarm()).level == 1
    assert "119" in answer


async def test_every_kind_has_words_and_questions_for_every_level() -> None:
    replies = Replies.load()
    for kind in EMERGENCY_KINDS:
        for language in ("zh", "en"):
            for level in (1, 2, 3):
                said = replies.render(f"emergency_{kind}_{level}", language)
                assert said.emergency
                assert any(number in said.text for number in ("120", "119", "110"))
            assert replies.has(f"alarm_kind_{kind}", language)
            for who in ("self", "other"):
                for question in (*plan().questions(kind, who), "who", "over"):
                    assert replies.has(f"emergency_{question}", language), question
                    assert replies.has(f"emergency_{question}_again", language), question


# While the alarm is open


async def test_when_nothing_is_left_to_ask_later_words_still_join(here: House) -> None:
    await here.say(ME, "救命")
    await here.say(ME, "我也说不上来")
    answer = await here.ask(ME, "门我开好了")
    assert "？" not in answer
    assert (await here.alarm()).text.endswith("门我开好了")
    assert (await here.dialogue(ME)).stack[-1].asked == "standing_by"


async def test_a_clear_other_wish_is_served_while_the_alarm_stays_open(here: House) -> None:
    await here.say(ME, "救命")
    await here.say(ME, "我也说不上来")
    await here.say(ME, "我想约理发")
    dialogue = await here.dialogue(ME)
    assert [frame.flow for frame in dialogue.stack] == ["emergency", "change_time"]
    assert "我想约理发" not in (await here.alarm()).text


async def test_a_person_who_owns_the_conversation_is_not_talked_over(here: House) -> None:
    async with here.work() as work:
        conversation = await conversations.lock(work, here.small.conversation_id)
        await conversations.own(work, conversation, "staff", "officer-1")
    first = await here.ask(ME, "我摔倒了起不来了")
    assert "120" in first
    assert "？" not in first
    assert await here.say(ME, "今天天气真不错啊") == []
    assert "天气" in (await here.alarm()).text


# Silence


async def test_silence_after_a_question_raises_the_level_and_asks_in_other_words(here: House) -> None:
    await here.say(ME, "我摔倒了起不来了")
    await here.unasked(ME)
    assert (await here.alarm()).level == 2
    await here.pass_time(seconds=44)
    assert (await here.alarm()).level == 2
    await here.pass_time(seconds=1)
    assert (await here.alarm()).level == 1
    assert any("听得到的话" in text for text in await here.unasked(ME))
    await here.pass_time(seconds=300)
    assert (await here.alarm()).level == 1
    assert len(await here.steps("no_answer")) == 3


async def test_an_answer_in_time_keeps_the_level(here: House) -> None:
    await here.say(ME, "我摔倒了起不来了")
    await here.pass_time(seconds=30)
    await here.say(ME, "没有流血")
    await here.pass_time(seconds=30)
    assert (await here.alarm()).level == 2
    assert await here.steps("no_answer") == []


async def test_a_plain_no_in_english_is_an_answer_and_not_a_cry(here: House) -> None:
    await here.say(ME, "I fell and can't get up")
    await here.say(ME, "no")
    alarm = await here.alarm()
    assert (alarm.facts["bleeding"], alarm.level) == ("no", 2)


async def test_a_silence_told_by_the_terminal_counts_at_once(here: House) -> None:
    await here.say(ME, "我摔倒了起不来了")
    await here.say(ME, "", kind="silence", channel="terminal")
    assert (await here.alarm()).level == 1


# Taking back


async def test_taken_back_ends_the_questions_and_offers_the_booking_back(here: House) -> None:
    await here.say(ME, "我想约理发")
    await here.say(ME, "救命")
    answer = await here.ask(ME, "没事了，按错了")
    alarm = await here.alarm()
    assert alarm.level == 5
    assert alarm.taken_back_at is not None
    assert alarm.state == "raised"
    assert "回个电话" in answer
    assert "约理发" in answer
    assert [frame.flow for frame in (await here.dialogue(ME)).stack] == ["change_time", "resume"]
    await here.pass_time(seconds=50)
    assert (await here.alarm()).level == 5


async def test_feeling_fine_is_asked_about_before_the_alarm_is_taken_back(here: House) -> None:
    await here.say(ME, "我摔倒了起不来了")
    answer = await here.ask(ME, "我挺好的")
    assert "不用人来" in answer
    assert (await here.alarm()).taken_back_at is None
    await here.say(ME, "好的")
    assert (await here.alarm()).taken_back_at is not None


async def test_danger_beside_a_taking_back_is_not_taken_back(here: House) -> None:
    await here.say(ME, "救命")
    await here.say(ME, "没事了，可是我老伴摔倒了起不来了")
    assert (await here.alarm()).taken_back_at is None


async def test_taking_back_what_was_never_raised_says_so(here: House) -> None:
    assert "没有您的求助" in await here.ask(ME, "没事了，按错了")
    assert await here.alarms() == []


async def test_new_danger_after_taking_back_counts_again(here: House) -> None:
    await here.say(ME, "救命")
    await here.say(ME, "没事了，按错了")
    await here.say(ME, "我摔倒了起不来了")
    alarm = await here.alarm()
    assert (alarm.kind, alarm.level) == ("fall", 2)


# Doubt


async def test_a_doubt_asks_and_is_no_alarm_yet(here: House) -> None:
    messages = await here.say(ME, "有时候胸口闷一下")
    assert await here.alarms() == []
    assert [button["payload"] for button in (messages[0].payload or {})["buttons"]] == ["/affirm", "/deny"]


@pytest.mark.parametrize("answer", ["要", "/affirm", "唔那个", "有时候胸口闷一下"])
async def test_yes_or_confusion_raises_it_with_the_first_words_kept(here: House, answer: str) -> None:
    await here.say(ME, "有时候胸口闷一下")
    await here.say(ME, answer)
    alarm = await here.alarm()
    assert alarm.level <= 3
    assert alarm.kind == "medical"
    assert alarm.text.startswith("有时候胸口闷一下")


async def test_silence_after_a_doubt_raises_level_three_and_says_why(here: House) -> None:
    await here.say(ME, "有时候胸口闷一下")
    await here.unasked(ME)
    await here.pass_time(seconds=45)
    assert (await here.alarm()).level == 3
    assert any("没听到您回答" in text for text in await here.unasked(ME))


async def test_silence_after_a_guess_of_the_intent_engine_alone_is_left_to_the_officer(
    here: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def guess(text: str) -> Reading:
        return Reading(ranking=(Intent(name="emergency", confidence=0.9),))

    monkeypatch.setattr(here.turns.parser, "read", guess)
    await here.say(ME, "你看那边的云")
    await here.unasked(ME)
    await here.pass_time(seconds=100)
    assert await here.alarms() == []
    assert await outcomes(here) == [("asked", 4), ("unanswered", 4)]
    assert (await here.dialogue(ME)).stack == []


@pytest.mark.parametrize("answer", ["不用，没事", "/deny", "不用了", "我挺好的"])
async def test_a_clear_no_is_on_record_at_level_five_without_an_alarm(here: House, answer: str) -> None:
    await here.say(ME, "我想约理发")
    await here.say(ME, "有时候胸口闷一下")
    said = await here.ask(ME, answer)
    await here.pass_time(seconds=100)
    assert await here.alarms() == []
    assert await outcomes(here) == [("asked", 4), ("denied", 5)]
    assert "约理发" in said


async def test_something_else_is_asked_about_once_more_and_then_left_to_the_officer(here: House) -> None:
    await here.say(ME, "有时候胸口闷一下")
    again = await here.ask(ME, "今天天气真不错啊")
    assert "？" in again
    await here.say(ME, "我想约理发")
    await here.pass_time(seconds=100)
    assert await here.alarms() == []
    assert await outcomes(here) == [("asked", 4), ("unanswered", 4)]
    assert [target for target, _ in await here.sent()] == ["json://officer-1"]
    assert (await here.dialogue(ME)).stack[-1].flow == "change_time"


async def test_something_else_and_then_silence_is_silence(here: House) -> None:
    await here.say(ME, "有时候胸口闷一下")
    await here.say(ME, "今天天气真不错啊")
    await here.pass_time(seconds=45)
    assert (await here.alarm()).level == 3
