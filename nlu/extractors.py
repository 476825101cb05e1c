"""Everything in a message that names something: times, places, persons, phones, services … (U1, U4, U5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nlu.amounts import find_counts, find_scores
from nlu.codes import find_phones, find_request_numbers
from nlu.lookups import Lookup, Records
from nlu.people import find_persons
from nlu.places import SHARED_PLACES, Places
from nlu.symptoms import find_symptoms
from nlu.times import find_times
from nlu.understanding import Context, Entity

LONGEST = 10_000
"""Characters looked at: nobody says more in one message, and the rest of a longer one is not read for entities."""

_FIRST = ("request_no", "phone")
"""What a long number is before it is anything else."""

_RANK = ("time", "place", "score", "count", "fault", "service", "person")
"""Who wins among stretches of one length."""


class Extractors:
    """Keeps the `Extractor` protocol of `nlu.engine`: all extractors, with overlaps settled.

    `services`, `faults`: the catalogue's keys and the names people use. `places`: the community's shared places,
    alone or each with its other names. `area_code`: for landlines said without one.
    """

    def __init__(
        self,
        services: Records = (),
        faults: Records = (),
        places: Iterable[str] | Mapping[str, Iterable[str]] = SHARED_PLACES,
        area_code: str = "010",
    ) -> None:
        self._services = Lookup("service", services)
        self._faults = Lookup("fault", faults)
        self._places = Places(places)
        self._area_code = area_code

    def extract(self, text: str, context: Context) -> Sequence[Entity]:
        """The entities in the order of the text, none overlapping but symptoms; spans cut from `text`. Never raises. What the bot
        has just asked (`context.slot`) decides what a bare number is."""
        message = text[:LONGEST]
        asked = context.slot if context.expecting == "slot" else None
        found = [
            *find_request_numbers(message),
            *find_phones(message, self._area_code),
            *find_times(message, context.now),
            *self._places.find(message, asked=asked == "place"),
            *find_scores(message, asked=asked == "score"),
            *find_counts(message, asked=asked == "count"),
            *self._faults.find(message),
            *self._services.find(message),
            *find_persons(message),
        ]
        # a sign of danger may well be a fault too (煤气味): it competes with nothing
        settled = [*_settled(found, len(message), asked), *find_symptoms(message)]
        return sorted(settled, key=lambda entity: entity.start)


def _settled(found: list[Entity], length: int, asked: str | None) -> list[Entity]:
    """Without overlaps: what was asked for first, then case numbers and phones, then the longer stretch."""

    def order(entity: Entity) -> tuple[int, int, int]:
        tier = 0 if entity.entity in _FIRST else 1 if entity.entity == asked else 2
        rank = _RANK.index(entity.entity) if entity.entity in _RANK else 0
        return tier, -(entity.end - entity.start), rank

    taken = bytearray(length)
    kept = []
    for entity in sorted(found, key=order):
        if entity.end > entity.start and not any(taken[entity.start : entity.end]):
            taken[entity.start : entity.end] = b"\x01" * (entity.end - entity.start)
            kept.append(entity)
    return sorted(kept, key=lambda entity: entity.start)
