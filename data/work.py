"""One piece of work on the database: the transaction it is in, the time it counts as, and who does it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from data import events
from data.models import Audit, Community


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Handed to every writer of `data`, so that clock, actor and transaction are never guessed.

    Locks are taken in one order everywhere: conversation, then timer, then alarm, hand-over, request. A piece of
    work that needs a conversation locks it first (`data.conversations.lock`).
    """

    session: AsyncSession  # inside an open transaction
    now: datetime  # the product's time, aware
    community: Community
    actor: str  # bot | resident | staff:<id> | token:<name> | device:<key>
    turn: str | None = None  # reference of the turn, as in the log

    def __post_init__(self) -> None:
        if self.now.tzinfo is None:
            raise ValueError("work needs a time with a zone")

    @property
    def zone(self) -> ZoneInfo:
        """The community's time zone."""
        return _zone(self.community.zone)

    @property
    def local(self) -> datetime:
        """Now, on the community's clock."""
        return self.now.astimezone(self.zone)

    def acting_as(self, actor: str) -> Work:
        """The same work in somebody else's name."""
        return replace(self, actor=actor)

    async def emit(self, topic: str, subject: str, **payload: object) -> None:
        """Tell the live views; commits and is heard with the work itself. No personal data in the payload."""
        await events.emit(
            self.session,
            community_id=self.community.id,
            topic=topic,
            subject=subject,
            at=self.now,
            payload=payload,
        )

    def audit(self, action: str, subject: str, **detail: object) -> None:
        """Write down who did or saw what (P6)."""
        self.session.add(
            Audit(
                community_id=self.community.id,
                at=self.now,
                actor=self.actor,
                action=action,
                subject=subject,
                detail=detail,
            )
        )
