"""What is for the lead and nobody else: who that is now, and how they are told (F9, F10)."""

from __future__ import annotations

from data import alarms, roster
from data.models import Request, Staff
from data.work import Work
from flows import staff_chat
from flows.world import World

_DESK = "zh"  # the language staff read notices in


async def lead_for(work: Work, *, besides: str | None = None) -> Staff | None:
    """The lead on duty, else any lead, else an administrator; never `besides`, whom a case is about."""
    on_duty = [member for member in await roster.on_duty(work) if member.role == "lead"]
    admins = [member for member in await roster.everybody(work) if member.role == "admin"]
    chosen = (member for member in (*on_duty, *await roster.leads(work), *admins) if member.id != besides)
    return next(chosen, None)


def tell_lead(work: Work, world: World, lead: Staff, request: Request, key: str) -> None:
    """Queue reply `key` with the case's number for the lead's own chat and address; the desk shows the case anyway."""
    text = world.replies.render(key, _DESK, number=request.number).text
    staff_chat.tell_of_case(work, world, lead, request, text)
    if lead.notify_url:
        alarms.queue_notice(work, about=f"request:{request.id}", target=lead.notify_url, text=text)
