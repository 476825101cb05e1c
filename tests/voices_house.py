"""What the tests of complaints, marks and contacts share: one demo community, staff who move cases, and what was made."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from data import requests
from data.models import Request
from flows import cases
from tests.harness import Talk

ENDS = {
    "repair": ("accept", "on_site", "done", "close"),
    "booking": ("done",),
    "complaint": ("done", "close"),
    "suggestion": ("done", "close"),
}
"""Kind → the moves of staff that bring it to its end."""


async def made(house: Talk) -> Sequence[Request]:
    """The cases that came out of a conversation, oldest first."""
    async with house.work() as work:
        found = await work.session.scalars(
            select(Request).where(Request.conversation_id.is_not(None)).order_by(Request.id)
        )
        return found.all()


async def last(house: Talk) -> Request:
    """The newest of them."""
    return (await made(house))[-1]


async def say(house: Talk, sender: str, *lines: str) -> str:
    """Say the lines; gives the last answer."""
    answer = ""
    for line in lines:
        answer = await house.ask(sender, line)
    return answer


async def staff(house: Talk, number: str, *moves: str, note: str | None = None, by: str = "lead-1") -> None:
    """Staff move a case; the note goes with the first move."""
    for move in moves:
        async with house.work() as work:
            await cases.move(work, house.turns.world, number, move, staff_id=by, note=note)
        note = None


async def ended(house: Talk, sender: str, *lines: str) -> Request:
    """Something asked for in these lines, brought to its end by staff."""
    await say(house, sender, *lines)
    case = await last(house)
    await staff(house, case.number, *ENDS[case.kind])
    async with house.work() as work:
        found = await requests.get(work, case.number)
    assert found is not None
    return found
