"""Alarms: the only code that raises, joins and moves them, and the line it writes for each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, or_, select

from data import checkins
from data.errors import AnlinError
from data.models import Alarm, AlarmStep, Outgoing
from data.numbers import next_number
from data.states import machine
from data.work import Work

MACHINE = machine(
    "alarm",
    "raised",
    {
        "acknowledge": ("raised", "acknowledged"),
        "on_way": ("acknowledged", "on_way"),
        "on_site": ("acknowledged, on_way", "on_site"),
        "resolve": ("acknowledged, on_way, on_site", "resolved"),
    },
)
CODES = ("helped", "ambulance", "fire_brigade", "police", "false_alarm", "duplicate", "drill")
_STAMPS = {
    "acknowledge": "acknowledged_at",
    "on_way": "on_way_at",
    "on_site": "on_site_at",
    "resolve": "resolved_at",
}
_VAGUE = "unknown"


class ClosingCodeMissing(AnlinError):
    """Resolving an alarm needs one of the closing codes and a note."""

    code = "closing_code_missing"


async def raise_alarm(
    work: Work,
    *,
    kind: str,
    level: int,
    source: str,
    text: str,
    resident_id: int | None = None,
    conversation_id: int | None = None,
    place: dict[str, Any] | None = None,
    facts: dict[str, Any] | None = None,
) -> tuple[Alarm, bool]:
    """Raise an alarm, or join the open one of this person. Returns it and whether it is new.

    Joining adds the words, names the kind if it was unknown, and raises the level if this is worse; it never lowers.
    """
    if resident_id is not None:
        await checkins.mark_help(work, resident_id)  # nobody is asked "are you well?" any more (K3)
    name = f"alarm:{work.community.id}:{resident_id or f'conversation-{conversation_id}'}"
    await work.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    alarm = await open_of(work, resident_id=resident_id, conversation_id=conversation_id)
    if alarm is not None:
        await join(work, alarm, kind=kind, level=level, text=text, place=place, facts=facts)
        return alarm, False
    alarm = Alarm(
        number=await next_number(work, "alarm"),
        community_id=work.community.id,
        kind=kind,
        level=level,
        source=source,
        resident_id=resident_id,
        conversation_id=conversation_id,
        place=place,
        text=text,
        facts=facts or {},
        raised_at=work.now,
    )
    work.session.add(alarm)
    await work.session.flush()
    await step(work, alarm, "raised", by=work.actor, detail=text)
    return alarm, True


async def join(
    work: Work,
    alarm: Alarm,
    *,
    kind: str = _VAGUE,
    level: int | None = None,
    text: str | None = None,
    place: dict[str, Any] | None = None,
    facts: dict[str, Any] | None = None,
) -> bool:
    """What the person says afterwards belongs to the open alarm. Returns whether its level rose."""
    if text:
        alarm.text = f"{alarm.text}\n{text}" if alarm.text else text
        await step(work, alarm, "said", by="resident", detail=text)
    if alarm.kind == _VAGUE and kind != _VAGUE:
        alarm.kind = kind
    if place is not None and (moved := _place_after(alarm.place, place)) != alarm.place:
        alarm.place = moved
        await step(work, alarm, "place", by=work.actor)
    if facts:
        alarm.facts = {**alarm.facts, **facts}
    if level is not None and level < alarm.level:
        await set_level(work, alarm, level, why=text)
        return True
    return False


def _place_after(known: dict[str, Any] | None, said: dict[str, Any]) -> dict[str, Any]:
    """Where help has to go: a unit or room refines the building known, another building or a name replaces it all.

    Building 5 after a home at 3-2-501 must not become 5-2-501.
    """
    given = {key: value for key, value in said.items() if value}
    inside = not given.get("name") and given.get("building") in (None, (known or {}).get("building"))
    return {**(known or {}), **given} if known and inside else {**dict.fromkeys(known or {}), **given}


async def set_level(work: Work, alarm: Alarm, level: int, *, why: str | None = None) -> None:
    """Change the level, written down with its reason."""
    alarm.level = level
    await step(work, alarm, "level", by=work.actor, detail=f"{level}" + (f": {why}" if why else ""))


async def take_back(work: Work, alarm: Alarm, words: str) -> None:
    """The person says it was nothing: level 5, staff still call back, the ladder goes on (E8)."""
    alarm.taken_back_at = work.now
    await join(work, alarm, text=words)
    await set_level(work, alarm, 5, why="taken back")
    await step(work, alarm, "taken_back", by="resident")


async def move(
    work: Work,
    alarm: Alarm,
    name: str,
    *,
    staff_id: str | None,
    code: str | None = None,
    note: str | None = None,
) -> Alarm:
    """Acknowledge, on_way, on_site, resolve; by a human. Raises IllegalMove, ClosingCodeMissing. Lock it first."""
    after = MACHINE.after(alarm.state, name)
    if name == "resolve":
        if code not in CODES or not (note or "").strip():
            raise ClosingCodeMissing(f"resolve {alarm.number} without code or note", codes=list(CODES))
        alarm.code, alarm.note = code, note
    alarm.state = after
    setattr(alarm, _STAMPS[name], work.now)
    if name == "acknowledge":
        alarm.staff_id = staff_id
    await step(work, alarm, after, by=staff_id or work.actor, detail=note)
    work.audit(f"alarm.{name}", f"alarm:{alarm.id}", number=alarm.number)
    return alarm


async def breach(work: Work, alarm: Alarm) -> None:
    """180 s without a human: marked for ever (E5)."""
    alarm.breach = True
    await step(work, alarm, "breach")


async def step(
    work: Work,
    alarm: Alarm,
    what: str,
    *,
    to: str | None = None,
    by: str | None = None,
    detail: str | None = None,
) -> None:
    """Add a line to the timeline and tell the live views."""
    work.session.add(AlarmStep(alarm_id=alarm.id, at=work.now, what=what, to=to, by=by, detail=detail))
    await work.session.flush()
    await work.emit(
        "alarm", f"alarm:{alarm.id}", number=alarm.number, state=alarm.state, level=alarm.level, what=what
    )


async def get(work: Work, reference: str, *, lock: bool = False) -> Alarm | None:
    """An alarm by id or number, in this community."""
    condition = Alarm.number == reference.upper()
    if reference.isascii() and reference.isdigit() and len(reference) < 19:
        condition = Alarm.id == int(reference)
    statement = select(Alarm).where(Alarm.community_id == work.community.id, condition)
    if lock:
        # What the session read before the lock may be stale by now.
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return await work.session.scalar(statement)


async def open_of(work: Work, *, resident_id: int | None, conversation_id: int | None) -> Alarm | None:
    """The open alarm of a resident or a conversation, locked; the newest, should there be several."""
    mine = []
    if resident_id is not None:
        mine.append(Alarm.resident_id == resident_id)
    if conversation_id is not None:
        mine.append(Alarm.conversation_id == conversation_id)
    if not mine:
        return None
    return await work.session.scalar(
        select(Alarm)
        .where(or_(*mine), Alarm.state != "resolved")
        .order_by(Alarm.id.desc())
        .limit(1)
        .with_for_update()
    )


async def latest_of(work: Work, *, resident_id: int | None, conversation_id: int) -> Alarm | None:
    """The newest alarm of this person or this conversation, however it stands; not locked."""
    mine = Alarm.conversation_id == conversation_id
    if resident_id is not None:
        mine = or_(mine, Alarm.resident_id == resident_id)
    found: Alarm | None = await work.session.scalar(
        select(Alarm).where(Alarm.community_id == work.community.id, mine).order_by(Alarm.id.desc()).limit(1)
    )
    return found


async def open_from(work: Work, source: str) -> Alarm | None:
    """The open alarm that a source (device:<key>) raised for nobody in particular, locked; the newest."""
    return await work.session.scalar(
        select(Alarm)
        .where(
            Alarm.community_id == work.community.id,
            Alarm.source == source,
            Alarm.resident_id.is_(None),
            Alarm.state != "resolved",
        )
        .order_by(Alarm.id.desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def steps_of(work: Work, alarm_id: int) -> Sequence[AlarmStep]:
    """The timeline, oldest first."""
    return (
        await work.session.scalars(
            select(AlarmStep).where(AlarmStep.alarm_id == alarm_id).order_by(AlarmStep.id)
        )
    ).all()


async def told(work: Work, alarm: Alarm) -> frozenset[str]:
    """Everybody who was notified of this alarm: staff ids, contact:<id>, desk."""
    rows = await work.session.scalars(
        select(AlarmStep.to).where(AlarmStep.alarm_id == alarm.id, AlarmStep.what == "notified")
    )
    return frozenset(row for row in rows if row)


def queue_notification(work: Work, *, alarm: Alarm, target: str, text: str) -> None:
    """Queue a message about an alarm to an Apprise address; committed with the step that names it."""
    queue_notice(work, about=f"alarm:{alarm.id}", target=target, text=text)


def queue_notice(work: Work, *, about: str, target: str, text: str) -> None:
    """Queue a message to an Apprise address about something that is not an alarm yet, e.g. conversation:7."""
    work.session.add(
        Outgoing(
            community_id=work.community.id,
            channel="notify",
            target=target,
            body={"text": text},
            about=about,
            due_at=work.now,
            created_at=work.now,
        )
    )
