"""The voice itself: real sound from eSpeak NG 1.52 through pyttsx3, in processes of their own (V2, V10)."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from voice import espeak
from voice.espeak import EspeakSpeaker, PromptCache, readable, words_per_minute
from voice.speaker import SpeechFailed, Utterance

PHONEMES = """
import ctypes, sys
from voice.espeak_worker import library_version, start_engine
start_engine()
from pyttsx3.drivers import _espeak
_espeak.SetVoiceByName(b"cmn")
read = _espeak.dll.espeak_TextToPhonemes
read.restype, read.argtypes = ctypes.c_char_p, [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
print(library_version())
for line in sys.stdin:
    text, said = ctypes.c_char_p(line.strip().encode()), []
    while text.value:
        said.append(read(ctypes.byref(text), 1, 0).decode())
    print(" ".join(said))
sys.stdout.flush()
import os; os._exit(0)
"""


@pytest.fixture(scope="module")
async def speaker() -> AsyncIterator[EspeakSpeaker]:
    speaker = EspeakSpeaker()
    await speaker.start()
    yield speaker
    await speaker.close()


def phonemes(*lines: str) -> list[str]:
    """The library's version, then how it reads each line."""
    done = subprocess.run(
        [sys.executable, "-c", PHONEMES],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.splitlines()


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def pace(sound: bytes, characters: int) -> float:
    """Characters a second, without the silence before and after."""
    with wave.open(io.BytesIO(sound)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    loud = np.nonzero(np.abs(samples) > 200)[0]
    return float(characters / ((loud[-1] - loud[0]) / 22_050))


def test_the_wheels_espeak_reads_chinese_as_chinese() -> None:
    version, *read = phonemes("你好", "重庆银行", "一会儿", readable("一会儿"), readable("女儿和这儿"))
    assert version == "1.52.0"
    assert read[0].startswith("ni214X'Au214")
    assert "(en)" not in read[1]
    assert "(en)" in read[2], "the fault that espeak.yml works around; gone → the table can go"
    assert "(en)" not in read[3]
    assert "(en)" not in read[4]
    assert (readable("胸口"), readable("女儿")) == ("[[S;j'ong55]]口", "女儿")


async def test_phonemes_are_spoken_not_spelled(speaker: EspeakSpeaker) -> None:
    chest, coat = [(await speaker.speak(Utterance(text=text))).seconds for text in ("胸口疼", "领口疼")]
    assert chest == pytest.approx(coat, abs=0.35), "as English letters it takes over a second more"


def test_every_character_is_read_by_its_sound() -> None:
    common = [
        bytes([high, low]).decode("gb2312", "ignore")
        for high in range(0xB0, 0xD8)
        for low in range(0xA1, 0xFF)
    ]
    known = [character for character in common if character and "[[" not in readable(character)]
    read = phonemes(*known)[1:]
    assert len(read) == len(known) > 3_700
    assert [c for c, sound in zip(known, read, strict=True) if "(en)" in sound or not sound] == []


@pytest.mark.parametrize("rate", [2.5, 3.25, 4.5])
async def test_the_rate_is_what_was_asked_for(speaker: EspeakSpeaker, rate: float) -> None:
    text = "师傅明天下午三点半到您家,请您在家里等一等。要是有急事,您随时可以叫我。"
    speech = await speaker.speak(Utterance(text=text, rate=rate))
    assert pace(speech.wav, 32) == pytest.approx(rate, rel=0.12)


async def test_sound_is_whole_at_the_slowest_and_for_long_texts(speaker: EspeakSpeaker) -> None:
    slow = await speaker.speak(Utterance(text="请您慢慢说,不着急。" * 10, rate=1.75))
    with wave.open(io.BytesIO(slow.wav)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22_050)
        assert file.getnframes() / 22_050 == pytest.approx(slow.seconds)
    assert slow.seconds > 40


async def test_pitfalls_of_the_command_line_and_of_nothing(speaker: EspeakSpeaker) -> None:
    for text in ("-h 你好", "--version", "[[nonsense]] 你好", "'; echo", "胸口疼", "hello"):
        assert (await speaker.speak(Utterance(text=text))).seconds > 0.3
    for text in ("", "  ", "😀", "。。。"):
        assert (await speaker.speak(Utterance(text=text))).wav == b""
    english = await speaker.speak(Utterance(text="Good morning, how are you?", language="en"))
    assert 1.5 < english.seconds < 4.5


async def test_many_at_once_and_a_killed_worker(speaker: EspeakSpeaker) -> None:
    for worker in speaker._waiting:
        os.kill(worker.pid, signal.SIGKILL)
    spoken = await asyncio.gather(*(speaker.speak(Utterance(text=f"请到{n}号楼")) for n in range(6)))
    assert all(speech.seconds > 0.8 for speech in spoken)


async def test_standing_prompts_are_kept_others_never(tmp_path: Path) -> None:
    speaker = EspeakSpeaker(cache=PromptCache(tmp_path), warm=0)
    hello = Utterance(text="您好,请说。", fixed=True)
    first, second = await speaker.speak(hello), await speaker.speak(hello)
    assert (first.kept, second.kept) == (False, True)
    assert first.wav == second.wav
    assert not (await speaker.speak(Utterance(text="您好,请说。", fixed=True, rate=2.5))).kept
    kept = files(tmp_path)
    assert len(kept) == 2
    await speaker.speak(Utterance(text="王奶奶,您家是三号楼。"))
    assert files(tmp_path) == kept
    kept[0].write_bytes(b"broken")
    kept[1].write_bytes(b"broken")
    assert not (await speaker.speak(hello)).kept, "a broken file is made anew"
    await speaker.close()
    with pytest.raises(SpeechFailed):
        await speaker.speak(Utterance(text="还在吗"))


def test_the_cache_drops_what_was_used_longest_ago(tmp_path: Path) -> None:
    cache = PromptCache(tmp_path, max_bytes=250)
    paths = [cache.path(text, "cmn", 150) for text in "甲乙丙"]
    for age, path in enumerate(paths[:2]):
        cache.keep(path, bytes(100))
        os.utime(path, (1_000 + age, 1_000 + age))
    assert cache.read(paths[0]) == bytes(100)
    cache.keep(paths[2], bytes(100))
    assert [path.exists() for path in paths] == [True, False, True]


def test_pace_is_monotonous_and_bounded() -> None:
    for language in espeak.VOICES:
        paces = [words_per_minute(language, rate / 10) for rate in range(10, 80)]
        assert paces == sorted(paces)
        assert paces[0] == 80
