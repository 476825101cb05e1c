"""Questions of knowledge in a conversation: answered with source and date, asked back in doubt, listed when unknown (F8)."""

from __future__ import annotations

from sqlalchemy import select

from data.database import Database
from data.models import Event
from tests.harness import talk, texts

ELDER = "demo:elder-1"


async def _unknown(on: object) -> int:
    async with on.work() as work:  # type: ignore[attr-defined]
        rows = (await work.session.scalars(select(Event).where(Event.topic == "knowledge"))).all()
        return sum(row.payload.get("unknown") is True for row in rows)


async def test_an_answer_names_its_source_and_date(database: Database) -> None:
    async with talk(database) as on:
        said = await on.ask(ELDER, "食堂啥时候开饭呀")
        assert "10:30" in said
        assert "社区食堂，2026-09-01" in said
        assert await _unknown(on) == 0


async def test_half_a_question_after_an_answer_is_about_the_same(database: Database) -> None:
    async with talk(database) as on:
        await on.ask(ELDER, "食堂几点开门")
        assert "60岁以上12元" in await on.ask(ELDER, "那要多少钱")


async def test_in_doubt_it_asks_and_answers_what_is_chosen(database: Database) -> None:
    async with talk(database) as on:
        asked = await on.say(ELDER, "费用怎么交")
        buttons = (asked[-1].payload or {})["buttons"]
        assert texts(asked).startswith("您是想问：")
        assert 2 <= len(buttons) <= 4
        assert buttons[-1]["title"] == "都不是"
        assert "2026" in await on.ask(ELDER, "第一个")
        assert (await on.dialogue(ELDER)).active is None


async def test_none_of_the_choices_is_listed_for_staff(database: Database) -> None:
    async with talk(database) as on:
        await on.say(ELDER, "费用怎么交")
        assert "工作人员" in await on.ask(ELDER, "都不是")
        assert await _unknown(on) == 1


async def test_another_wish_instead_of_a_choice_is_served(database: Database) -> None:
    async with talk(database) as on:
        await on.say(ELDER, "费用怎么交")
        assert "10:30" in await on.ask(ELDER, "食堂几点开门")


async def test_what_is_not_known_is_said_and_listed(database: Database) -> None:
    async with talk(database) as on:
        said = await on.ask(ELDER, "请问附近有没有电影院，票怎么买")
        assert "工作人员" in said
        assert await _unknown(on) == 1


async def test_an_english_question_gets_an_english_answer(database: Database) -> None:
    async with talk(database) as on:
        said = await on.ask("demo:stranger-en", "What time does the canteen open?")
        assert "Lunch is from 10:30" in said
