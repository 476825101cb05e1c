"""A conversation over a WebSocket, for the chat page and the voice terminal: what is said goes out as it is committed,
and a client that comes back catches up from its cursor (N2).

The messages are those of `voice.events`; this module speaks all but the sound.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import cast

import structlog
from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from bot.house import House
from data import alarms, conversations
from data.errors import AnlinError
from data.events import Change
from data.models import Alarm as AlarmRow
from data.models import Conversation, Message, Staff
from data.work import Work
from flows.messages import Incoming, Kind
from nlu.understanding import Context
from voice import events

log = structlog.get_logger(__name__)
_PAGE = 100  # messages sent in one go
_REMEMBERED = 30  # messages shown to a client that comes without a cursor
_JUST_NOW = timedelta(
    minutes=2
)  # what was said while the connection was lost is news for so long, not history
_ALARM_SHOWN = timedelta(
    hours=12
)  # how long after its end a client that comes back is told how an alarm stands
_LONGEST_ID = 200


class Live:
    """One open socket of one person. `run` returns when it closes."""

    channel = "web"

    def __init__(self, house: House, socket: WebSocket, sender: str) -> None:
        self.house = house
        self.socket = socket
        self.sender = sender
        self.language: events.Language = "zh"
        self._conversation: int | None = None
        self._cursor = 0
        self._writing = asyncio.Lock()
        self._fetching = asyncio.Lock()
        self._turns: set[asyncio.Task[None]] = set()
        self._last: asyncio.Task[None] | None = None
        self._alarm_told: events.Alarm | None = None

    async def run(self) -> None:
        """Serve the socket until either side closes it."""
        await self.socket.accept()
        try:
            hello = await self._hello()
            if hello is None:
                return
            cursor = await self.house.events.cursor()
            await self._welcome(hello)
            await self._serve(self._listen(), self._follow(cursor))
        except WebSocketDisconnect:
            pass
        except RuntimeError:  # Starlette's word for a socket that closed while something was being sent
            if self.socket.application_state is WebSocketState.CONNECTED:
                raise
        finally:
            await self.closed()
            if self.socket.client_state is WebSocketState.CONNECTED:
                with contextlib.suppress(RuntimeError):
                    await self.socket.close()

    async def _serve(self, *parts: Coroutine[None, None, None]) -> None:
        """Until one part ends or fails: half a connection would look like one that works; a closed one comes back."""
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for task, end in zip(tasks, ended, strict=True):
            if task in done and isinstance(end, BaseException):
                raise end

    # What a terminal adds

    async def welcome(self, hello: events.Hello, name: str | None, type_size: int | None) -> events.Welcome:
        """The answer to Hello."""
        return events.Welcome(hearing="unavailable", reason="off", name=name, type_size=type_size)

    async def shown(self, message: Message, fresh: bool) -> None:
        """A message was sent to the client; `fresh`: it was said just now, not caught up."""

    async def sound(self, frame: bytes) -> None:
        """A binary frame came."""

    async def other(self, event: events.FromTerminal) -> None:
        """A message that only a terminal sends."""

    async def closed(self) -> None:
        """The socket is going."""
        for turn in tuple(self._turns):
            with contextlib.suppress(Exception):
                await turn

    # In

    async def _hello(self) -> events.Hello | None:
        while True:
            event = await self._receive()
            if isinstance(event, events.Hello):
                self.language = event.language
                return event
            await self.send(events.Fault(code="hello_first"))

    async def _receive(self) -> events.FromTerminal | None:
        frame = await self.socket.receive()
        if frame["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(frame.get("code", 1000))
        if frame.get("bytes") is not None:
            await self.sound(frame["bytes"])
            return None
        try:
            return events.decode_from_terminal(frame.get("text") or "")
        except events.BadEvent as error:
            await self.send(events.Fault(code=error.code))
            return None

    async def _listen(self) -> None:
        while True:
            event = await self._receive()
            match event:
                case None:
                    continue
                case events.Ping():
                    await self.send(events.Pong())
                case (
                    events.Say(id=id_)
                    | events.Press(id=id_)
                    | events.Sos(id=id_)
                    | events.SosTakenBack(id=id_)
                ) if not _storable(id_):
                    await self.send(events.Fault(code=events.BadEvent.code))
                case events.Say(id=id_, text=text):
                    self._begin(id_, text, "text")
                case events.Press(id=id_, payload=payload, title=title):
                    self._begin(id_, payload, "button", title)
                case events.Sos(id=id_):
                    self._begin(id_, "/sos", "sos", "SOS")
                case events.SosTakenBack(id=id_):
                    self._begin(id_, "/emergency_cancel", "button")
                case events.Hello(language=language):
                    self.language = language
                case _:
                    await self.other(event)

    def _begin(self, message_id: str, text: str, kind: Kind, title: str | None = None) -> None:
        before = None if kind == "sos" or self._urgent(text) else self._last
        task = asyncio.create_task(self._in_turn(before, message_id, text, kind, title))
        self._last = task
        self._turns.add(task)
        task.add_done_callback(self._turns.discard)

    def _urgent(self, text: str) -> bool:
        judged = self.house.turns.parser.judge(text, Context(now=self.house.clock.now()))
        return judged is not None and judged.level <= 3

    async def _in_turn(
        self, before: asyncio.Task[None] | None, message_id: str, text: str, kind: Kind, title: str | None
    ) -> None:
        """In the order in which things were said; only a call for help waits for nothing (E1)."""
        if before is not None:
            await asyncio.wait({before})
        await self.say(message_id, text, kind, title)

    async def say(self, message_id: str, text: str, kind: Kind, title: str | None = None) -> None:
        """A turn; the client is told that it is kept only after the commit. `title`: what stood on a pressed button."""
        try:
            answered = await self.house.turns.handle(
                Incoming(
                    channel=self.channel,
                    sender=self.sender,
                    text=text,
                    message_id=message_id,
                    kind=kind,
                    data={"title": _printable(title)[:200]} if title else {},
                )
            )
        except Exception:
            log.exception("live.turn_failed", channel=self.channel)
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await self.send(events.Fault(code="not_taken"))
            return
        self._conversation = answered.conversation_id
        self.house.outbox.wake()
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await self.send(events.Taken(id=message_id))
            await self._fetch(fresh=True)

    # Out

    async def send(self, event: events.ToTerminal, sound: bytes | None = None) -> None:
        """One message, with its sound right behind it; never interleaved with another."""
        async with self._writing:
            await self.socket.send_text(events.encode(event))
            if sound is not None:
                await self.socket.send_bytes(sound)

    async def _welcome(self, hello: events.Hello) -> None:
        name, type_size = None, None
        async with self.house.work("resident") as work:
            conversation = await conversations.find(work, channel=self.channel, sender=self.sender)
            if conversation is None:
                try:
                    conversation = await conversations.enter(work, channel=self.channel, sender=self.sender)
                    conversation.language = hello.language
                except AnlinError as error:
                    await self.send(events.Fault(code=error.code))
                    raise WebSocketDisconnect(1011) from error
            self._conversation = conversation.id
            if conversation.resident_id is not None:
                resident, _ = await conversations.with_home(work, conversation.resident_id)
                name, type_size = resident.name, resident.preferences.get("type_size")
            last = await conversations.last_id(work, conversation.id)
            after = hello.after or ""
            came_back = after.isascii() and after.isdigit() and len(after) < 19
            if came_back:
                self._cursor = min(int(after), last)
            else:
                latest = await conversations.recent(work, conversation.id, _REMEMBERED)
                self._cursor = latest[0].id - 1 if latest else last
        await self.send(await self.welcome(hello, name, type_size))
        await self._fetch(fresh=False, came_back=came_back)
        await self._latest_alarm()

    async def _follow(self, cursor: int) -> None:
        topics = {"message", "alarm"}
        async with contextlib.aclosing(self.house.events.follow(cursor, topics=topics)) as changes:
            async for change in changes:
                if change.topic == "message" and change.subject == f"conversation:{self._conversation}":
                    await self._fetch(fresh=True)
                elif change.topic == "alarm":
                    await self._alarm(change)

    async def _fetch(self, *, fresh: bool, came_back: bool = False) -> None:
        """Send what was said since the cursor, in order, once. `came_back`: what was missed just now is fresh as well."""
        if self._conversation is None:
            return
        async with self._fetching:
            while True:
                async with self.house.work("resident") as work:
                    conversation = await work.session.get(Conversation, self._conversation)
                    assert conversation is not None
                    found: Sequence[Message] = await conversations.messages_after(
                        work, conversation, self._cursor, limit=_PAGE
                    )
                    zone = work.zone
                for message in found:
                    self._cursor = message.id
                    await self.send(_shown(message, zone_iso=message.at.astimezone(zone).isoformat()))
                    just_now = came_back and self.house.clock.now() - message.at < _JUST_NOW
                    await self.shown(message, fresh or just_now)
                if len(found) < _PAGE:
                    return

    async def _alarm(self, change: Change) -> None:
        reference = change.subject.removeprefix("alarm:")
        async with self.house.work("resident") as work:
            alarm = await alarms.get(work, reference)
            conversation = await work.session.get(Conversation, self._conversation)
            if alarm is None or conversation is None:
                return
            mine = alarm.conversation_id == conversation.id or (
                alarm.resident_id is not None and alarm.resident_id == conversation.resident_id
            )
            if not mine:
                return
            event = await self._standing(work, alarm)
        await self._tell_alarm(event)

    async def _tell_alarm(self, event: events.Alarm) -> None:
        """Each step of the ladder is news of the same alarm: the client hears only what changes for the person."""
        if event != self._alarm_told:
            self._alarm_told = event
            await self.send(event)

    async def _latest_alarm(self) -> None:
        """How the alarm of this home stands: it may have moved while the client was away."""
        async with self.house.work("resident") as work:
            conversation = await work.session.get_one(Conversation, self._conversation)
            alarm = await alarms.latest_of(
                work, resident_id=conversation.resident_id, conversation_id=conversation.id
            )
            if alarm is None or (
                alarm.resolved_at is not None and work.now - alarm.resolved_at > _ALARM_SHOWN
            ):
                return
            event = await self._standing(work, alarm)
        await self._tell_alarm(event)

    async def _standing(self, work: Work, alarm: AlarmRow) -> events.Alarm:
        taken_back = alarm.taken_back_at is not None and alarm.state == "raised"
        staff = await work.session.get(Staff, alarm.staff_id) if alarm.staff_id is not None else None
        return events.Alarm(
            state="taken_back" if taken_back else cast(events.AlarmState, alarm.state),
            number=alarm.number,
            who=staff.name if staff is not None else None,
        )


def _printable(text: str) -> str:
    """Without control characters and half characters: some stores refuse them."""
    return "".join(character for character in text if character.isprintable())


def _storable(message_id: str) -> bool:
    return 0 < len(message_id) <= _LONGEST_ID and message_id.isprintable()


def _shown(message: Message, *, zone_iso: str) -> events.Message:
    payload = message.payload or {}
    speaker: events.Speaker = (
        "resident"
        if message.author == "resident"
        else "staff"
        if message.author.startswith("staff:")
        else "bot"
    )
    return events.Message(
        id=message.external_id or str(message.id),
        cursor=str(message.id),
        speaker=speaker,
        text=payload.get("title") or message.text,
        at=zone_iso,
        buttons=tuple(
            events.Button(title=button["title"], payload=button["payload"])
            for button in payload.get("buttons", ())
        ),
        emergency=payload.get("kind") == "emergency",
    )
