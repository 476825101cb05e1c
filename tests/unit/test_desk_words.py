"""Every word the desk asks for exists, and every word that exists is used or belongs to a group of the data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.desk.visit import ALL_KINDS, PLACES
from bot.desk.words import LANGUAGES, words
from data import alarms, handoffs, requests
from flows.emergency_plan import plan

DESK = Path(__file__).parents[2] / "bot" / "desk"
ASKED = re.compile(r'say\(\s*"([a-z_]+\.[a-z_]+)"')


def asked() -> set[str]:
    return {key for path in DESK.glob("*.py") for key in ASKED.findall(path.read_text("utf-8"))}


def test_every_key_in_the_code_has_words() -> None:
    assert len(asked()) > 80
    assert asked() <= words("zh").keys


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_kind_move_and_code_has_words(language: str) -> None:
    say = words(language)
    machines = [*requests.MACHINES.values(), handoffs.MACHINE, alarms.MACHINE]
    wanted = {f"state.{state}" for one in machines for state in one.states}
    wanted |= {f"move.{move}" for one in requests.MACHINES.values() for move in one.moves}
    wanted |= {f"alarm.{move}" for move in alarms.MACHINE.moves}
    wanted |= {f"alarm.do_{move}" for move in alarms.MACHINE.moves}
    wanted |= {f"code.{code}" for code in alarms.CODES}
    wanted |= {f"kind.{kind}" for kind in plan().asked} | {f"case.{kind}" for kind in ALL_KINDS}
    wanted |= {f"level.{level}" for level in range(1, 6)} | {f"role.{role}" for role in PLACES}
    wanted |= {f"app.{place}" for places in PLACES.values() for place in places}
    asked_of = {each for by_who in plan().asked.values() for order in by_who.values() for each in order}
    wanted |= {f"ask.{question}" for question in asked_of | set(plan().signals.values())}
    for key in wanted:
        assert say(key).strip()


def test_placeholders_are_the_same_in_both_languages() -> None:
    holes = re.compile(r"\{(\w+)\}")
    chinese, english = words("zh"), words("en")
    assert chinese.keys == english.keys
    for key in chinese.keys:
        assert set(holes.findall(chinese.raw(key))) == set(holes.findall(english.raw(key))), key
