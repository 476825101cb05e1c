"""Who sits at the desk: the session behind a browser's cookie, checked anew for every page and every action (P5, H14)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from starlette.requests import HTTPConnection

from bot.desk.words import LANGUAGES, Words, words
from bot.house import House
from data import staff
from data.errors import AnlinError
from data.models import Community
from data.work import Work
from flows.wording import Wording

COOKIE: Final = "anlin_desk"
"""Holds the session's secret; HttpOnly, so no script reads it."""
LANGUAGE: Final = "anlin_desk_language"
spoken: ContextVar[str] = ContextVar("desk_language", default=LANGUAGES[0])
"""The language of the request being answered."""

PLACES: Final = {
    "officer": frozenset({"board", "alarms", "handoffs", "requests"}),
    "repairer": frozenset({"requests"}),
    "lead": frozenset({"board", "alarms", "handoffs", "requests"}),
    "admin": frozenset({"board", "alarms", "handoffs", "requests"}),
}
"""Role → the pages it may open and act on (H14)."""
KINDS: Final = {"repairer": ("repair",)}
"""Role → the only kinds of case it sees; a role not named here sees every kind. Complaints may be about a repairer."""
ALL_KINDS: Final = ("repair", "booking", "complaint", "suggestion", "visit", "volunteer", "hours")


class SessionOver(AnlinError):
    """The browser's session has ended, or its owner may not be here any more."""

    code = "session_over"


class NotAllowed(AnlinError):
    """This role may not do that at the desk."""

    code = "forbidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One signed-in browser."""

    house: House
    secret: str  # of the session
    staff_id: str
    name: str
    role: str
    community_id: int
    community: str  # its key
    community_name: str
    zone: ZoneInfo
    language: str

    @property
    def words(self) -> Words:
        """The desk's words in this person's language."""
        return words(self.language)

    @property
    def wording(self) -> Wording:
        """Places and dates in this person's language."""
        return self.house.world.wording(self.language)

    @property
    def now(self) -> datetime:
        """The product's time on the community's clock."""
        return self.house.clock.now().astimezone(self.zone)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of case this role sees."""
        return KINDS.get(self.role, ALL_KINDS)

    def may(self, place: str) -> bool:
        """Whether this role may open that page."""
        return place in PLACES.get(self.role, frozenset())

    async def check(self) -> None:
        """Raise SessionOver unless the session still holds and its owner is who they were."""
        async with self.house.work("desk", community=self.community) as work:
            member = await staff.signed_in(work, self.secret)
            held = member is not None and (member.id, member.role) == (self.staff_id, self.role)
        if not held:
            raise SessionOver("the desk session has ended")

    @asynccontextmanager
    async def act(self, place: str) -> AsyncIterator[Work]:
        """One committed piece of work in this person's name. Raises SessionOver, NotAllowed."""
        await self.check()
        if not self.may(place):
            raise NotAllowed(f"{self.role} may not act on {place}")
        async with self.house.work(f"staff:{self.staff_id}", community=self.community) as work:
            yield work

    @asynccontextmanager
    async def look(self) -> AsyncIterator[Work]:
        """Read in this person's community."""
        async with self.house.work(f"staff:{self.staff_id}", community=self.community) as work:
            yield work


def language_of(request: HTTPConnection) -> str:
    """The language chosen for this browser."""
    chosen = request.cookies.get(LANGUAGE, "")
    return chosen if chosen in LANGUAGES else LANGUAGES[0]


async def visit_of(house: House, request: HTTPConnection) -> Visit | None:
    """Whose browser this is; None when nobody is signed in."""
    secret = request.cookies.get(COOKIE)
    if not secret:
        return None
    async with house.work("desk") as work:
        member = await staff.signed_in(work, secret)
        if member is None:
            return None
        community = await work.session.get_one(Community, member.community_id)
    return Visit(
        house=house,
        secret=secret,
        staff_id=member.id,
        name=member.name,
        role=member.role,
        community_id=community.id,
        community=community.key,
        community_name=community.name,
        zone=ZoneInfo(community.zone),
        language=language_of(request),
    )


def first_page(places: Collection[str]) -> str:
    """Where somebody with these places begins."""
    return "/desk/" if "board" in places else "/desk/requests"
