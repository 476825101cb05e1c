"""The one base of every error with a name: a stable code, a sentence for the log, and which sentence the person hears."""

from __future__ import annotations

from typing import Any, ClassVar


class AnlinError(Exception):
    """Something went wrong that Anlin has a name for.

    Every error derives from this class; the docstring of each is its meaning and goes into the documentation.
    """

    code: ClassVar[str] = "internal"  # stable, snake_case: read by front ends, tests and the documentation

    def __init__(self, for_log: str, *, reply: str | None = None, **facts: Any) -> None:
        """
        Args:
            for_log: one sentence for the log and for staff; names no resident.
            reply: key of the sentence for the person, under `flows/replies`; None takes the general apology.
            facts: what the sentence for the person may fill in, and what an API answer may tell.
        """
        super().__init__(for_log)
        self.for_log = for_log
        self.reply = reply
        self.facts = facts

    def __str__(self) -> str:
        return f"[{self.code}] {self.for_log}"


class NotFound(AnlinError):
    """There is no such thing in this community, or not any more."""

    code = "not_found"
