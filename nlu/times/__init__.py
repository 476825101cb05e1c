"""When something shall happen or happened: finds spoken and written times and says which moment is meant (U4)."""

from __future__ import annotations

from datetime import datetime

from nlu.numbers import fold
from nlu.times.build import build
from nlu.times.scan import groups, pieces
from nlu.timevalues import format_value
from nlu.understanding import Entity

__all__ = ["find_times"]


def find_times(text: str, now: datetime) -> list[Entity]:
    """The times of a message, in its order; values in the forms of `nlu.timevalues`. `now` must be aware, and in
    the community's zone. Never raises for any text; the time it takes grows with the text's length only."""
    folded = fold(text)
    found = [item for group in groups(folded, pieces(folded, now)) for item in build(folded, group, now)]
    return [
        Entity(
            entity="time",
            value=format_value(item.value),
            text=text[item.start : item.end],
            start=item.start,
            end=item.end,
            extra=item.extra,
        )
        for item in found
    ]
