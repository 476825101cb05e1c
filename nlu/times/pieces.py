"""The pieces a spoken time is made of: a day, a part of the day, a clock time, a wait, something repeated."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal

from nlu.timevalues import Part, Repeat

PieceKind = Literal["day", "part", "clock", "offset", "repeat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A clock time as said: 三点 may be 03:00 or 15:00, 15:20 may not."""

    hour: int  # 0–24
    minute: int = 0  # 0–59
    definite: bool = False  # the hour is one of 24
    end_hour: int | None = None  # 七八点: until when
    end_minute: int = 0  # 0–59


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One recognised piece. Offsets are those of the text."""

    start: int  # offset of its first character
    end: int  # offset after its last character
    kind: PieceKind  # what it says
    day: date | None = None  # the day, or the first day
    end_day: date | None = None  # the last day, where it is a stretch: 下周
    weekdays: tuple[str, ...] = ()  # a weekday named without a week: 周一, 工作日
    part: Part | None = None  # a part of the day
    deep: bool = False  # the part is 半夜 or the like: its small hours follow the evening
    clock: Clock | None = None  # a clock time
    at: datetime | None = None  # a moment counted from now
    repeat: Repeat | None = None  # a rule
    after: bool = False  # it may follow the clock it belongs to: "at 3 in the afternoon"
    extra: dict[str, Any] = field(default_factory=dict)  # for the entity


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Pieces that belong together: at most one of each kind."""

    start: int  # offset of its first character
    end: int  # offset after its last character
    day: date | None = None  # the (first) day
    end_day: date | None = None  # the last day of a stretch
    weekdays: tuple[str, ...] = ()  # as in Piece
    part: Part | None = None  # a part of the day
    deep: bool = False  # as in Piece
    clock: Clock | None = None  # a clock time
    at: datetime | None = None  # a moment counted from now
    repeat: Repeat | None = None  # a rule
    extra: dict[str, Any] = field(default_factory=dict)  # for the entity

    def takes(self, piece: Piece) -> bool:
        """Whether the piece fills something that is still open."""
        if piece.kind == "day":
            again = piece.day == self.day and piece.end_day == self.end_day and self.clock is None
            return (self.day is None or again) and self.at is None  # 十二月二十四号平安夜 is one day
        if piece.kind == "part":
            return (
                self.at is None
                and (self.clock is None or piece.after)
                and (not self.part or piece.deep or piece.part == self.part)
            )
        if piece.kind == "clock":
            return self.at is None and (self.clock is None or self._again(piece.clock))
        if piece.kind == "offset":
            return False
        return self.repeat is None and self.at is None

    def _again(self, clock: Clock | None) -> bool:
        """Whether the hour is only said once more: noon sharp, 12:00; 下午三点,15:00."""
        said = self.clock
        if clock is None or said is None or said.end_hour or clock.end_hour or said.minute != clock.minute:
            return False
        later = self.part in ("afternoon", "evening") and not said.definite and clock.hour == said.hour + 12
        return self.repeat is None and (clock.hour == said.hour or later)

    def plus(self, piece: Piece) -> Moment:
        """This moment with the piece in it."""
        return replace(
            self,
            start=min(self.start, piece.start),
            end=max(self.end, piece.end),
            day=piece.day or self.day,
            end_day=piece.end_day or self.end_day,
            weekdays=piece.weekdays or self.weekdays,
            part=piece.part or self.part,
            deep=piece.deep or self.deep,
            clock=self.clock if self.clock and self.clock.definite else piece.clock or self.clock,
            at=piece.at or self.at,
            repeat=piece.repeat or self.repeat,
            extra=self.extra | piece.extra,
        )


def moment_of(piece: Piece) -> Moment:
    """A moment that consists of one piece."""
    return Moment(start=piece.start, end=piece.end).plus(piece)
