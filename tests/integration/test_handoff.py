"""Bringing a person in, what staff do, and the way back to the bot (F12, H1, H4, H5, H6, H9, C15)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from data import conversations, handoffs
from data.database import Database
from data.errors import NotFound
from data.models import Handoff, Outgoing
from data.states import IllegalMove
from flows import handoff as flow
from flows import rating
from flows.declared import Filled, Flow, Given, Slot, Verdict
from flows.engine import Engine, command_in
from flows.messages import Incoming
from flows.state import Frame
from flows.turn import Turn
from tests.small_community import Small, build, world


async def _any_words(turn: Turn, frame: Frame, given: Given) -> Verdict:
    return Filled(value=given.text)


class Form(Flow):
    """Something that can be interrupted; it borrows the words of the change of a time."""

    name = "change_time"
    intents = ("book_service",)
    slots = (Slot(name="what", ask="what_is_wrong", judge=_any_words, free=True),)

    def title(self, turn: Turn, frame: Frame) -> str:
        return "约理发"


@pytest.fixture
def engine() -> Engine:
    return Engine(flows=[*flow.FLOWS, *rating.FLOWS, Form()], asides=[])


@pytest_asyncio.fixture
async def small(database: Database) -> AsyncIterator[Small]:
    yield await build(database)


async def say(small: Small, engine: Engine, text: str) -> list[str]:
    """One message of the resident, as `bot.turn` does it; the answers."""
    async with small.work("resident") as work:
        conversation = await conversations.lock(work, small.conversation_id)
        message = await conversations.hear(
            work, conversation, external_id=None, text=text, payload=None, via="rest"
        )
        turn = Turn.outside(work, world(), conversation)
        turn.incoming = Incoming(channel="rest", sender="demo:resident-1", text=text)
        turn.message, turn.command = message, command_in(text)
        await engine.step(turn)
        return [answer.text for answer in await turn.deliver()]


async def only_handoff(small: Small) -> Handoff:
    async with small.work() as work:
        return (await handoffs.queue(work))[0]


async def owner(small: Small) -> tuple[str, str | None]:
    async with small.work() as work:
        found = await conversations.lock(work, small.conversation_id)
        return found.owner, found.staff_id


async def queued(small: Small, engine: Engine) -> str:
    await say(small, engine, "/ask_human")
    return str((await only_handoff(small)).id)


async def test_on_duty_an_answer_is_promised_within_two_minutes(small: Small, engine: Engine) -> None:
    answers = await say(small, engine, "/ask_human")
    assert len(answers) == 1
    assert "2分钟" in answers[0]
    handoff = await only_handoff(small)
    assert (handoff.state, handoff.reason) == ("queued", "asked")
    assert await owner(small) == ("queue", None)


async def test_the_bot_is_silent_until_staff_close(small: Small, engine: Engine) -> None:
    await queued(small, engine)
    assert await say(small, engine, "/book_service") == []
    assert (await small.said())[-1].text == "/book_service"


@pytest.mark.parametrize(("hour", "said"), [(22, "11月24日周二）早上8点"), (6, "11月23日周一）早上8点")])
async def test_out_of_hours_the_next_shift_is_named_with_the_emergency_numbers(
    database: Database, engine: Engine, hour: int, said: str
) -> None:
    now = datetime(2026, 11, 23, hour, tzinfo=ZoneInfo("Asia/Shanghai"))
    small = await build(database, now)
    if hour == 22:  # the lead has the night, for alarms; the officers come in the morning
        await shift(small, "lead-1", now, hours=10)
        await shift(small, "officer-2", now + timedelta(hours=10), hours=12)
    answer = (await say(small, engine, "/ask_human"))[0]
    assert said in answer
    assert all(number in answer for number in ("120", "119", "110"))


async def shift(small: Small, staff: str, starts: datetime, *, hours: int) -> None:
    from data.models import Shift

    async with small.work() as work:
        work.session.add(Shift(staff_id=staff, starts_at=starts, ends_at=starts + timedelta(hours=hours)))


async def test_without_any_shift_no_time_is_promised(database: Database, engine: Engine) -> None:
    small = await build(database, duty=False)
    answer = (await say(small, engine, "/ask_human"))[0]
    assert "分钟" not in answer
    assert "120" in answer


async def test_the_summary_says_what_was_being_done_and_what_was_said_last(
    small: Small, engine: Engine
) -> None:
    await say(small, engine, "/book_service")
    async with small.work("resident") as work:
        conversation = await conversations.lock(work, small.conversation_id)
        await conversations.hear(
            work, conversation, external_id=None, text="我耳背听不清", payload=None, via="rest"
        )
    await say(small, engine, "/ask_human")
    handoff = await only_handoff(small)
    assert handoff.summary == "最后说的是：我耳背听不清"


async def test_taking_tells_the_resident_who_it_is_and_only_one_can(small: Small, engine: Engine) -> None:
    reference = await queued(small, engine)
    async with small.work() as work:
        await flow.take(work, world(), reference, "officer-1")
    assert await owner(small) == ("staff", "officer-1")
    assert "名officer-1" in (await small.said())[-1].text
    with pytest.raises(handoffs.HandoffTaken):
        async with small.work() as work:
            await flow.take(work, world(), reference, "officer-2")
    count = len(await small.said())
    async with small.work() as work:
        await flow.take(work, world(), reference, "officer-1")
    assert len(await small.said()) == count


async def test_the_first_answer_stops_the_clock_once(small: Small, engine: Engine) -> None:
    reference = await queued(small, engine)
    first = small.clock.move(seconds=40)
    async with small.work() as work:
        message = await flow.write(work, world(), reference, "officer-1", "您好，我是李静。")
    assert message.author == "staff:officer-1"
    small.clock.move(seconds=60)
    async with small.work() as work:
        await flow.write(work, world(), reference, "officer-1", "查到了。")
    handoff = await only_handoff(small)
    assert handoff.first_answer_at == first
    assert await owner(small) == ("staff", "officer-1")
    with pytest.raises(handoffs.HandoffTaken):
        async with small.work() as work:
            await flow.write(work, world(), reference, "officer-2", "我来说两句。")
    assert (await small.said())[-1].text == "查到了。"


async def test_an_answer_goes_out_over_a_channel_that_is_pushed_to(small: Small, engine: Engine) -> None:
    async with small.work() as work:
        conversation = await conversations.enter(work, channel="telegram", sender="4711")
        handoff, _ = await handoffs.open_handoff(work, conversation, reason="asked", summary="s")
    async with small.work() as work:
        await flow.write(work, world(), str(handoff.id), "officer-1", "您好")
    async with small.work() as work:
        from sqlalchemy import select

        sent = (await work.session.scalars(select(Outgoing))).all()
    assert [(one.channel, one.target, one.body["text"]) for one in sent] == [("telegram", "4711", "您好")]


async def test_a_note_never_reaches_the_resident(small: Small, engine: Engine) -> None:
    reference = await queued(small, engine)
    before = [message.text for message in await small.said()]
    async with small.work() as work:
        await flow.note(work, reference, "officer-2", "老人耳背，说慢点")
    assert [message.text for message in await small.said()] == before
    async with small.work() as work:
        assert [note.text for note in await handoffs.notes(work, int(reference))] == ["老人耳背，说慢点"]


async def test_transfer_to_another_and_back_to_the_queue(small: Small, engine: Engine) -> None:
    reference = await queued(small, engine)
    async with small.work() as work:
        await flow.take(work, world(), reference, "officer-1")
        await flow.transfer(work, world(), reference, "officer-1", to="officer-2")
    assert await owner(small) == ("staff", "officer-2")
    with pytest.raises(handoffs.HandoffTaken):
        async with small.work() as work:
            await flow.transfer(work, world(), reference, "officer-1", to=None)
    async with small.work() as work:
        await flow.transfer(work, world(), reference, "lead-1", to=None)
    assert await owner(small) == ("queue", None)


async def test_closing_gives_the_conversation_back_and_offers_what_was_open(
    small: Small, engine: Engine
) -> None:
    await say(small, engine, "/book_service")
    reference = await queued(small, engine)
    async with small.work() as work:
        await flow.write(work, world(), reference, "officer-1", "好的")
        await flow.close(work, world(), engine, reference, "officer-1")
    assert await owner(small) == ("bot", None)
    closed, mark, offer = (await small.said())[-3:]
    assert "工作人员" in closed.text
    assert mark.payload is not None
    assert next(button["payload"] for button in mark.payload["buttons"]) == (
        f'/rate{{"score": 5, "handoff": {reference}}}'
    )
    assert "约理发" in offer.text
    with pytest.raises(IllegalMove):
        async with small.work() as work:
            await flow.close(work, world(), engine, reference, "officer-1")


async def test_the_mark_is_stored_once_even_with_a_question_open(small: Small, engine: Engine) -> None:
    await say(small, engine, "/book_service")
    reference = await queued(small, engine)
    async with small.work() as work:
        await flow.write(work, world(), reference, "officer-1", "好的")
        await flow.close(work, world(), engine, reference, "officer-1")
    assert "记下" in (await say(small, engine, f'/rate{{"score": 2, "handoff": {reference}}}'))[0]
    assert "打过分" in (await say(small, engine, f'/rate{{"score": 5, "handoff": {reference}}}'))[0]
    async with small.work() as work:
        handoff = await handoffs.get(work, reference)
    assert handoff is not None
    assert handoff.rating == 2
    assert "2" in (await say(small, engine, "/deny"))[0]  # whether to change it; it stays
    assert (await say(small, engine, "/affirm")) != []  # the offer to go on is still open


async def test_a_mark_that_fits_nothing_is_refused(small: Small, engine: Engine) -> None:
    reference = await queued(small, engine)
    async with small.work() as work:
        await flow.close(work, world(), engine, reference, "officer-1")
    for values in (f'{{"score": 6, "handoff": {reference}}}', '{"score": "5"}', '{"handoff": [1]}', ""):
        assert "对不上" in (await say(small, engine, f"/rate{values}"))[0]


async def test_nobody_answered_so_no_mark_is_asked_for(small: Small, engine: Engine) -> None:
    reference = await queued(small, engine)
    async with small.work() as work:
        await flow.close(work, world(), engine, reference, "officer-1")
    assert not any(m.payload and "/rate" in str(m.payload) for m in await small.said())


async def test_unknown_hand_overs_and_staff_are_named(small: Small, engine: Engine) -> None:
    async with small.work() as work:
        with pytest.raises(NotFound):
            await flow.take(work, world(), "999", "officer-1")
        with pytest.raises(flow.StaffUnknown):
            await flow.take(work, world(), "999", "nobody")


async def test_every_reply_of_staff_work_is_there_in_both_languages() -> None:
    replies = world().replies
    keys = {key for key in replies.keys("zh") if key.startswith(("handoff_", "person_", "case_"))}
    assert keys == {key for key in replies.keys("en") if key.startswith(("handoff_", "person_", "case_"))}
    for language in ("zh", "en"):
        for key in keys:
            for variant in replies.variants(key, language):
                assert len(variant.text) <= (75 if language == "zh" else 200), key
