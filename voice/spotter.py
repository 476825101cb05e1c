"""Listens for a cry for help in everything that is said, whatever the conversation is about (V5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Judgement = TypeVar("Judgement")


class HelpSpotter(Generic[Judgement]):
    """Shows every new partial result to the emergency net and reports a danger once an utterance.

    Recognisers change their mind from one partial result to the next, so a danger has to hold in two of them (two tenths
    of a second); in a final result it holds at once. The judge is passed in: this room knows no emergencies.
    """

    def __init__(self, judge: Callable[[str], Judgement | None], *, steady: int = 2) -> None:
        """`judge`: gives what it found in a text, or None; called on the event loop, so it must be quick.
        `steady`: in how many results one after another it has to find something."""
        self._judge = judge
        self._steady = steady
        self.restart()

    def restart(self) -> None:
        """A new utterance begins: it may be reported again."""
        self._text = ""
        self._found: Judgement | None = None
        self._times = 0
        self._reported = False

    def feed(self, text: str, *, final: bool = False) -> Judgement | None:
        """The judgement, once, when the text so far sounds like danger; None before, after and otherwise."""
        if self._reported or not text:
            return None
        if text != self._text:
            self._text = text
            self._found = self._judge(text)
        if self._found is None:
            self._times = 0
            return None
        self._times += 1
        if self._times < self._steady and not final:
            return None
        self._reported = True
        return self._found
