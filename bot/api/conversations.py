"""Conversations over the API: list, look at; each look inside is written down (H3, P6)."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy import ColumnElement

from bot.api import shapes
from bot.api.access import OFFICE, Access, Caller, known
from bot.api.again import Again
from bot.api.documents import errors
from bot.api.inputs import REF, Name, Paging, paging
from bot.api.lists import listed, of_resident
from bot.api.views import View
from data import conversations, listing
from data.errors import NotFound
from data.models import Conversation, Message
from data.work import Work


async def find(work: Work, reference: str) -> Conversation:
    """A conversation by id; raises NotFound."""
    number = known(reference)
    found = (
        await work.session.get(Conversation, int(number)) if number.isdigit() and len(number) < 19 else None
    )
    if found is None or found.community_id != work.community.id:
        raise NotFound("no such conversation")
    return found


def build(access: Access) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/conversations", tags=["conversations"], route_class=Again)
    office = Depends(access.needs(*OFFICE))

    @router.get("", responses=errors(), summary="List conversations")
    async def every(
        caller: Caller = office,
        page: Paging = Depends(paging),
        owner: Literal["bot", "queue", "staff"] | None = Query(None),
        resident: Name | None = Query(None, description="Id, key, or demo sender name"),
    ) -> shapes.Listed[shapes.ConversationOut]:
        async with access.work(caller) as work:
            wanted: list[ColumnElement[bool]] = [Conversation.community_id == work.community.id]
            if owner is not None:
                wanted.append(Conversation.owner == owner)
            wanted += await of_resident(work, Conversation.resident_id, resident)
            found = await listing.page(work, Conversation, *wanted, limit=page.limit, after=page.after)
            view = View(work=work, world=access.house.world)
            items = [view.conversation(row) for row in found.rows]
            return listed(items, found)

    @router.get("/{id}", responses=errors(), summary="Look at a conversation, with its last messages")
    async def one(ref: str = REF, caller: Caller = office) -> shapes.ConversationFull:
        async with access.work(caller) as work:
            found = await find(work, ref)
            work.audit("conversation.view", f"conversation:{found.id}")
            messages = await conversations.recent(work, found.id)
            return View(work=work, world=access.house.world).conversation_full(found, messages)

    @router.get("/{id}/messages", responses=errors(), summary="List the messages, newest first")
    async def messages(
        ref: str = REF, caller: Caller = office, page: Paging = Depends(paging)
    ) -> shapes.Listed[shapes.MessageOut]:
        async with access.work(caller) as work:
            found = await find(work, ref)
            work.audit("conversation.view", f"conversation:{found.id}")
            mine = Message.conversation_id == found.id
            rows = await listing.page(work, Message, mine, limit=page.limit, after=page.after)
            view = View(work=work, world=access.house.world)
            items = [view.message(row) for row in rows.rows]
            return listed(items, rows)

    return router
