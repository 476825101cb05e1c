"""Who is on duty, and who is told (H9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, case, select

from data.models import Shift, Staff
from data.work import Work

_OFFICER_FIRST = case((Staff.role == "officer", 0), (Staff.role == "lead", 1), else_=2)


async def on_duty(work: Work, at: datetime | None = None) -> Sequence[Staff]:
    """Active staff whose shift holds that moment (default: now); officers first."""
    moment = at or work.now
    shifts = select(Shift.staff_id).where(Shift.starts_at <= moment, Shift.ends_at > moment)
    return await _staff(work, Staff.id.in_(shifts))


async def leads(work: Work) -> Sequence[Staff]:
    """The active leads."""
    return await _staff(work, Staff.role == "lead")


async def everybody(work: Work) -> Sequence[Staff]:
    """All active staff."""
    return await _staff(work)


async def next_on_duty(work: Work) -> datetime | None:
    """When somebody next comes on duty; None when no shift is planned."""
    found: datetime | None = await work.session.scalar(
        select(Shift.starts_at)
        .join(Staff, Staff.id == Shift.staff_id)
        .where(Staff.community_id == work.community.id, Staff.active, Shift.starts_at > work.now)
        .order_by(Shift.starts_at)
        .limit(1)
    )
    return found


async def _staff(work: Work, *conditions: ColumnElement[bool]) -> Sequence[Staff]:
    statement = select(Staff).where(Staff.community_id == work.community.id, Staff.active)
    for condition in conditions:
        statement = statement.where(condition)
    return (await work.session.scalars(statement.order_by(_OFFICER_FIRST, Staff.id))).all()
