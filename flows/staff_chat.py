"""Staff on the move: what happened comes to their own chat, with buttons to say "mine", "on my way", "here", "done" (H10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from data import alarms, requests
from data.errors import AnlinError
from data.models import Alarm, Community, Outgoing, Request, Staff
from data.states import Machine
from data.work import Work
from flows import alarm_staff, cases
from flows.engine import Engine, command_in
from flows.messages import Button
from flows.replies import payload
from flows.world import World

CHANNEL = "telegram"
_COMMAND = "staff_move"
_LANGUAGE = "zh"  # that of the desk
_ALARM_MOVES = {
    "acknowledge": alarm_staff.acknowledge,
    "on_way": alarm_staff.on_way,
    "on_site": alarm_staff.on_site,
}
_CASE_MOVES = ("accept", "on_site", "done")
"""Closing an alarm needs a code and a note and is done at the desk (E6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Who holds a chat."""

    id: str  # of data.models.Staff
    community: str  # its key


async def member_of(work: Work, chat: str) -> Member | None:
    """The member of staff whose own chat this is, in any community; None when it is nobody's."""
    # The column is encrypted, so it cannot be searched; there are few members of staff.
    found = await work.session.execute(
        select(Staff, Community.key)
        .join(Community, Community.id == Staff.community_id)
        .where(Staff.active, Staff.telegram.is_not(None))
        .order_by(Staff.id)
    )
    return next((Member(id=one.id, community=key) for one, key in found if one.telegram == chat), None)


def tell_of_alarm(work: Work, world: World, member: Staff, alarm: Alarm, text: str) -> bool:
    """Queue a notice of an alarm to somebody's chat; False when they have none."""
    return _tell(work, member.telegram, f"alarm:{alarm.id}", text, _of_alarm(world, alarm))


def tell_of_case(work: Work, world: World, member: Staff, request: Request, text: str) -> bool:
    """Queue a notice of a ticket or visit to somebody's chat; False when they have none."""
    return _tell(work, member.telegram, f"request:{request.id}", text, _of_case(world, request))


async def press(work: Work, world: World, engine: Engine, chat: str, member: Member, pressed: str) -> None:
    """Do what a button in a staff chat says and answer in that chat. `work` is in the member's community.

    What is not possible (any more) is said, not raised: the desk shows how things stand. Pressed twice, it is done
    and answered once.
    """
    command = command_in(pressed)
    if command is None or command.name != _COMMAND:
        return
    kind = "alarm" if "alarm" in command.values else "request"
    move = str(command.values.get("move"))
    if move not in (_ALARM_MOVES if kind == "alarm" else _CASE_MOVES):
        return
    number = str(command.values.get("number", ""))
    about = f"{kind}:{command.values.get(kind)}"
    buttons: tuple[Button, ...] = ()
    try:
        # A move that turns out to be impossible leaves nothing behind; the answer is written after it.
        async with work.session.begin_nested():
            done = await _do(work, world, engine, member, kind, command.values, move)
    except AnlinError:
        text = world.replies.render("staff_chat_too_late", _LANGUAGE, number=number).text
    else:
        if done is None:
            return
        text, buttons = done
    _tell(work, chat, about, text, buttons)


async def _do(
    work: Work,
    world: World,
    engine: Engine,
    member: Member,
    kind: str,
    values: Mapping[str, Any],
    move: str,
) -> tuple[str, tuple[Button, ...]] | None:
    reference = str(values.get(kind))
    if kind == "alarm":
        alarm = await alarms.get(work, reference)
        if alarm is not None and _stands(alarms.MACHINE, move, alarm.state) and alarm.staff_id == member.id:
            return None
        alarm = await _ALARM_MOVES[move](work, world, engine, reference, member.id)
        return _did(world, alarm.number, move), _of_alarm(world, alarm)
    seen = await requests.get(work, reference)
    if (
        seen is not None
        and _stands(requests.MACHINES[seen.kind], move, seen.state)
        and seen.staff_id == member.id
    ):
        return None
    request = await cases.move(work, world, reference, move, staff_id=member.id)
    return _did(world, request.number, move), _of_case(world, request)


def _stands(machine: Machine, move: str, state: str) -> bool:
    """Whether that move was made already."""
    return move in machine.moves and machine.moves[move][1] == state


def _did(world: World, number: str, move: str) -> str:
    what = world.replies.render(f"staff_chat_{move}", _LANGUAGE).text
    return world.replies.render("staff_chat_noted", _LANGUAGE, number=number, what=what).text


def _of_alarm(world: World, alarm: Alarm) -> tuple[Button, ...]:
    return _buttons(
        world, alarms.MACHINE, tuple(_ALARM_MOVES), alarm.state, alarm=alarm.id, number=alarm.number
    )


def _of_case(world: World, request: Request) -> tuple[Button, ...]:
    machine = requests.MACHINES[request.kind]
    return _buttons(world, machine, _CASE_MOVES, request.state, request=request.id, number=request.number)


def _buttons(
    world: World, machine: Machine, moves: Sequence[str], state: str, **values: Any
) -> tuple[Button, ...]:
    """What can be done from here."""
    return tuple(
        Button(
            title=world.replies.render(f"staff_chat_{move}", _LANGUAGE).text,
            payload=payload(_COMMAND, move=move, **values),
        )
        for move in moves
        if move in machine.moves and state in machine.moves[move][0]
    )


def _tell(work: Work, chat: str | None, about: str, text: str, buttons: Sequence[Button]) -> bool:
    if not chat:
        return False
    body: dict[str, Any] = {"text": text}
    if buttons:
        body["buttons"] = [{"title": button.title, "payload": button.payload} for button in buttons]
    work.session.add(
        Outgoing(
            community_id=work.community.id,
            channel=CHANNEL,
            target=chat,
            body=body,
            about=about,
            due_at=work.now,
            created_at=work.now,
        )
    )
    return True
