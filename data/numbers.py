"""The numbers that people say to each other: R20261122-0007."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert

from data.models import NumberCounter
from data.work import Work

PREFIXES = {
    "repair": "R",
    "booking": "B",
    "complaint": "C",
    "suggestion": "S",
    "visit": "V",
    "alarm": "A",
    "volunteer": "T",
    "hours": "H",
}


async def next_number(work: Work, kind: str) -> str:
    """The next number of that kind for today in the community's zone; unique, rising, never given twice."""
    name = f"{PREFIXES[kind]}{work.local:%Y%m%d}"
    statement = insert(NumberCounter).values(name=name, last=1)
    statement = statement.on_conflict_do_update(
        index_elements=[NumberCounter.name], set_={"last": NumberCounter.last + 1}
    )
    last = await work.session.scalar(statement.returning(NumberCounter.last))
    return f"{name}-{last:04d}"
