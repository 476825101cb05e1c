"""A small community for tests, written straight into the tables: staff, duty, residents, a conversation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from bot.clock import FixedClock
from data import content, conversations, residents
from data.database import Database
from data.models import Community, Conversation, Message, Resident, Shift, Staff
from data.work import Work
from flows.replies import Replies
from flows.wording import Wording
from flows.world import Found, Weighed, World
from nlu.encoder import Encoder

MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
"""Monday 23 November 2026, 10:00 in Shanghai: a working day, in duty hours."""

ROLES = {
    "officer-1": "officer",
    "officer-2": "officer",
    "repairer-1": "repairer",
    "lead-1": "lead",
    "admin": "admin",
}


class NoKnowledge:
    """Knows nothing."""

    def find(self, question: str, language: str, limit: int = 3) -> Sequence[Found]:
        return ()

    def weigh(self, question: str, language: str) -> Weighed:
        return Weighed()

    def further(self, question: str, last: str, language: str) -> Found | None:
        return None

    def among(self, words: str, ids: Sequence[str]) -> str | None:
        return None

    def entry(self, key: str, language: str) -> Found | None:
        return None

    def told(self, texts: Sequence[str], language: str) -> str | None:
        return None

    def learn(self, encoder: Encoder, cache: Path) -> None:
        pass


@lru_cache(maxsize=1)
def world() -> World:
    """The product's own content."""
    replies = Replies.load()
    return World(
        replies=replies,
        services=content.load_services(),
        faults=content.load_faults(),
        places=content.load_places(),
        clocks=content.load_clocks(),
        knowledge=NoKnowledge(),
        wordings={language: Wording(replies, language) for language in ("zh", "en")},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    """The community and who is in it."""

    database: Database
    clock: FixedClock
    community: Community
    resident: Resident
    conversation_id: int

    @asynccontextmanager
    async def work(self, actor: str = "token:test") -> AsyncIterator[Work]:
        """One committed piece of work."""
        async with self.database.transaction() as session:
            yield Work(session=session, now=self.clock.now(), community=self.community, actor=actor)

    async def said(self, conversation_id: int | None = None) -> list[Message]:
        """Everything said in a conversation, oldest first."""
        async with self.work() as work:
            return list(await conversations.recent(work, conversation_id or self.conversation_id))

    async def new_conversation(self, sender: str, *, resident: Resident | None = None) -> Conversation:
        """Another person's conversation."""
        async with self.work() as work:
            made = await conversations.enter(work, channel="rest", sender=sender)
            made.resident_id = resident.id if resident else None
            return made


async def build(
    database: Database, now: datetime = MONDAY, *, duty: bool = True, key: str = "small"
) -> Small:
    """Write it; with `duty` officer-1 and repairer-1 are on from 08:00 to 20:00 of that day."""
    prefix = "" if key == "small" else f"{key}-"
    async with database.transaction() as session:
        community = Community(key=key, name="小区", zone="Asia/Shanghai", demo=True, settings={})
        session.add(community)
        await session.flush()
        work = Work(session=session, now=now, community=community, actor="test")
        for name, role in ROLES.items():
            session.add(
                Staff(
                    id=prefix + name,
                    community_id=community.id,
                    name=f"名{name}",
                    role=role,
                    skills=[],
                    active=True,
                )
            )
        await session.flush()
        opens = work.local.replace(hour=8, minute=0)
        if duty:
            for name in ("officer-1", "repairer-1"):
                session.add(
                    Shift(staff_id=prefix + name, starts_at=opens, ends_at=opens + timedelta(hours=12))
                )
        home = await residents.home_at(work, building="5", unit="1", room="1203")
        person = await residents.register(
            work, name="王阿姨", home=home, language="zh", phone="+8613800000001"
        )
        person.key = f"{prefix}resident-1"
        await session.flush()
        conversation = await conversations.enter(work, channel="rest", sender=f"demo:{prefix}resident-1")
        assert conversation.resident_id == person.id
    return Small(
        database=database,
        clock=FixedClock(now),
        community=community,
        resident=person,
        conversation_id=conversation.id,
    )
