"""What every list of the API does: filters that are left out, the resident by whatever they are called, the cursor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, false
from sqlalchemy.orm import InstrumentedAttribute

from bot.api.shapes import Listed
from data import residents
from data.listing import Page
from data.work import Work

T = TypeVar("T")
Column = InstrumentedAttribute[Any]


def equal(filters: Mapping[Column, object | None]) -> list[ColumnElement[bool]]:
    """The conditions of the filters that were given."""
    return [column == value for column, value in filters.items() if value is not None]


async def of_resident(work: Work, column: Column, reference: str | None) -> list[ColumnElement[bool]]:
    """Only this resident's, by id, key, or demo sender name; nobody's when there is no such resident."""
    if reference is None:
        return []
    found = await residents.by_reference(work, reference)
    return [column == found.id if found is not None else false()]


def listed(items: Sequence[T], page: Page[Any]) -> Listed[T]:
    """The answer: the items and where the next page begins."""
    return Listed(items=list(items), next=None if page.after is None else str(page.after))
