"""The communities of this installation, remembered so that a turn need not read them again."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from data.errors import AnlinError
from data.models import Community


class CommunityUnknown(AnlinError):
    """There is no community of that name, or none at all yet."""

    code = "community_unknown"


class Communities:
    """Looks a community up by key or id; without either, the installation's first."""

    def __init__(self) -> None:
        self._known: dict[str | int | None, Community] = {}

    async def get(
        self, session: AsyncSession, *, key: str | None = None, community_id: int | None = None
    ) -> Community:
        """The community, detached from any session. Raises CommunityUnknown."""
        wanted: str | int | None = key if key is not None else community_id
        found = self._known.get(wanted)
        if found is not None:
            return found
        statement = select(Community).order_by(Community.id).limit(1)
        if key is not None:
            statement = select(Community).where(Community.key == key)
        elif community_id is not None:
            statement = select(Community).where(Community.id == community_id)
        found = await session.scalar(statement)
        if found is None:
            raise CommunityUnknown(f"no community {wanted!r}; start with --demo or import one", wanted=wanted)
        session.expunge(found)
        self._known[wanted] = found
        return found

    def forget(self) -> None:
        """Read them anew: their settings changed."""
        self._known.clear()
