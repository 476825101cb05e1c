"""Where a conversation stands: what is being filled in, what waits behind it, what was said last."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

FORMAT = 1
"""Version of the stored form; raised when its meaning changes, so that stale state is dropped and not misread."""

CONFIRM = "confirm"
"""`Frame.asked` while the read-back waits for yes or no."""


@dataclass(slots=True, kw_only=True)
class Frame:
    """One flow under way, with what it knows. All values are JSON."""

    flow: str  # its name
    slots: dict[str, Any] = field(default_factory=dict)  # filled slots; a skipped one holds None
    asked: str | None = None  # the slot whose question is open, or CONFIRM
    tries: int = 0  # how often the open question was answered with something not understood (C9)
    memory: dict[str, Any] = field(default_factory=dict)  # what the flow itself keeps, e.g. half of a time
    since: str = ""  # when it began, ISO 8601 with offset
    touched: str = ""  # when the person last said something for it; parked frames expire after a day
    parked: str = ""  # since when it waits because nobody answered (C10); "" while its question is open


@dataclass(slots=True, kw_only=True)
class Done:
    """The last thing finished, for "not that after all" (C12) and for "change it"."""

    flow: str
    subject: str  # e.g. request:12, reminder:3
    title: str  # what it was, in words
    at: str  # ISO 8601 with offset


@dataclass(slots=True, kw_only=True)
class Dialogue:
    """The state of one conversation, stored encrypted with it."""

    stack: list[Frame] = field(default_factory=list)  # the last one is active, the others are parked
    said: dict[str, int] = field(
        default_factory=dict
    )  # reply key → how often said: never the same words twice
    failures: int = 0  # messages in a row that were not understood with nothing open (C9)
    last: list[dict[str, Any]] = field(default_factory=list)  # what was said last, for "say that again" (C7)
    done: Done | None = None
    preferences: dict[str, Any] = field(default_factory=dict)  # of somebody not registered yet (C7)
    silences: int = 0  # how often the open question was met with silence (C10)
    watched: str = ""  # chat or voice, while a timer waits for the answer to the open question; else ""

    @property
    def active(self) -> Frame | None:
        """What is being filled in now."""
        return self.stack[-1] if self.stack else None

    def find(self, flow: str) -> Frame | None:
        """The frame of a flow, wherever it waits."""
        return next((frame for frame in reversed(self.stack) if frame.flow == flow), None)

    def drop(self, frame: Frame) -> None:
        """Take a frame off the stack, wherever it is."""
        self.stack = [other for other in self.stack if other is not frame]

    def to_json(self) -> dict[str, Any]:
        """The stored form."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Dialogue:
        """Read the stored form; one of another version, or that cannot be read, gives a fresh dialogue: a message must
        never be lost to what an earlier one left behind."""
        if stored.get("format") != FORMAT:
            return cls()
        try:
            return cls._read(stored)
        except (TypeError, ValueError, AttributeError):
            return cls()

    @classmethod
    def _read(cls, stored: dict[str, Any]) -> Dialogue:
        done = stored.get("done")
        return cls(
            stack=[Frame(**frame) for frame in stored.get("stack", [])],
            said=dict(stored.get("said", {})),
            failures=int(stored.get("failures", 0)),
            last=list(stored.get("last", [])),
            done=Done(**done) if done else None,
            preferences=dict(stored.get("preferences", {})),
            silences=int(stored.get("silences", 0)),
            watched=str(stored.get("watched", "")),
        )
