"""The voice terminal's end of `/terminal/ws`: what `bot.channels.live` does, and sound both ways (V1–V5)."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Sequence

import structlog
from fastapi import APIRouter, Query, WebSocket
from starlette.websockets import WebSocketDisconnect

from bot.channels.live import Live
from bot.house import House
from data import conversations
from data.models import Conversation, Message
from nlu.understanding import Context, Emergency
from voice import events
from voice.endpoint import EndReason
from voice.floor import Floor
from voice.listening import Ear, HelpHeard, SentenceEnded, SpeechBegan, WordsChanged
from voice.recognizer import RecognitionFailed, Unavailable
from voice.speaker import DEFAULT_RATE, FASTEST_RATE, SLOWEST_RATE, SpeechFailed, Utterance

log = structlog.get_logger(__name__)
_QUEUED = 100  # frames of 100 ms that may wait for the recogniser before the oldest are dropped
_QUESTION = ("？", "?")


def build_terminal(house: House) -> APIRouter:
    """The socket of the kiosk page."""
    router = APIRouter()

    @router.websocket("/terminal/ws")
    async def terminal(
        socket: WebSocket, device: str = Query(min_length=1, max_length=120, pattern=r"^[\w:.-]+$")
    ) -> None:
        await Terminal(house, socket, device).run()

    return router


class Terminal(Live):
    """One kiosk."""

    channel = "terminal"

    def __init__(self, house: House, socket: WebSocket, sender: str) -> None:
        super().__init__(house, socket, sender)
        self._ear: Ear[Emergency] | None = None
        self._floor = Floor()
        self._frames: asyncio.Queue[bytes] = asyncio.Queue(maxsize=_QUEUED)
        self._tasks: list[asyncio.Task[None]] = []
        self._speech: asyncio.Queue[tuple[Message, float]] = asyncio.Queue()
        self._microphone: events.Microphone = "off"
        self._cried = False

    async def welcome(self, hello: events.Hello, name: str | None, type_size: int | None) -> events.Welcome:
        self._microphone = hello.microphone
        opened = await self.house.voice.recognizer.open(hello.language)
        self._tasks.append(asyncio.create_task(self._speak_on()))
        if isinstance(opened, Unavailable):
            return events.Welcome(hearing="unavailable", reason=opened.reason, name=name, type_size=type_size)
        self._ear = Ear(opened, self._danger)
        self._tasks.append(asyncio.create_task(self._hear_on()))
        return events.Welcome(hearing="ready", name=name, type_size=type_size)

    async def shown(self, message: Message, fresh: bool) -> None:
        if fresh and message.author != "resident":
            self._speech.put_nowait((message, await self._pace()))

    async def sound(self, frame: bytes) -> None:
        if self._ear is None or len(frame) > 64_000:
            return
        if self._frames.full():  # the recogniser is behind: old sound is worth less than new
            self._frames.get_nowait()
        self._frames.put_nowait(frame)

    async def other(self, event: events.FromTerminal) -> None:
        match event:
            case events.Listen(on=True):
                await self._attend()
            case events.Listen(on=False):
                if self._ear is not None:
                    await self._heard(await self._ear.end())
            case events.AudioEnded(id=id_):
                self._floor.ended(id_)
            case events.MicrophoneChanged(state=state):
                self._microphone = state
            case _:
                pass

    async def closed(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
        await super().closed()
        if self._ear is not None:
            await self._ear.close()

    # The ear

    def _danger(self, text: str) -> Emergency | None:
        """The emergency net on what is understood so far, whatever state the conversation is in (V5)."""
        judged = self.house.turns.parser.judge(text, Context(now=self.house.clock.now()))
        return judged if judged is not None and judged.level <= 3 else None

    async def _attend(self) -> None:
        """The person wants to speak: fall silent and wait for a sentence (V4)."""
        await self._fall_silent()
        if self._ear is None:
            await self.send(events.Listening(on=False))
            return
        try:
            overheard = await self._ear.attend()
        except RecognitionFailed:
            await self._ear_failed()
            return
        await self.send(events.Listening(on=True))
        await self._heard(overheard)

    async def _hear_on(self) -> None:
        assert self._ear is not None
        while True:
            frame = await self._frames.get()
            try:
                happened = await self._ear.hear(frame)
            except RecognitionFailed:
                await self._ear_failed()
                continue
            await self._heard(happened)

    async def _heard(
        self, happened: Sequence[SpeechBegan | WordsChanged | HelpHeard[Emergency] | SentenceEnded]
    ) -> None:
        for event in happened:
            match event:
                case SpeechBegan():
                    await self._fall_silent()
                case WordsChanged(text=text):
                    await self.send(events.Caption(text=text))
                case HelpHeard(text=text):
                    self._cried = True  # the rest of the sentence joins the alarm that this raises
                    self._begin(secrets.token_hex(8), text, "voice")
                case SentenceEnded(text=text, reason=reason):
                    await self._sentence(text, reason)

    async def _sentence(self, text: str, reason: EndReason) -> None:
        await self.send(events.Listening(on=False, reason=reason))
        await self.send(events.Caption(text=""))
        if text:
            self._begin(secrets.token_hex(8), text, "voice")
        elif not self._cried:
            await self.send(events.Fault(code="heard_nothing"))
        self._cried = False

    async def _ear_failed(self) -> None:
        log.warning("terminal.recognition_failed")
        await self.send(events.Listening(on=False))
        await self.send(events.Fault(code=RecognitionFailed.code))

    # The voice

    async def _pace(self) -> float:
        """How fast this person is spoken to; kept for them since they last said "slower" (C7)."""
        async with self.house.work("resident") as work:
            conversation = await work.session.get(Conversation, self._conversation)
            if conversation is None:
                return DEFAULT_RATE
            kept = conversation.state.get("preferences", {})
            if conversation.resident_id is not None:
                resident, _ = await conversations.with_home(work, conversation.resident_id)
                kept = resident.preferences
        return min(FASTEST_RATE, max(SLOWEST_RATE, float(kept.get("speech_rate", DEFAULT_RATE))))

    async def _speak_on(self) -> None:
        """Read aloud what was said, in order; after a question, listen for the answer."""
        while True:
            message, rate = await self._speech.get()
            try:
                await self._read_aloud(message, rate)
            except SpeechFailed:
                await self.send(events.Fault(code=SpeechFailed.code))
            except (WebSocketDisconnect, RuntimeError):
                return

    async def _read_aloud(self, message: Message, rate: float) -> None:
        payload = message.payload or {}
        text = str(payload.get("speech") or message.text)
        utterance = Utterance(
            text=text,
            language=self.language,
            rate=rate,
            kind="emergency" if payload.get("kind") == "emergency" else "ordinary",
        )
        speech = await self.house.voice.speaker.speak(utterance)
        if not speech.wav:
            return
        name = secrets.token_hex(6)
        self._floor.begin(name, utterance)
        audio = events.Audio(id=name, message=str(message.id), interruptible=utterance.interruptible)
        await self.send(audio, speech.wav)
        asks = self._speech.empty() and text.rstrip().endswith(_QUESTION)
        if asks and self._ear is not None and self._microphone == "on" and not self._ear.attentive:
            try:
                overheard = await self._ear.attend()
            except RecognitionFailed:
                await self._ear_failed()
                return
            await self.send(events.Listening(on=True))
            await self._heard(overheard)

    async def _fall_silent(self) -> None:
        stopped = self._floor.person_speaks()
        if stopped:
            await self.send(events.StopAudio(ids=stopped))
