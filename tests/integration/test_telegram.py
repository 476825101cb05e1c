"""Telegram (N1): a real bot object, a real database, and a Bot API of our own on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import func, select, text, update

from bot.channels import telegram
from bot.channels.telegram import Pace, TelegramBot
from bot.channels.telegram_sending import Limits
from bot.house import House
from bot.outbox import Outbox
from bot.settings import Settings
from bot.voice_room import VoiceRoom, open_voice
from data import alarms, conversations, handoffs
from data.database import Database
from data.events import EventStream
from data.models import Alarm, Conversation, Message, Outgoing, Staff
from flows import handoff, staff_chat
from tests import small_community
from tests.harness import Talk, talk
from tests.telegram_server import TOKEN, TelegramServer, Trouble, flood, telegram_server
from voice.recognizer import Heard, Hearing
from voice.speaker import Language

WANG, LI, OFFICER = 4711, 4712, 4713
"""Chat ids of a known resident, of a stranger, and of a member of staff."""
SECRET = "a-secret-of-the-webhook"
QUICK = Pace(
    poll=20, first=0.01, longest=0.05, lock=0.02, idle=0.01, end=5, limits=Limits(chat=1000, overall=1000)
)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@dataclass(slots=True, kw_only=True)
class Scene:
    """A demo community whose residents write over Telegram."""

    server: TelegramServer
    talk: Talk
    voice: VoiceRoom
    running: dict[TelegramBot, asyncio.Task[None]] = field(default_factory=dict)

    def house(self, **settings: Any) -> House:
        """A process's house on the scene's database."""
        given = {"telegram_token": SecretStr(TOKEN), "telegram_api": self.server.url, **settings}
        return House(
            settings=Settings(_env_file=None, home=Path("/nonexistent"), **given),
            clock=self.talk.clock,
            database=self.talk.database,
            events=EventStream(self.talk.database),
            world=self.talk.turns.world,
            turns=self.talk.turns,
            outbox=Outbox(self.talk.database, self.talk.clock, {}),
            voice=self.voice,
        )

    async def begin(self, house: House, *, polling: bool = True, pace: Pace = QUICK) -> TelegramBot:
        """Start the channel and the outbox of a process."""
        bot = await telegram.start(house, polling=polling, pace=pace)
        assert bot is not None
        self.running[bot] = asyncio.create_task(house.outbox.run(poll=0.02))
        return bot

    async def end(self, bot: TelegramBot) -> None:
        """Stop a process."""
        outbox = self.running.pop(bot)
        outbox.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await outbox
        await bot.stop()

    async def heard(self, chat: int) -> list[Message]:
        """What the house holds of a person's own messages, in order."""
        async with self.talk.work() as work:
            conversation = await conversations.find(work, channel="telegram", sender=str(chat))
            if conversation is None:
                return []
            found = await conversations.messages_after(work, conversation, 0)
        return [message for message in found if message.author == "resident"]

    async def outgoing(self) -> list[Outgoing]:
        """All deliveries, in order."""
        async with self.talk.work() as work:
            return list((await work.session.scalars(select(Outgoing).order_by(Outgoing.id))).all())

    async def failed(self) -> list[Outgoing]:
        """All deliveries, as soon as an attempt is written down as failed."""
        async with asyncio.timeout(30):
            while True:
                found = await self.outgoing()
                if any(one.error for one in found):
                    return found

    async def hurry(self) -> None:
        """What waits for its next attempt is due now: waiting times are read, not waited for."""
        async with self.talk.work() as work:
            await work.session.execute(
                update(Outgoing).values(lease_until=func.clock_timestamp() - text("interval '1 second'"))
            )

    async def say_to(self, chat: int, words: str, **more: Any) -> None:
        """The house says something on its own account."""
        async with self.talk.work() as work:
            conversation = await conversations.enter(work, channel="telegram", sender=str(chat))
            await conversations.say(work, conversation, text=words, payload=more or None)


