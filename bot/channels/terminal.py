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
_SOON = 0.3  # seconds that Welcome waits for the recogniser; the model of the first terminal takes longer


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
        self._tasks: list[asyncio.Task[object]] = []
        self._speech: asyncio.Queue[tuple[Message, float]] = asyncio.Queue()
        self._microphone: events.Microphone = "off"
        self._cried = False
        self._at_ear = asyncio.Lock()  # an ear is asked one thing at a time

    async def welcome(self, hello: events.Hello, name: str | None, type_size: int | None) -> events.Welcome:
        self._microphone = hello.microphone
        opening = asyncio.create_task(self._open(hello.language))
        self._tasks += [opening, asyncio.create_task(self._speak_on())]
        done, _ = await asyncio.wait({opening}, timeout=_SOON)
        if not done:  # nobody's alarm waits for a model: the page goes on, and is told when it is heard
            self._tasks.append(asyncio.create_task(self._tell_of(opening)))
            return events.Welcome(hearing="loading", name=name, type_size=type_size)
        hearing, reason = opening.result()
        return events.Welcome(hearing=hearing, reason=reason, name=name, type_size=type_size)

    async def _open(self, language: events.Language) -> tuple[events.Hearing, str | None]:
        opened = await self.house.voice.recognizer.open(language)
        if isinstance(opened, Unavailable):
            return "unavailable", opened.reason
        self._ear = Ear(opened, self._danger)
        self._tasks.append(asyncio.create_task(self._hear_on()))
        return "ready", None

    async def _tell_of(self, opening: asyncio.Task[tuple[events.Hearing, str | None]]) -> None:
        hearing, reason = await opening
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self.send(events.HearingChanged(hearing=hearing, reason=reason))

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
                await self._end()
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
        await self._begin_sentence()

    async def _end(self) -> None:
        """The person let go of the button."""
        if self._ear is None:
            return
        try:
            async with self._at_ear:
                happened = await self._ear.end()
        except RecognitionFailed:
            await self._ear_failed()
            return
        await self._heard(happened)

    async def _hear_on(self) -> None:
        assert self._ear is not None
        while True:
            frame = await self._frames.get()
            try:
                async with self._at_ear:
                    happened = await self._ear.hear(frame)
                await self._heard(happened)
            except RecognitionFailed:
                await self._ear_failed()
            except (WebSocketDisconnect, RuntimeError):
                return
            except Exception:  # an ear that fails once must not be deaf from then on
                log.exception("terminal.hearing_failed")

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
                    self._cried = (
                        self._ear is not None and self._ear.attentive
                    )  # the rest of the sentence joins the alarm that this raises
                    self._begin(secrets.token_hex(8), text, "voice")
                case SentenceEnded(text=text, reason=reason):
                    await self._sentence(text, reason)

    async def _sentence(self, text: str, reason: EndReason) -> None:
        if reason == "nothing" and self._floor.speaking and not text and self._ear is not None:
            async with self._at_ear:  # the question is still being read: nobody could have answered it yet
                await self._ear.attend()
            return
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
            except Exception:  # a voice that fails once must not be silent from then on
                log.exception("terminal.speaking_failed")

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
            await self._begin_sentence()

    async def _begin_sentence(self) -> None:
        """Wait for a sentence from here on."""
        assert self._ear is not None
        try:
            async with self._at_ear:
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
