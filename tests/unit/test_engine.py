"""The parser joins engine, entities and net; a message that is only an answer wants nothing by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from nlu.emergency import EmergencyNet
from nlu.engine import Parser, language_of
from nlu.extractors import Extractors
from nlu.understanding import Context, Intent

NOW = Context(now=datetime(2026, 11, 22, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai")))


class Certain:
    """An engine that is always sure of the same thing."""

    name = "certain"

    async def classify(self, text: str) -> Sequence[Intent]:
        return (Intent(name="emergency", confidence=1.0), Intent(name="greet", confidence=0.5))


PARSER = Parser(Certain(), EmergencyNet(), Extractors())


@pytest.mark.parametrize(
    "text", ["1203", "5号楼1单元1203", "明天上午十点", "13812345678", "80", "5号楼,1203。"]
)
async def test_a_bare_answer_wants_nothing_by_itself(text: str) -> None:
    understood = await PARSER.parse(text, NOW)
    assert [intent.confidence for intent in understood.ranking] == [0.3, 0.15]


@pytest.mark.parametrize("text", ["5号楼着火了", "120", "救命", "。。。", "明天去不了"])
async def test_words_and_cries_keep_what_they_mean(text: str) -> None:
    understood = await PARSER.parse(text, NOW)
    assert understood.intent.confidence == 1.0 or understood.emergency is not None


@pytest.mark.parametrize(
    ("text", "language"), [("hello", "en"), ("你好 ok", "zh"), ("120", "zh"), ("", "zh"), ("3-2-501", "zh")]
)
def test_the_language_of_a_message(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize("spot", ["老锅炉房边上", "桥洞底下那排平房", "凉亭后面", "behind the old gate"])
async def test_a_spot_told_when_where_was_asked_wants_nothing_by_itself(spot: str) -> None:
    asked = await PARSER.parse(spot, replace(NOW, expecting="slot", slot="place"))
    unasked = await PARSER.parse(spot, NOW)
    assert asked.intent.confidence < 0.5 < unasked.intent.confidence


@pytest.mark.parametrize(
    "more", ["楼下有人打架了", "门口着火了", "那边的灯坏了", "里面没人", "please help, he is outside"]
)
async def test_what_tells_more_than_a_spot_keeps_its_intent(more: str) -> None:
    asked = await PARSER.parse(more, replace(NOW, expecting="slot", slot="place"))
    assert asked.intent.confidence > 0.5
