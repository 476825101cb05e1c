"""Not understood: every question of every flow is put in other words each time, and ends with a person (C8, C9)."""

from __future__ import annotations

from functools import lru_cache

import pytest

from flows import registry
from flows.replies import Replies

LANGUAGES = ("zh", "en")


@lru_cache
def replies() -> Replies:
    return Replies.load()


def questions() -> list[tuple[str, str, bool]]:
    """Flow, reply key of the question, and whether it offers choices."""
    found = []
    for flow in registry.engine().flows.values():
        for slot in flow.slots:
            found.append((flow.name, slot.ask, slot.choices is not None))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("flow", "key", "choices"), questions())
def test_no_question_is_put_twice_in_the_same_words(
    flow: str, key: str, choices: bool, language: str
) -> None:
    """The question, then rephrased with an example (or "I did not catch that" with a shorter form), then a short list or
    the offer of a person: each rung has words of its own."""
    if not replies().has(key, language):
        pytest.fail(f"{flow}: no words for {key}")
    first = {one.text for one in replies().variants(key, language)}
    again = f"{key}_again"
    if replies().has(again, language):
        second = {one.text for one in replies().variants(again, language)}
    else:
        assert len(replies().variants("not_caught", language)) >= 2
        short = f"{key}_short" if replies().has(f"{key}_short", language) else key
        second = {
            f"{replies().variants('not_caught', language)[0].text} {replies().variants(short, language)[0].text}"
        }
    last = "choose_one" if choices else "still_unclear"
    third = {one.text for one in replies().variants(last, language)}
    assert not first & second
    assert not second & third
    assert not first & third


def test_what_is_said_often_has_several_wordings() -> None:
    for key in ("not_understood", "not_understood_menu", "empty", "choose_one", "cannot_skip", "button_over"):
        for language in LANGUAGES:
            assert len(replies().variants(key, language)) >= 2, key
