"""The REST interface over the demo community, for tests: a client, and a way to what is behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from bot.api.app import build_api
from bot.clock import FixedClock
from bot.communities import Communities
from bot.house import House
from bot.outbox import Outbox
from bot.settings import Settings
from bot.turn import Turns
from bot.voice_room import VoiceRoom
from data import conversations, demo_fill, handoffs, requests, residents, tokens
from data.database import Database
from data.events import EventStream
from data.models import Community, Conversation, Handoff, Request, Resident
from data.work import Work
from flows import registry
from nlu.engine import Parser
from nlu.understanding import Context, Emergency, Entity, Intent
from tests.small_community import world

ADMIN = "the-token-of-the-administrator"
MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
"""Ten in the morning in Shanghai."""


class Deaf:
    """Understands nothing: nobody speaks to the bot in these tests."""

    name = "deaf"

    async def classify(self, text: str) -> Sequence[Intent]:
        return (Intent(name="out_of_scope", confidence=0.0),)

    def judge(self, text: str, context: Context) -> Emergency | None:
        return None

    def extract(self, text: str, context: Context) -> Sequence[Entity]:
        return ()


@dataclass(slots=True)
class Desk:
    """The interface, and a way to what is behind it."""

    house: House
    app: FastAPI
    clock: FixedClock
    client: httpx.AsyncClient

    async def call(
        self, method: str, path: str, status: int = 200, token: str | None = ADMIN, **given: Any
    ) -> Any:
        """One call; checks the status and that errors are problem documents; gives the body."""
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        answer = await self.client.request(
            method, path, headers={**headers, **given.pop("headers", {})}, **given
        )
        assert answer.status_code == status, (answer.status_code, answer.text[:300])
        if status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == status
        return answer.json()

    async def get(self, path: str, status: int = 200, token: str | None = ADMIN, **params: Any) -> Any:
        return await self.call("GET", path, status, token, **({"params": params} if params else {}))

    async def post(
        self, path: str, body: Any = None, status: int = 200, token: str | None = ADMIN, **given: Any
    ) -> Any:
        return await self.call("POST", path, status, token, json={} if body is None else body, **given)

    @asynccontextmanager
    async def work(self, actor: str = "resident") -> AsyncIterator[Work]:
        async with self.house.work(actor) as work:
            yield work

    async def token(self, role: str, staff_id: str | None = None) -> str:
        async with self.work("test") as work:
            return await tokens.create(work, name=f"{role}-token", role=role, staff_id=staff_id)

    async def resident(self, key: str) -> Resident:
        async with self.work() as work:
            found = await residents.by_reference(work, key)
            assert found is not None
            return found

    async def talk(self, key: str = "resident-1") -> Conversation:
        """A demo resident's conversation."""
        async with self.work() as work:
            return await conversations.enter(work, channel="rest", sender=f"demo:{key}")

    async def said(self, conversation_id: int) -> list[str]:
        async with self.work() as work:
            return [m.text for m in await conversations.recent(work, conversation_id)]

    async def case(self, kind: str = "repair", key: str = "resident-1", **fields: Any) -> Request:
        talk = await self.talk(key)
        async with self.work() as work:
            return await requests.open_case(
                work, kind=kind, resident_id=talk.resident_id, conversation_id=talk.id, **fields
            )

    async def handoff(self, sender: str) -> Handoff:
        """A stranger's conversation in the queue."""
        async with self.work() as work:
            talk = await conversations.enter(work, channel="rest", sender=sender)
            made, _ = await handoffs.open_handoff(work, talk, reason="asked", summary="要找工作人员")
            return made

    async def community(self) -> Community:
        async with self.work() as work:
            return work.community


@asynccontextmanager
async def open_desk(database: Database) -> AsyncIterator[Desk]:
    """Fill an empty database with the demo and put the interface before it."""
    async with database.transaction() as session:
        await demo_fill.fill(session, now=MONDAY)
    clock = FixedClock(MONDAY)
    deaf = Deaf()
    house = House(
        settings=Settings(_env_file=None, admin_token=SecretStr(ADMIN)),  # type: ignore[call-arg]  # pydantic-settings' own
        clock=clock,
        database=database,
        events=EventStream(database),
        world=world(),
        turns=Turns(
            database=database,
            clock=clock,
            parser=Parser(engine=deaf, net=deaf, extractor=deaf),
            world=world(),
            engine=registry.engine(),
            timers=registry.TIMERS,
            communities=Communities(),
        ),
        voice=cast(VoiceRoom, None),  # nobody speaks here
        outbox=Outbox(database, clock, {}),
    )
    app = build_api(house)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        yield Desk(house=house, app=app, clock=clock, client=client)
