"""One terminal's ear: sound goes in, and out come words, the end of a sentence, and cries for help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from voice.endpoint import Endpointer, EndReason
from voice.recognizer import SAMPLE_RATE, Hearing, RecognitionFailed
from voice.spotter import HelpSpotter
from voice.vad import EnergyDetector, VoiceDetector

Judgement = TypeVar("Judgement")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechBegan:
    """The person has started to speak: time to fall silent (voice/floor.py). Once an utterance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsChanged:
    """What was understood so far, for the caption."""

    text: str  # replaces the caption before


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpHeard(Generic[Judgement]):
    """A cry for help, before the sentence is over. Once an utterance; the sentence still follows."""

    text: str  # what was understood when it was noticed
    judgement: Judgement  # what the emergency net said


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceEnded:
    """The utterance is over."""

    text: str  # "" when nothing was said or understood
    reason: EndReason
    confidence: float | None  # 0–1, if the recogniser tells


class Ear(Generic[Judgement]):
    """Puts recogniser, voice detector, endpointer and spotter together, for one connection.

    Two ways of listening: *attentive*, after the person pressed the button or was asked something, in which sentences end
    and are answered; and *on guard*, the rest of the time, in which nothing leaves this room but cries for help (V5).
    """

    def __init__(
        self,
        hearing: Hearing,
        judge: Callable[[str], Judgement | None],
        *,
        endpointer: Endpointer | None = None,
        detector: VoiceDetector | None = None,
        voice_to_interrupt: float = 0.2,
    ) -> None:
        """`voice_to_interrupt`: seconds of voice in an utterance that count as the person speaking, not a knock."""
        self._hearing = hearing
        self._spotter = HelpSpotter(judge)
        self._endpointer = endpointer or Endpointer()
        self._detector = detector or EnergyDetector()
        self._enough_voice = voice_to_interrupt * SAMPLE_RATE
        self._attentive = False
        self._voiced = 0
        self._began = False
        self._text = ""

    @property
    def attentive(self) -> bool:
        """Whether a sentence is being waited for."""
        return self._attentive

    async def attend(self) -> list[HelpHeard[Judgement]]:
        """Begins to wait for a sentence; what was overheard before is not part of it, unless it was a cry for help.
        Raises RecognitionFailed."""
        if self._attentive:
            return []
        overheard = [event for event in await self._finish("silence") if isinstance(event, HelpHeard)]
        self._attentive = True
        return overheard

    async def end(self) -> list[SentenceEnded | HelpHeard[Judgement]]:
        """The person let go of the button: the sentence is what was said until now. Raises RecognitionFailed."""
        return await self._finish("silence") if self._attentive else []

    async def hear(
        self, pcm: bytes
    ) -> list[SpeechBegan | WordsChanged | HelpHeard[Judgement] | SentenceEnded]:
        """Takes sound of any length; gives what happened, in order. Raises RecognitionFailed."""
        events: list[SpeechBegan | WordsChanged | HelpHeard[Judgement] | SentenceEnded] = []
        activity = self._detector.feed(pcm)
        heard = await self._hearing.hear(pcm)
        self._voiced += activity.voiced
        if self._attentive and not self._began and (self._voiced >= self._enough_voice or heard.text):
            self._began = True
            events.append(SpeechBegan())
        if heard.text != self._text:
            self._text = heard.text
            if self._attentive:
                events.append(WordsChanged(text=heard.text))
        if (judgement := self._spotter.feed(heard.text)) is not None:
            events.append(HelpHeard(text=heard.text, judgement=judgement))
        reason = self._endpointer.feed(activity, heard.text)
        if reason is not None:
            events.extend(await self._finish(reason))
        return events

    async def close(self) -> None:
        """Frees the recogniser's session."""
        await self._hearing.close()

    async def _finish(self, reason: EndReason) -> list[SentenceEnded | HelpHeard[Judgement]]:
        events: list[SentenceEnded | HelpHeard[Judgement]] = []
        try:
            heard = await self._hearing.finish()
        except RecognitionFailed:
            self._fresh()
            raise
        if (judgement := self._spotter.feed(heard.text, final=True)) is not None:
            events.append(HelpHeard(text=heard.text, judgement=judgement))
        if self._attentive:
            events.append(SentenceEnded(text=heard.text, reason=reason, confidence=heard.confidence))
        self._attentive = False
        self._fresh()
        return events

    def _fresh(self) -> None:
        self._endpointer.restart()
        self._spotter.restart()
        self._voiced = 0
        self._began = False
        self._text = ""
