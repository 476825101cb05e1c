"""Answering people in the language they write in: Chinese, or English when they clearly write English."""

from __future__ import annotations

import re

from flows.turn import Turn

_WORD = re.compile(r"[A-Za-z]+")
_HAN = re.compile(r"[\u3400-\u9fff]")
_ENGLISH_FROM = 3  # words: "ok", "wifi" and a slip of the keyboard are no English sentence
_CRY_FROM = 2  # words of a cry for help
_CHINESE_FROM = 2  # characters


def follow(turn: Turn) -> None:
    """Go over to the language of this message where it is plain which that is; single words leave it as it was."""
    understood = turn.understanding
    if understood is None or turn.command is not None:
        return
    words, characters = len(_WORD.findall(understood.text)), len(_HAN.findall(understood.text))
    if understood.language == "zh":
        if characters >= _CHINESE_FROM and characters > words:
            turn.conversation.language = "zh"
        return
    first = not turn.dialogue.last
    cry = understood.emergency is not None and words >= _CRY_FROM
    if words >= _ENGLISH_FROM or cry or (first and words):
        turn.conversation.language = "en"
