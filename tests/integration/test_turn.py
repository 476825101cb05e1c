"""One message in, one transaction, answers out: repeated, at once, failing, and before anything is ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
import pytest_asyncio
from sqlalchemy import select

from bot.communities import Communities, CommunityUnknown
from bot.turn import Turns
from data import conversations, crypto, embedded
from data.models import Alarm, Community, Conversation, Handoff, Message, Request
from flows import registry
from flows.engine import Engine
from flows.messages import Incoming
from flows.turn import Turn
from nlu.engine import Parser
from nlu.understanding import Context, Emergency, Intent
from tests.harness import Talk
from tests.standing_house import standing, sweep

ME = "demo:resident-1"


@pytest_asyncio.fixture(scope="module")
async def house(
    postgres: embedded.EmbeddedServer, template: str, keyring: crypto.Keyring
) -> AsyncIterator[Talk]:
    async with standing(postgres, template, keyring, "turn") as made:
        yield made


@pytest_asyncio.fixture
async def here(house: Talk) -> Talk:
    return await sweep(house)


def another(here: Talk, *, parser: Parser | None = None, engine: Engine | None = None) -> Turns:
    """A second process on the same database."""
    return Turns(
        database=here.database,
        clock=here.clock,
        parser=parser or here.turns.parser,
        world=here.turns.world,
        engine=engine or registry.engine(),
        timers=registry.TIMERS,
        communities=Communities(),
    )


def said(text: str, message_id: str | None = None, community: str | None = None) -> Incoming:
    return Incoming(channel="rest", sender=ME, text=text, message_id=message_id, community=community)


async def stored(here: Talk) -> Sequence[Message]:
    async with here.work() as work:
        return (await work.session.scalars(select(Message).order_by(Message.id))).all()


# The same message twice


async def test_a_message_delivered_twice_at_once_is_answered_once(here: Talk) -> None:
    other = another(here)
    answers = await asyncio.gather(
        *(turns.handle(said("我想约理发", "m1")) for turns in (here.turns, other, here.turns, other))
    )
    assert len({tuple(message.id for message in one.messages) for one in answers}) == 1
    assert sorted(one.repeated for one in answers) == [False, True, True, True]
    assert [message.author for message in await stored(here)] == ["resident", "bot"]


async def test_a_repeated_yes_books_once(here: Talk) -> None:
    await here.turns.handle(said("我想约理发，明天上午十点", "m1"))
    first = await here.turns.handle(said("好", "m2"))
    again = await here.turns.handle(said("好", "m2"))
    assert [one.text for one in again.messages] == [one.text for one in first.messages]
    async with here.work() as work:
        assert len((await work.session.scalars(select(Request))).all()) == 1


async def test_the_same_words_without_an_id_are_two_messages(here: Talk) -> None:
    first, second = await here.turns.handle(said("你好")), await here.turns.handle(said("你好"))
    assert not first.repeated
    assert not second.repeated
    assert len(await stored(here)) == 4


# Order


async def test_messages_fired_at_once_are_answered_in_the_order_they_came(here: Talk) -> None:
    """Known words are understood at once and new ones after a while; that must not let them overtake."""
    await here.turns.parser.read("你好")
    words = [("你好" if number % 2 else f"我想问问第{number}件事怎么办") for number in range(12)]
    await asyncio.gather(*(here.turns.handle(said(text)) for text in words))
    heard = [message.text for message in await stored(here) if message.author == "resident"]
    assert heard == words


async def test_twenty_at_once_through_two_processes_are_all_answered(here: Talk) -> None:
    other = another(here)
    answers = await asyncio.gather(
        *(
            (here.turns if number % 2 else other).handle(said("食堂几点开门", f"m{number}"))
            for number in range(20)
        )
    )
    assert all(answer.messages for answer in answers)
    messages = await stored(here)
    heard = [message for message in messages if message.author == "resident"]
    assert len(heard) == 20
    # One after the other: each message is followed by its own answers before the next is heard.
    for message in messages:
        if message.author == "bot":
            before = [one.id for one in heard if one.id < message.id]
            assert message.answers == before[-1]


# Faults


class FailingEngine(Engine):
    """Breaks after it has written something."""

    async def step(self, turn: Turn) -> None:
        await super().step(turn)
        raise RuntimeError("broken")


class FailingParts:
    """An intent engine, or a net, that fails."""

    name = "failing"
    ready = True

    async def classify(self, text: str) -> Sequence[Intent]:
        raise RuntimeError("no model")

    def judge(self, text: str, context: Context) -> Emergency | None:
        raise RuntimeError("no rules")


class NotReady(FailingParts):
    """An intent engine that never gets ready."""

    ready = False

    async def classify(self, text: str) -> Sequence[Intent]:
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_failing_turn_is_apologised_for_and_given_to_a_person(here: Talk) -> None:
    broken = another(here, engine=FailingEngine(registry.engine().flows.values(), ()))
    await here.turns.handle(said("我想约理发，明天上午十点"))
    answer = await broken.handle(said("好", "m2"))
    async with here.work() as work:
        handoff = (await work.session.scalars(select(Handoff))).one()
        assert not (await work.session.scalars(select(Request))).all()
    assert handoff.reason == "error"
    assert handoff.reference is not None
    assert handoff.reference in answer.messages[0].text
    assert (await broken.handle(said("好", "m2"))).repeated


async def test_a_cry_for_help_in_a_failing_turn_still_raises_an_alarm(here: Talk) -> None:
    broken = another(here, engine=FailingEngine(registry.engine().flows.values(), ()))
    answer = await broken.handle(said("救命"))
    assert "120" in answer.messages[0].text
    async with here.work() as work:
        assert len((await work.session.scalars(select(Alarm))).all()) == 1


async def test_a_failing_intent_engine_costs_no_message(here: Talk) -> None:
    parser = here.turns.parser
    turns = another(here, parser=Parser(FailingParts(), parser.net, parser.extractor))
    assert (await turns.handle(said("我想约理发"))).messages
    assert "120" in "".join(one.text for one in (await turns.handle(said("救命"))).messages)


async def test_a_failing_net_costs_no_message(here: Talk) -> None:
    parser = here.turns.parser
    turns = another(here, parser=Parser(parser.engine, FailingParts(), parser.extractor))
    assert (await turns.handle(said("我想约理发"))).messages


async def test_help_does_not_wait_for_the_engine(here: Talk) -> None:
    parser = here.turns.parser
    turns = another(here, parser=Parser(NotReady(), parser.net, parser.extractor))
    async with asyncio.timeout(20):
        answer = await turns.handle(said("救命，我摔倒了起不来"))
    assert answer.messages
    async with here.work() as work:
        assert (await work.session.scalars(select(Alarm))).one().level <= 2


# Communities


async def test_an_unknown_community_is_refused_and_nothing_written(here: Talk) -> None:
    with pytest.raises(CommunityUnknown):
        await here.turns.handle(said("你好", community="nowhere"))
    assert not await stored(here)


async def test_one_sender_in_two_communities_is_two_people(here: Talk) -> None:
    async with here.database.transaction() as session:
        session.add(Community(key="other", name="别处", zone="Asia/Shanghai", demo=False, settings={}))
    await here.turns.handle(said("我想约理发"))
    await here.turns.handle(said("你好", community="other"))
    async with here.work() as work:
        found = (await work.session.scalars(select(Conversation).order_by(Conversation.id))).all()
        assert [bool(one.resident_id) for one in found] == [True, False]
        assert len({one.community_id for one in found}) == 2
        mine = await conversations.find(work, channel="rest", sender=ME)
        assert mine is not None
        assert mine.id == found[0].id


async def test_a_long_message_keeps_its_end(here: Talk) -> None:
    long = replace(said("啊" * 9000 + "\x00\ud800救命"), message_id="long")
    assert "120" in "".join(one.text for one in (await here.turns.handle(long)).messages)