@pytest_asyncio.fixture
async def scene(database: Database, tmp_path: Path) -> AsyncIterator[Scene]:
    """The scene, with nothing running yet; Mrs Wang writes from a chat that is known as hers."""
    settings = Settings(_env_file=None, home=tmp_path)
    async with (
        telegram_server() as server,
        talk(database, demo=False) as talking,
        open_voice(settings) as voice,
    ):
        small = await small_community.build(database, talking.clock.now())
        made = Scene(server=server, talk=talking, voice=voice)
        async with talking.work() as work:
            conversation = await conversations.enter(work, channel="telegram", sender=str(WANG))
            conversation.resident_id = small.resident.id
        yield made
        for bot in tuple(made.running):
            await made.end(bot)


@asynccontextmanager
async def client(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A browser before the webhook."""
    app = FastAPI()
    app.include_router(telegram.build_telegram(house))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://anlin") as made:
        yield made


# A conversation


async def test_a_message_is_answered_in_its_chat(scene: Scene) -> None:
    await scene.begin(scene.house())

    await scene.server.write(WANG, "食堂几点开门？")

    await scene.server.until(lambda: scene.server.to(WANG))
    assert "10:30" in scene.server.texts(WANG)[0]
    assert "parse_mode" not in scene.server.of("sendMessage")[0].args


async def test_every_update_is_confirmed_after_its_turn(scene: Scene) -> None:
    await scene.begin(scene.house())

    sent = await scene.server.write(WANG, "你好")

    await scene.server.until(lambda: scene.server.confirmed == sent["update_id"])
    assert [message.text for message in await scene.heard(WANG)] == ["你好"]


async def test_buttons_are_pressed_and_only_the_choice_is_left(scene: Scene) -> None:
    await scene.begin(scene.house())
    long = '/choose{"time": "2026-11-24T10:00", "why": "' + "x" * 80 + '"}'
    await scene.say_to(
        WANG, "几点？", buttons=[{"title": "帮助", "payload": "/help"}, {"title": "十点", "payload": long}]
    )
    await scene.server.until(lambda: scene.server.to(WANG))
    asked = scene.server.to(WANG)[0]
    assert asked.titles() == ["帮助", "十点"]

    await scene.server.press(asked, "十点")

    await scene.server.until(lambda: scene.server.of("editMessageReplyMarkup"))
    (heard,) = await scene.heard(WANG)
    assert heard.text == long
    assert heard.payload == {"kind": "button", "title": "十点"}
    assert len(scene.server.of("answerCallbackQuery")) == 1
    await scene.server.until(lambda: len(scene.server.keyboards[WANG, asked.message_id]) == 1)
    assert scene.server.keyboards[WANG, asked.message_id][0][0]["text"] == "✓ 十点"


async def test_a_button_tapped_twice_counts_once(scene: Scene) -> None:
    await scene.begin(scene.house())
    await scene.say_to(WANG, "要吗？", buttons=[{"title": "好", "payload": "/affirm"}])
    await scene.server.until(lambda: scene.server.to(WANG))
    asked = scene.server.to(WANG)[0]

    await scene.server.press(asked, "好")
    last = await scene.server.press(asked, "好")

    await scene.server.until(lambda: scene.server.confirmed == last["update_id"])
    assert [message.text for message in await scene.heard(WANG)] == ["/affirm"]
    assert len(scene.server.of("answerCallbackQuery")) == 2


async def test_somebody_elses_button_is_not_theirs(scene: Scene) -> None:
    await scene.begin(scene.house())
    await scene.say_to(WANG, "要吗？", buttons=[{"title": "好", "payload": "/affirm"}])
    await scene.server.until(lambda: scene.server.to(WANG))

    last = await scene.server.press(scene.server.to(WANG)[0], "好", by=LI)

    await scene.server.until(lambda: scene.server.confirmed == last["update_id"])
    assert [message.text for message in await scene.heard(LI)] == [""]
    assert await scene.heard(WANG) == []


async def test_a_button_of_before_a_restart_still_works(scene: Scene) -> None:
    first = await scene.begin(scene.house())
    await scene.say_to(WANG, "要吗？", buttons=[{"title": "帮助", "payload": "/help"}])
    await scene.server.until(lambda: scene.server.to(WANG))
    await scene.end(first)
    await scene.begin(scene.house())

    await scene.server.press(scene.server.to(WANG)[0], "帮助")

    await scene.server.until(lambda: len(scene.server.to(WANG)) == 2)
    assert "报修" in " ".join(scene.server.to(WANG)[1].titles())


@pytest.mark.parametrize(
    ("content", "kind", "data", "reply"),
    [
        (
            {"photo": [{"file_id": "small", "file_unique_id": "s", "width": 9, "height": 9},
                       {"file_id": "large", "file_unique_id": "l", "width": 900, "height": 900}]},
            "image", {"ref": "large"}, "got_image",
        ),
        ({"location": {"latitude": 31.2, "longitude": 121.5}}, "location", {"lat": 31.2, "lon": 121.5}, "got_location"),
        (
            {"voice": {"file_id": "v1", "file_unique_id": "v", "duration": 3, "mime_type": "audio/ogg"}},
            "voice", {"ref": "v1", "mime_type": "audio/ogg"}, "got_voice",
        ),
        (
            {"contact": {"phone_number": "+8613800000001", "first_name": "建国", "last_name": "王", "user_id": WANG}},
            "contact", {"phone": "+8613800000001", "name": "王建国", "own": True}, "got_contact",
        ),
        (
            {"sticker": {"file_id": "st", "file_unique_id": "st", "type": "regular", "width": 1, "height": 1,
                         "is_animated": False, "is_video": False, "emoji": "👍"}},
            "sticker", {"ref": "st", "emoji": "👍"}, "got_sticker",
        ),
        ({"dice": {"emoji": "🎲", "value": 3}}, "sticker", {}, "got_sticker"),
    ],
    ids=["picture", "location", "voice", "contact", "sticker", "dice"],
)  # fmt: skip
async def test_what_has_no_words_has_an_answer(
    scene: Scene, content: dict[str, Any], kind: str, data: dict[str, Any], reply: str
) -> None:
    await scene.begin(scene.house())

    await scene.server.write(WANG, **content)

    await scene.server.until(lambda: scene.server.to(WANG))
    (heard,) = await scene.heard(WANG)
    assert heard.payload == {"kind": kind, **data}
    assert scene.server.texts(WANG)[0] == scene.talk.turns.world.replies.render(reply, "zh").text


async def test_a_pictures_caption_is_read(scene: Scene) -> None:
    await scene.begin(scene.house())
    photo = [{"file_id": "p", "file_unique_id": "p", "width": 9, "height": 9}]

    await scene.server.write(WANG, photo=photo, caption="食堂几点开门？")

    await scene.server.until(lambda: scene.server.to(WANG))
    assert "10:30" in scene.server.texts(WANG)[0]
    (heard,) = await scene.heard(WANG)
    assert heard.payload == {"kind": "image", "ref": "p", "caption": "食堂几点开门？"}


class Listener:
    """A recogniser that hears the same in every sound, and remembers how much of it there was."""

    name = "listener"

    def __init__(self, words: str) -> None:
        self.words, self.pcm = words, b""

    async def open(self, language: Language) -> Hearing:
        return self

    async def hear(self, pcm: bytes) -> Heard:
        self.pcm += pcm
        return Heard(text="", final=False)

    async def finish(self) -> Heard:
        return Heard(text=self.words, final=True)

    async def close(self) -> None:
        pass


def _recording(seconds: float) -> bytes:
    """A tone in Ogg Opus, as Telegram's voice notes are."""
    made = io.BytesIO()
    with av.open(made, mode="w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        tone = np.sin(np.arange(int(48_000 * seconds)) * 0.06) * 8_000
        frame = av.AudioFrame.from_ndarray(tone.astype(np.int16)[None, :], format="s16", layout="mono")
        frame.sample_rate = 48_000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return made.getvalue()


async def test_a_voice_note_is_listened_to(scene: Scene) -> None:
    listener = Listener("食堂几点开门")
    scene.voice = replace(scene.voice, recognizer=listener)
    scene.server.files["v1"] = _recording(1.5)
    await scene.begin(scene.house())

    await scene.server.write(WANG, voice={"file_id": "v1", "file_unique_id": "v", "duration": 2})

    await scene.server.until(lambda: scene.server.to(WANG))
    assert "10:30" in scene.server.texts(WANG)[0]
    assert len(listener.pcm) / 32_000 == pytest.approx(1.5, abs=0.1)  # seconds at 16 kHz, 16 bit


@pytest.mark.parametrize("sound", [b"", b"no sound at all"])
async def test_a_voice_note_that_is_none_has_an_answer(scene: Scene, sound: bytes) -> None:
    scene.voice = replace(scene.voice, recognizer=Listener("救命"))
    scene.server.files["v1"] = sound
    await scene.begin(scene.house())

    await scene.server.write(WANG, voice={"file_id": "v1", "file_unique_id": "v", "duration": 2})

    await scene.server.until(lambda: scene.server.to(WANG))
    assert scene.server.texts(WANG)[0] == scene.talk.turns.world.replies.render("got_voice", "zh").text


async def test_an_edited_message_is_heard_anew_and_a_moved_location_is_not(scene: Scene) -> None:
    await scene.begin(scene.house())
    written = scene.server.message(WANG, "食堂几点")
    moved = scene.server.message(WANG, location={"latitude": 1.0, "longitude": 2.0})
    await scene.server.push({"message": written})
    await scene.server.push(
        {"edited_message": {**written, "text": "食堂几点开门？", "edit_date": 1_795_000_009}}
    )

    last = await scene.server.push({"edited_message": moved})

    await scene.server.until(lambda: scene.server.confirmed == last["update_id"])
    first, second = await scene.heard(WANG)
    assert (first.text, second.text) == ("食堂几点", "食堂几点开门？")
    assert second.payload == {"kind": "edited", "edits": first.external_id}


async def test_telegrams_own_commands_are_wishes(scene: Scene) -> None:
    await scene.begin(scene.house())
    await scene.server.write(WANG, "/start")
    last = await scene.server.write(WANG, "/help@AnlinTestBot")

    await scene.server.until(lambda: scene.server.confirmed == last["update_id"])
    assert [message.text for message in await scene.heard(WANG)] == ["/greet", "/help"]
    menu = {
        call.args.get("language_code"): call.args["commands"] for call in scene.server.of("setMyCommands")
    }
    assert {row["command"] for row in menu[None]} >= {"book_service", "report_repair", "ask_human"}
    assert menu["en"] != menu[None]


async def test_a_stranger_whose_telegram_speaks_english_is_met_in_english(scene: Scene) -> None:
    await scene.begin(scene.house())

    await scene.server.write(LI, "/start", user={"language_code": "en"})

    await scene.server.until(lambda: scene.server.to(LI))
    assert scene.server.texts(LI)[0].isascii()


async def test_a_group_is_left_alone_unless_the_bot_is_meant(scene: Scene) -> None:
    await scene.begin(scene.house())
    group = {"id": -100_5, "type": "supergroup", "title": "5号楼"}
    await scene.server.write(WANG, "食堂几点开门？", chat=group)
    await scene.server.write(WANG, "@anlintestbot 食堂几点开门？", chat=group)

    last = await scene.server.write(LI, "救命，我摔倒了起不来", chat=group)

    await scene.server.until(lambda: scene.server.confirmed == last["update_id"])
    assert [message.text for message in await scene.heard(WANG)] == ["食堂几点开门？"]
    assert len(await scene.heard(LI)) == 1
    await scene.server.until(lambda: scene.server.to(WANG) and scene.server.to(LI))
    assert scene.server.to(group["id"]) == []


async def test_one_persons_messages_keep_their_order(scene: Scene) -> None:
    await scene.begin(scene.house())
    batch = [
        scene.server.update({"message": scene.server.message(WANG, f"第{number}句")}) for number in range(5)
    ]
    for one in reversed(batch):
        scene.server.updates.append(one)

    await scene.server.push_again(scene.server.update({"message": scene.server.message(LI, "你好")}))

    await scene.server.until(lambda: scene.server.confirmed >= 9_006)
    assert [message.text for message in await scene.heard(WANG)] == [f"第{number}句" for number in range(5)]


async def test_what_staff_write_is_pushed_to_the_chat(scene: Scene) -> None:
    house = scene.house()
    await scene.begin(house)
    async with house.work("resident") as work:
        conversation = await conversations.enter(work, channel="telegram", sender=str(WANG))
        opened, _ = await handoffs.open_handoff(work, conversation, reason="asked", summary="…")
        reference = str(opened.id)

    async with house.work("staff:officer-1") as work:
        await handoff.write(work, house.world, reference, "officer-1", "您好，我马上来看。")

    await scene.server.until(lambda: "您好，我马上来看。" in scene.server.texts(WANG))


# Staff on the move


@pytest_asyncio.fixture
async def told(scene: Scene) -> AsyncIterator[Scene]:
    """Officer 1 reads of an alarm of Mrs Wang in their own chat."""
    house = scene.house()
    await scene.begin(house)
    async with house.work("bot") as work:
        officer = await work.session.get_one(Staff, "officer-1")
        officer.telegram = str(OFFICER)
        conversation = await conversations.enter(work, channel="telegram", sender=str(WANG))
        alarm, _ = await alarms.raise_alarm(
            work,
            kind="fall",
            level=2,
            source="telegram",
            text="摔倒了",
            resident_id=conversation.resident_id,
            conversation_id=conversation.id,
        )
        await work.session.flush()
        assert staff_chat.tell_of_alarm(work, house.world, officer, alarm, "告警")
    await scene.server.until(lambda: scene.server.to(OFFICER))
    yield scene


async def _alarm(scene: Scene) -> Alarm:
    async with scene.talk.work() as work:
        return (await work.session.scalars(select(Alarm))).one()


async def test_staff_acknowledge_and_set_out_from_their_chat(told: Scene) -> None:
    server = told.server

    await server.press(server.to(OFFICER)[0], "我来处理")
    await server.until(lambda: len(server.to(OFFICER)) == 2)
    acknowledged = await _alarm(told)
    await server.press(server.to(OFFICER)[1], "出发了")
    await server.until(lambda: len(server.to(OFFICER)) == 3)

    assert (acknowledged.state, acknowledged.staff_id) == ("acknowledged", "officer-1")
    assert (await _alarm(told)).state == "on_way"
    assert server.to(OFFICER)[1].titles() == ["出发了", "到现场了"]
    assert server.to(OFFICER)[2].titles() == ["到现场了"]
    await server.until(lambda: len(server.to(WANG)) == 2)  # she hears both


async def test_what_cannot_be_done_any_more_is_said(told: Scene) -> None:
    server = told.server
    async with told.talk.work("staff:lead-1") as work:
        await alarms.move(
            work, (await work.session.scalars(select(Alarm))).one(), "acknowledge", staff_id="lead-1"
        )

    await server.press(server.to(OFFICER)[0], "我来处理")

    await server.until(lambda: len(server.to(OFFICER)) == 2)
    assert "值班台" in server.texts(OFFICER)[1]
    assert (await _alarm(told)).staff_id == "lead-1"


async def test_staff_pressing_twice_are_answered_once(told: Scene) -> None:
    server = told.server
    await server.press(server.to(OFFICER)[0], "我来处理")

    last = await server.press(server.to(OFFICER)[0], "我来处理")

    await server.until(lambda: server.confirmed == last["update_id"])
    assert len([one for one in await told.outgoing() if one.target == str(OFFICER)]) == 2


async def test_nobody_else_moves_an_alarm(told: Scene) -> None:
    server = told.server

    last = await server.press(server.to(OFFICER)[0], "我来处理", by=LI)

    await server.until(lambda: server.confirmed == last["update_id"])
    assert (await _alarm(told)).state == "raised"


# Nothing lost, nothing twice


async def test_what_was_committed_and_not_confirmed_is_not_answered_twice(scene: Scene) -> None:
    first = await scene.begin(scene.house())
    await scene.server.until(lambda: scene.server.polls)
    scene.server.will("getUpdates", Trouble(kind="hang"))  # the poll that would have confirmed
    sent = await scene.server.write(WANG, "你好")
    await scene.server.until(lambda: scene.server.to(WANG))
    await scene.end(first)
    assert scene.server.updates == [sent]

    await scene.begin(scene.house())

    await scene.server.until(lambda: scene.server.confirmed == sent["update_id"])
    assert len(await scene.heard(WANG)) == 1
    assert len(await scene.outgoing()) == len(scene.server.to(WANG)) == 1


async def test_a_crash_in_the_middle_of_a_turn_loses_nothing(scene: Scene) -> None:
    first = await scene.begin(scene.house(), pace=Pace(poll=20, first=0.01, end=0.01))
    async with scene.talk.database.transaction() as holding:
        found = select(Conversation.id).where(Conversation.channel == "telegram").with_for_update()
        await holding.execute(found)  # the turn waits for this row
        await scene.server.write(WANG, "你好")
        await scene.server.until(lambda: not scene.server.polls)
        await scene.end(first)
    assert await scene.heard(WANG) == []

    await scene.begin(scene.house())

    await scene.server.until(lambda: scene.server.to(WANG))
    assert [message.text for message in await scene.heard(WANG)] == ["你好"]


async def test_an_update_that_fails_comes_again_and_holds_up_nobody_else(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle, faults = scene.talk.turns.handle, iter([OSError("disk"), OSError("disk")])

    async def failing(incoming: Any) -> Any:
        if incoming.sender == str(WANG) and (fault := next(faults, None)) is not None:
            raise fault
        return await handle(incoming)

    monkeypatch.setattr(type(scene.talk.turns), "handle", lambda turns, incoming: failing(incoming))
    scene.server.updates.append(scene.server.update({"message": scene.server.message(WANG, "一")}))
    scene.server.updates.append(scene.server.update({"message": scene.server.message(LI, "二")}))
    scene.server.updates.append(scene.server.update({"message": scene.server.message(WANG, "三")}))

    await scene.begin(scene.house())

    await scene.server.until(lambda: scene.server.confirmed == 9_003)
    assert [message.text for message in await scene.heard(WANG)] == ["一", "三"]
    assert [message.text for message in await scene.heard(LI)] == ["二"]
    offsets = [call.args.get("offset") for call in scene.server.of("getUpdates")]
    assert offsets.index("9004") > offsets.index("9001")


async def test_an_update_nobody_can_read_holds_up_nothing(scene: Scene) -> None:
    scene.server.updates.append({"update_id": 9_000, "message": {"message_id": "?", "chat": 7}})
    await scene.server.write(WANG, "你好")

    await scene.begin(scene.house())

    await scene.server.until(lambda: scene.server.confirmed == 9_001)
    assert len(await scene.heard(WANG)) == 1


async def test_only_one_process_polls_and_another_takes_over(scene: Scene) -> None:
    first = await scene.begin(scene.house())
    await scene.server.until(lambda: scene.server.polls)
    second = await scene.begin(scene.house())
    await scene.server.write(WANG, "你好")
    await scene.server.until(lambda: scene.server.to(WANG))
    assert len(scene.server.of("deleteWebhook")) == 1  # what a poller does first

    await scene.end(first)
    await scene.server.write(WANG, "食堂几点开门？")

    await scene.server.until(lambda: len(scene.server.to(WANG)) == 2)
    assert scene.server.most_polls == 1
    assert second in scene.running


# Faults of the network


async def test_a_flood_limit_is_waited_for_as_long_as_it_says(scene: Scene) -> None:
    await scene.begin(scene.house())
    scene.server.will("sendMessage", flood(120))

    await scene.server.write(WANG, "你好")

    await scene.server.until(lambda: scene.server.of("sendMessage"))
    waiting = await scene.failed()
    assert (waiting[0].state, waiting[0].error) == ("pending", "flood limit")
    async with scene.talk.work() as work:
        left = await work.session.scalar(select(Outgoing.lease_until - func.clock_timestamp()))
    assert left is not None
    assert 60 < left.total_seconds() <= 120

    await scene.hurry()
    await scene.server.until(lambda: scene.server.to(WANG))
    assert len(scene.server.to(WANG)) == 1


@pytest.mark.parametrize(
    "trouble", [Trouble(kind="status"), Trouble(kind="status", status=502), Trouble(kind="close")]
)
async def test_a_message_is_sent_again_after_a_fault(scene: Scene, trouble: Trouble) -> None:
    await scene.begin(scene.house())
    scene.server.will("sendMessage", trouble)

    await scene.server.write(WANG, "你好")

    await scene.server.until(lambda: scene.server.of("sendMessage"))
    await scene.failed()
    await scene.hurry()
    await scene.server.until(lambda: scene.server.to(WANG))
    assert len(scene.server.of("sendMessage")) == 2


@pytest.mark.parametrize(
    ("status", "description"),
    [(403, "Forbidden: bot was blocked by the user"), (400, "Bad Request: chat not found")],
)
async def test_a_chat_that_is_gone_is_not_tried_again(scene: Scene, status: int, description: str) -> None:
    await scene.begin(scene.house())
    scene.server.will("sendMessage", Trouble(kind="status", status=status, description=description))

    await scene.server.write(WANG, "你好")

    await scene.server.until(lambda: scene.server.of("sendMessage"))
    (gone,) = await scene.failed()
    assert gone.state == "failed"
    assert description.split(": ")[1].lower() in (gone.error or "").lower()


async def test_polling_goes_on_after_every_kind_of_fault(scene: Scene) -> None:
    scene.server.will(
        "getUpdates",
        Trouble(kind="status"),
        Trouble(kind="close"),
        Trouble(kind="status", status=409, description="Conflict: terminated by other getUpdates request"),
        flood(0.01),
    )
    house = scene.house()
    await scene.begin(house)

    await scene.server.write(WANG, "你好")

    await scene.server.until(lambda: scene.server.to(WANG))
    assert house.optional["telegram"] == "on"


async def test_a_poll_without_an_answer_is_given_up(scene: Scene) -> None:
    scene.server.will("getUpdates", Trouble(kind="hang"))
    await scene.begin(scene.house(), pace=Pace(poll=0, grace=0.05, first=0.01, idle=0.01))

    await scene.server.write(WANG, "你好")

    await scene.server.until(lambda: scene.server.to(WANG))


async def test_a_long_text_is_sent_in_parts_and_none_twice(scene: Scene) -> None:
    await scene.begin(scene.house())
    await scene.say_to(WANG, "第一段。\n" + "长" * 5000, buttons=[{"title": "好", "payload": "/affirm"}])
    await scene.server.until(lambda: len(scene.server.to(WANG)) == 2)
    assert [bool(sent.buttons) for sent in scene.server.to(WANG)] == [False, True]

    scene.server.will("sendMessage", None, Trouble(kind="status"))
    await scene.say_to(LI, "😀" * 3000)
    await scene.failed()
    await scene.hurry()
    await scene.server.until(lambda: len(scene.server.to(LI)) == 2)
    assert "".join(scene.server.texts(LI)) == "😀" * 3000


async def test_a_picture_that_cannot_be_had_keeps_its_words(scene: Scene) -> None:
    await scene.begin(scene.house())
    wrong = Trouble(kind="status", status=400, description="Bad Request: wrong file identifier")
    await scene.say_to(WANG, "修好了", image="https://example.org/a.jpg")
    await scene.server.until(lambda: scene.server.to(WANG))
    scene.server.will("sendPhoto", wrong)
    await scene.say_to(WANG, "这是照片", image="https://example.org/b.jpg")

    await scene.server.until(lambda: len(scene.server.to(WANG)) == 2)
    assert [(sent.text, sent.photo) for sent in scene.server.to(WANG)] == [
        ("修好了", "https://example.org/a.jpg"),
        ("这是照片", None),
    ]


# At the start


async def test_without_a_token_it_is_off_and_says_why(scene: Scene) -> None:
    house = scene.house(telegram_token=None)

    assert await telegram.start(house, polling=True) is None
    assert house.optional["telegram"] == "off: set ANLIN_TELEGRAM_TOKEN"
    assert "telegram" not in house.outbox.carriers


async def test_a_refused_token_stops_nothing_and_is_tried_again(scene: Scene) -> None:
    house = scene.house()
    scene.server.token = "4242:another"
    await scene.begin(house)
    assert house.optional["telegram"].startswith("off: the token is refused")
    assert TOKEN not in house.optional["telegram"]

    scene.server.token = TOKEN

    await scene.server.write(WANG, "你好")
    await scene.server.until(lambda: scene.server.to(WANG))
    assert house.optional["telegram"] == "on"


async def test_an_api_that_does_not_answer_stops_nothing(scene: Scene) -> None:
    house = scene.house(telegram_api="http://127.0.0.1:9")
    await scene.begin(house)

    assert house.optional["telegram"].startswith("off: the Bot API does not answer")


# Webhook


async def test_a_webhook_is_answered_after_the_commit(scene: Scene) -> None:
    house = scene.house(telegram_secret=SecretStr(SECRET), public_url="https://anlin.example")
    await scene.begin(house)
    sent = scene.server.update({"message": scene.server.message(WANG, "食堂几点开门？")})

    async with client(house) as browser:
        given = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        first = await browser.post("/webhooks/telegram", json=sent, headers=given)
        heard = await scene.heard(WANG)
        again = await browser.post("/webhooks/telegram", json=sent, headers=given)

    assert (first.status_code, again.status_code) == (200, 200)
    assert len(heard) == len(await scene.heard(WANG)) == 1
    await scene.server.until(lambda: scene.server.to(WANG))
    assert len(await scene.outgoing()) == 1
    assert scene.server.webhook["url"] == "https://anlin.example/webhooks/telegram"
    assert scene.server.webhook["secret_token"] == SECRET
    assert scene.server.of("getUpdates") == []


@pytest.mark.parametrize("given", [{}, {"X-Telegram-Bot-Api-Secret-Token": "guessed"}])
async def test_a_webhook_without_the_secret_is_refused(scene: Scene, given: dict[str, str]) -> None:
    house = scene.house(telegram_secret=SecretStr(SECRET))
    await scene.begin(house)
    sent = scene.server.update({"message": scene.server.message(WANG, "你好")})

    async with client(house) as browser:
        answer = await browser.post("/webhooks/telegram", json=sent, headers=given)

    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert await scene.heard(WANG) == []


async def test_a_webhook_that_could_not_be_kept_is_sent_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = scene.house(telegram_secret=SecretStr(SECRET))
    await scene.begin(house)
    sent = scene.server.update({"message": scene.server.message(WANG, "你好")})
    given = {"X-Telegram-Bot-Api-Secret-Token": SECRET}

    async def failing(turns: Any, incoming: Any) -> Any:
        raise OSError("disk")

    async with client(house) as browser:
        with monkeypatch.context() as broken:
            broken.setattr(type(house.turns), "handle", failing)
            first = await browser.post("/webhooks/telegram", json=sent, headers=given)
        second = await browser.post("/webhooks/telegram", json=sent, headers=given)

    assert (first.status_code, second.status_code) == (503, 200)
    assert len(await scene.heard(WANG)) == 1


async def test_what_is_no_update_is_a_bad_request(scene: Scene) -> None:
    house = scene.house(telegram_secret=SecretStr(SECRET))
    await scene.begin(house)
    given = {"X-Telegram-Bot-Api-Secret-Token": SECRET}

    async with client(house) as browser:
        statuses = [
            (await browser.post("/webhooks/telegram", content=body, headers=given)).status_code
            for body in (
                b"",
                b"{",
                b"[]",
                b'{"update_id": "x"}',
                b"\xff\xfe",
                b"[" * 100_000,
                b"1" * 1_000_001,
            )
        ]

    assert statuses == [400, 400, 400, 400, 400, 400, 413]


async def test_webhooks_that_overtake_each_other_are_all_heard(scene: Scene) -> None:
    house = scene.house(telegram_secret=SecretStr(SECRET))
    await scene.begin(house)
    earlier = scene.server.update({"message": scene.server.message(WANG, "一")})
    later = scene.server.update({"message": scene.server.message(WANG, "二")})

    async with client(house) as browser:
        for sent in (later, earlier):
            given = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
            assert (await browser.post("/webhooks/telegram", json=sent, headers=given)).status_code == 200

    assert [message.text for message in await scene.heard(WANG)] == ["二", "一"]
