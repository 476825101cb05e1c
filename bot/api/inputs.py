"""What callers of the API may send: checked before anything else looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

_NO_CONTROLS = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"  # PostgreSQL keeps no NUL, and people write no others


def _plausible(moment: datetime) -> datetime:
    if not 2000 <= moment.year <= 2100:
        raise ValueError("must lie between the years 2000 and 2100")
    return moment


Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=_NO_CONTROLS)
]
"""Something a person wrote."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9:._-]+$")]
"""A sign-in name, a device, a sender, an id or a number."""
Moment = Annotated[AwareDatetime, AfterValidator(_plausible)]
"""ISO 8601 with offset."""


class Body(BaseModel):
    """A body; what is not asked for is refused, so that a slip of the keyboard is noticed."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Move(Body):
    """A move of a case."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{}, {"note": "带了新阀门", "as": "repairer-1"}]}
    )

    note: Words | None = Field(None, description="Why, or what was done")
    as_: Name | None = Field(
        None,
        alias="as",
        description="Staff id in whose name; for administrators. Default: the token's own staff",
    )


class Resolve(Move):
    """The end of an alarm: a closing code and a note (without them: `closing_code_missing`)."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"code": "helped", "note": "扶起来了，没有受伤"}]}
    )

    code: Annotated[str, StringConstraints(max_length=16)] | None = Field(
        None, description="helped, ambulance, fire_brigade, police, false_alarm, duplicate or drill"
    )


class Say(Body):
    """Words: for the resident, or for a private note."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "您好，我是社区的李静，马上帮您看。"}]}
    )

    text: Words
    as_: Name | None = Field(None, alias="as", description="Staff id in whose name; for administrators")


class Transfer(Move):
    """To whom a hand-over goes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"to": "officer-2"}, {"to": None}]})

    to: Name | None = Field(None, description="Staff id; null puts it back into the queue")


NOTHING, TO_QUEUE = Move(), Transfer()
"""What a move without a body means."""

REF: str = Path(alias="id", description="The id, or the number people say (R20261122-0007)")
"""The thing a path names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Which part of a list."""

    limit: int
    after: int | None


def paging(
    limit: int = Query(50, ge=1, le=200, description="How many at most"),
    after: str | None = Query(
        None, pattern=r"^[0-9]{1,18}$", description="The `next` of the page before this one"
    ),
) -> Paging:
    """A dependency: limit and cursor."""
    return Paging(limit=limit, after=int(after) if after is not None else None)
