"""A mark once for what was closed, asked for or unasked, put right, and followed up where it is low (F10, C15)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import select

from data import crypto, embedded, handoffs
from data.models import Handoff, Request
from flows import handoff as desk
from tests.harness import Talk
from tests.standing_house import standing, sweep
from tests.voices_house import ended, last, made, say, staff

ME, OTHER = "demo:resident-1", "demo:resident-2"


@pytest_asyncio.fixture(scope="module")
async def community(
    postgres: embedded.EmbeddedServer, template: str, keyring: crypto.Keyring
) -> AsyncIterator[Talk]:
    async with standing(postgres, template, keyring, "ratings") as house:
        yield house


@pytest_asyncio.fixture
async def house(community: Talk) -> Talk:
    return await sweep(community)


async def case_of(house: Talk, number: str) -> Request:
    async with house.work() as work:
        return (await work.session.scalars(select(Request).where(Request.number == number))).one()


async def test_a_mark_is_asked_for_once_when_a_repair_is_closed(house: Talk) -> None:
    case = await ended(house, ME, "家里马桶堵了", "好")
    asked = [text for text in await house.unasked(ME) if "打个分" in text]
    assert len(asked) == 1
    assert "5 分" in await say(house, ME, "5 分")  # the words of the button
    assert (await case_of(house, case.number)).rating == 5
    await say(house, ME, f'/reopen{{"request": {case.id}}}', "跳过")
    await staff(house, case.number, "accept", "on_site", "done", "close")
    assert not any("打个分" in text for text in await house.unasked(ME))


@pytest.mark.parametrize(("words", "mark"), [("四分", 4), ("3", 3), ("很满意", 5), ("给五分", 5)])
async def test_marks_in_words(house: Talk, words: str, mark: int) -> None:
    case = await ended(house, ME, "家里马桶堵了", "好")
    await say(house, ME, words)
    assert (await case_of(house, case.number)).rating == mark


async def test_praise_without_a_mark_is_kept_and_the_mark_asked_for(house: Talk) -> None:
    case = await ended(house, ME, "家里马桶堵了", "好")
    await say(house, ME, "你好")
    assert "几分" in await say(house, ME, "师傅修得不错")
    await say(house, ME, "五分")
    found = await case_of(house, case.number)
    assert (found.rating, found.details["rating_words"]) == (5, "师傅修得不错")


async def test_of_several_at_most_three_are_offered(house: Talk) -> None:
    for lines in (
        ("家里马桶堵了", "好"),
        ("楼上天天吵", "好"),
        ("送来的饭是凉的", "好"),
        ("提个建议", "食堂加点面食", "好"),
    ):
        await ended(house, ME, *lines)
    await say(house, ME, "你好")
    (question,) = await house.say(ME, "给四分")
    assert len((question.payload or {})["buttons"]) == 3
    await say(house, ME, "第三个")
    marked = [one for one in await made(house) if one.rating is not None]
    assert [(one.text, one.rating) for one in marked] == [("楼上天天吵", 4)]


async def test_what_is_named_is_meant(house: Talk) -> None:
    haircut = await ended(house, ME, "我想约明天上午十点理发", "好")
    await ended(house, ME, "家里马桶堵了", "好")
    await say(house, ME, "你好", "评价一下理发，五分")
    assert (await case_of(house, haircut.number)).rating == 5


async def test_a_second_mark_is_told_and_changed_only_after_a_yes(house: Talk) -> None:
    case = await ended(house, ME, "家里马桶堵了", "好")
    await say(house, ME, "四分")
    assert "打过分" in await say(house, ME, "给五分")
    await say(house, ME, "不改")
    assert (await case_of(house, case.number)).rating == 4
    await say(house, ME, "改成五分吧", "改")
    assert (await case_of(house, case.number)).rating == 5


async def test_after_seven_days_a_mark_stays(house: Talk) -> None:
    case = await ended(house, ME, "家里马桶堵了", "好")
    await say(house, ME, "四分")
    await house.pass_time(days=8)
    await say(house, ME, "给五分")
    assert (await case_of(house, case.number)).rating == 4


async def test_a_low_mark_counts_at_once_and_the_lead_follows_it_up(house: Talk) -> None:
    case = await ended(house, ME, "家里马桶堵了", "好")
    told = await say(house, ME, "2 分")
    follow_up = await last(house)
    assert follow_up.number in told
    assert "11月25日" in told
    assert (follow_up.kind, follow_up.staff_id) == ("complaint", "lead-1")
    assert follow_up.details["follow_up"] == case.number
    assert (await case_of(house, case.number)).rating == 2
    await say(house, ME, "师傅来晚了一个小时，水管还是滴")
    assert "来晚了" in ((await last(house)).text or "")
    assert "来晚了" in (await case_of(house, case.number)).details["rating_words"]


async def test_words_may_be_kept_back(house: Talk) -> None:
    await ended(house, ME, "家里马桶堵了", "好")
    assert "没关系" in await say(house, ME, "1 分", "不说了")


async def test_a_follow_up_is_opened_once_and_asks_for_no_mark_itself(house: Talk) -> None:
    await ended(house, ME, "家里马桶堵了", "好")
    await say(house, ME, "2 分", "不说了", "改成一分", "改")
    assert len(await made(house)) == 2
    await house.unasked(ME)
    await staff(house, (await last(house)).number, "done", "close", note="已经道歉")
    assert not any("打个分" in text for text in await house.unasked(ME))


async def test_praise_for_nothing_that_was_closed_goes_to_staff(house: Talk) -> None:
    assert "转给工作人员" in await say(house, ME, "食堂的饭菜味道真不错")
    await say(house, ME, "好")
    case = await last(house)
    assert (case.kind, case.text) == ("suggestion", "食堂的饭菜味道真不错")


async def test_a_mark_for_nothing_is_left_out(house: Talk) -> None:
    assert "对不上" in await say(house, ME, "给五分")
    assert "对不上" in await say(house, ME, '/rate{"score": 5, "request": 99999}')


async def test_nobody_marks_what_is_anothers(house: Talk) -> None:
    case = await ended(house, ME, "家里马桶堵了", "好")
    assert "对不上" in await say(house, OTHER, f'/rate{{"score": 1, "request": {case.id}}}')
    assert (await case_of(house, case.number)).rating is None


async def test_a_talk_with_staff_is_marked_the_same_way(house: Talk) -> None:
    await say(house, ME, "转人工")
    async with house.work() as work:
        reference = str((await work.session.scalars(select(Handoff.id))).one())
        await desk.write(work, house.turns.world, reference, "officer-1", "好的")
        await desk.close(work, house.turns.world, house.turns.engine, reference, "officer-1")
    await say(house, ME, "1", "等了半天没人理")
    async with house.work() as work:
        talk = await handoffs.get(work, reference)
    assert talk is not None
    assert (talk.rating, talk.rating_words) == (1, "等了半天没人理")
    assert (await last(house)).details["follow_up"] == f"handoff:{reference}"


async def test_a_mark_under_a_form_leaves_the_form(house: Talk) -> None:
    case = await ended(house, ME, "家里马桶堵了", "好")
    await say(house, ME, "我想约理发")
    assert "理发" in await say(house, ME, f'/rate{{"score": 4, "request": {case.id}}}')
    assert "什么时候" in await say(house, ME, "接着办") or "几点"
    assert (await case_of(house, case.number)).rating == 4


async def test_in_english(house: Talk) -> None:
    case = await ended(house, "demo:elder-3", "my toilet is blocked", "yes")
    await say(house, "demo:elder-3", "hello", "the plumber did a great job", "five")
    assert (await case_of(house, case.number)).rating == 5
