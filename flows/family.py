"""Tells the people whom a resident named, and who may be told, that something is the matter or all is well again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from data import alarms, conversations, residents
from data.models import Contact, Resident
from data.work import Work
from flows.world import World

OWN = "anlin://"
"""Begins the address of somebody who writes to Anlin themself: what follows is their sender name."""


def address(world: World, contact: Contact) -> str | None:
    """Where a contact is reached: their own Apprise address, or a text message to their phone; None: not at all."""
    if contact.notify_url:
        return contact.notify_url
    if contact.phone and world.sms_url:
        return world.sms_url.replace("{phone}", contact.phone)
    return None


def name_of(contact: Contact) -> str:
    """A contact as steps and events name them."""
    return f"contact:{contact.id}"


async def tell(
    work: Work,
    world: World,
    resident_id: int,
    key: str,
    *,
    about: str,
    only: Collection[str] | None = None,
    **facts: Any,
) -> Sequence[tuple[Contact, bool]]:
    """Queue reply `key` for every contact who may hear of everyday things, or for those of `only` (names as `name_of`).

    The reply may name {name} and {place} of the resident. Gives each contact and whether there is a way to them.
    """
    resident, home = await conversations.with_home(work, resident_id)
    language = resident.language
    told: list[tuple[Contact, bool]] = []
    for contact in await residents.alarm_contacts(work, resident_id, daily=True):
        if only is not None and name_of(contact) not in only:
            continue
        target = address(world, contact)
        if target is not None:
            place = world.wording(language).place(residents.place_of(home))
            words = world.replies.render(
                key, language, name=called(world, resident), place=place, **facts
            ).text
            alarms.queue_notice(work, about=about, target=target, text=words)
        told.append((contact, target is not None))
    return told


def tell_desk(work: Work, world: World, key: str, *, about: str, **facts: Any) -> None:
    """Queue reply `key` for the addresses that the community named for its staff."""
    text = world.replies.render(key, "zh", **facts).text
    for target in world.staff_urls:
        alarms.queue_notice(work, about=about, target=target, text=text)


def called(world: World, resident: Resident) -> str:
    """A resident's name, or "somebody of your neighbours" while we have none."""
    return resident.name or world.replies.render("checkin_somebody", resident.language).text
