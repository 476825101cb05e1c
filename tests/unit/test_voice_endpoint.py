"""When a sentence is over, when the terminal falls silent, and when a cry for help is heard (V3, V4, V5)."""

from __future__ import annotations

import numpy as np
import pytest

from voice.endpoint import Endpointer, EndReason
from voice.floor import Floor
from voice.recognizer import join_words
from voice.speaker import Utterance
from voice.spotter import HelpSpotter
from voice.vad import Activity, EnergyDetector

STEP = 1600  # 100 ms


def run(script: list[tuple[float, bool, str]]) -> tuple[EndReason | None, float]:
    """Seconds, voice or not, recognised text → the ending and when it came."""
    endpointer, passed = Endpointer(), 0
    for seconds, voice, text in script:
        for _ in range(round(seconds * 10)):
            passed += STEP
            activity = Activity(samples=STEP, voiced=STEP if voice else 0, trailing=0 if voice else STEP)
            if (reason := endpointer.feed(activity, text)) is not None:
                return reason, passed / 16_000
    return None, passed / 16_000


@pytest.mark.parametrize(
    ("script", "ending"),
    [
        ([(1.0, True, "我想约理发"), (3.0, False, "我想约理发")], ("silence", 2.3)),
        (
            [(1.0, True, "我想"), (1.1, False, "我想"), (1.0, True, "我想约"), (2, False, "我想约")],
            ("silence", 4.4),
        ),
        ([(1.0, True, "我想"), (1.1, False, "我想"), (2.0, False, "我想约")], ("silence", 2.7)),
        (
            [(0.2, True, "我"), *[(0.4, False, "我" * n) for n in range(2, 9)], (2, False, "好像")],
            ("silence", 3.6),
        ),
        ([(0.5, True, "对"), (2.0, False, "对")], ("word", 0.8)),
        (
            [(0.5, True, "不是"), (0.2, False, "不是"), (1.0, True, "不是三号楼"), (2, False, "不是三号楼")],
            ("silence", 3.0),
        ),
        ([(0.5, True, "救命")], ("help", 0.1)),
        ([(20.0, True, "从前有一个人")], ("cap", 15.0)),
        ([(20.0, False, "")], ("nothing", 8.0)),
        ([(0.5, True, ""), (20.0, False, "")], ("nothing", 8.0)),
        ([(1.0, True, "等等我"), (1.0, False, "等等我")], (None, 2.0)),
    ],
)
def test_endings(script: list[tuple[float, bool, str]], ending: tuple[EndReason | None, float]) -> None:
    reason, when = run(script)
    assert (reason, when) == (ending[0], pytest.approx(ending[1]))


def test_voice_stands_out_of_the_rooms_noise() -> None:
    random = np.random.default_rng(7)
    noise = random.normal(0, 200, 32_000)
    voice = noise[:16_000] + 4_000 * np.sin(np.arange(16_000) / 5)
    detector = EnergyDetector()
    detector.feed(noise.astype("<i2").tobytes())
    still = detector.feed(noise.astype("<i2").tobytes())
    spoken = detector.feed(voice.astype("<i2").tobytes()[:-100])
    assert still.voiced == 0
    assert still.trailing == still.samples == 32_000
    assert spoken.voiced == spoken.samples == 15_680, "the incomplete frame waits"
    assert spoken.trailing == 0


def test_help_is_reported_once_when_it_holds() -> None:
    asked: list[str] = []

    def judge(text: str) -> str | None:
        asked.append(text)
        return "danger" if "救命" in text else None

    spotter = HelpSpotter(judge)
    texts = ["就", "救命", "就没", "救命", "救命啊", "救命啊"]
    assert [spotter.feed(text) for text in texts] == [None, None, None, None, "danger", None]
    assert asked == ["就", "救命", "就没", "救命", "救命啊"], "the same words are judged once"
    spotter.restart()
    assert spotter.feed("救命", final=True) == "danger"


def test_an_emergency_keeps_the_floor() -> None:
    floor = Floor()
    floor.begin("a", Utterance(text="不要动", kind="emergency"))
    floor.begin("b", Utterance(text="今天天气"))
    assert floor.person_speaks() == ("b",)
    assert floor.speaking
    assert floor.person_speaks() == ()
    floor.ended("a")
    assert not floor.speaking


def test_recognised_words_are_joined_as_people_write_them() -> None:
    assert join_words("我 想 约 WiFi 师傅 call me back") == "我想约WiFi师傅call me back"
