"""Anything in any order: whatever is said or pressed, the promises of a conversation hold."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from data import conversations, crypto, embedded
from data.models import Handoff, Message, Request
from flows import handoff
from flows.state import Dialogue
from tests.harness import Talk, texts
from tests.standing_house import standing, sweep

ME = "demo:resident-1"
TURNS = 45
DEEPEST = 7  # four that wait, one that is active, a question about going on, an alarm
SAYINGS = (
    *("我想约理发", "帮我订午饭", "我想约家庭保洁，后天上午九点", "两份", "明天上午十点", "后天", "十一点半"),
    *("我家水管漏了", "楼道灯不亮", "5号楼1单元1203", "不是5号楼，是6号楼", "每天早上八点提醒我吃药"),
    *("我的预约怎么样了", "把理发改到后天下午三点", "刚才那个不要了", "我头有点晕", "食堂几点开门"),
    *("帮我买火车票", "火星上有什么", "你好", "谢谢", "再说一遍", "慢点说", "大点声", "跳过", "算了，不弄了"),
    *("好", "不用", "不对", "是的", "好的谢谢", "呜噜呜噜", "", "？？", "yes", "改时间", "不约了", "五十份"),
    *(
        "/affirm",
        "/deny",
        "/stop",
        "/skip",
        "/book_service",
        "/report_repair",
        "/old_button",
        '/choose{"time": 3}',
    ),
)
CONFIRMED = {("booking", "confirm"), ("repair", "confirm"), ("repair", "same")}
"""Where a yes makes something that stays: after the read-back, or "me too" on what stands."""


@pytest_asyncio.fixture(scope="module")
async def house(
    postgres: embedded.EmbeddedServer, template: str, keyring: crypto.Keyring
) -> AsyncIterator[Talk]:
    async with standing(postgres, template, keyring, "random_dialogues") as made:
        yield made


async def count(here: Talk) -> int:
    async with here.work() as work:
        return (
            await work.session.scalar(
                select(func.count()).select_from(Request).where(Request.kind.in_(("booking", "repair")))
            )
        ) or 0


def pressed(last: list[Message], chance: random.Random) -> str:
    """A button that is shown, or something said."""
    shown = [button["payload"] for message in last for button in (message.payload or {}).get("buttons", ())]
    return chance.choice(shown) if shown and chance.random() < 0.3 else chance.choice(SAYINGS)


def parked(here: Talk, dialogue: Dialogue) -> list[str]:
    """What was begun and would be offered back, each by its beginning."""
    flows = here.turns.engine.flows
    return [f"{frame.flow} {frame.since}" for frame in dialogue.stack if flows[frame.flow].parks]


def explained(here: Talk, flow: str, last: list[Message]) -> bool:
    """Whether what was said tells that something beneath was left or given up."""
    replies, said = here.turns.world.replies, texts(last)
    words = [
        variant.text.split("{")[0][:6]
        for key in (f"{flow}_cancelled", "parked_given_up")
        for language in ("zh", "en")
        if replies.has(key, language)
        for variant in replies.variants(key, language)
    ]
    return any(word and word in said for word in words)


async def back_to_the_bot(here: Talk) -> None:
    """Staff have closed what they had."""
    async with here.work() as work:
        (queued,) = (await work.session.scalars(select(Handoff).where(Handoff.state != "closed"))).all()
        await handoff.take(work, here.turns.world, str(queued.id), "officer-1")
        await handoff.close(work, here.turns.world, here.turns.engine, str(queued.id), "officer-1")


@pytest.mark.parametrize("seed", range(3))
async def test_the_promises_hold_whatever_is_said(house: Talk, seed: int) -> None:
    here = await sweep(house)
    chance = random.Random(seed)
    story: list[str] = []
    last: list[Message] = []
    for _ in range(TURNS):
        here.clock.move(seconds=20)
        before, had = await here.dialogue(ME), await count(here)
        line = pressed(last, chance)
        last = await here.say(ME, line)
        after = await here.dialogue(ME)
        story.append(f"> {line}\n{texts(last)}")
        told = "\n".join(story[-6:])

        async with here.work() as work:
            conversation = await conversations.find(work, channel="rest", sender=ME)
            assert conversation is not None
            owner = conversation.owner
            broken = await work.session.scalar(select(Handoff.id).where(Handoff.reason == "error").limit(1))
        assert broken is None, told
        assert last or owner != "bot", told

        made = await count(here)
        top = before.active
        assert made <= had + 1, told
        if made > had:
            assert top is not None, told
            assert (top.flow, top.asked) in CONFIRMED, told

        assert len(after.stack) <= DEEPEST, told
        assert all(frame.asked for frame in after.stack[-1:]) or owner != "bot", told
        was = parked(here, before)
        for frame in set(was[:-1]) - set(parked(here, after)):
            assert explained(here, frame.split()[0], last), f"{frame} vanished\n{told}"
        if owner != "bot":
            await back_to_the_bot(here)
    await here.say(ME, "转人工")
    assert (await owner_of(here)) != "bot", "\n".join(story[-6:])


async def owner_of(here: Talk) -> str:
    async with here.work() as work:
        conversation = await conversations.find(work, channel="rest", sender=ME)
        assert conversation is not None
        return conversation.owner
