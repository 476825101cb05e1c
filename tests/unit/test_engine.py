"""The parser joins engine, entities and net; a message that is only an answer wants nothing by itself."""

from __future__ import annotations

from collections.abc import Sequence
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
