"""What residents asked and nobody had written an answer for, over the API: what to add to `data/faq` next (F8)."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from sqlalchemy import select

from bot.api import shapes
from bot.api.access import Access, Caller
from bot.api.again import Again
from bot.api.documents import errors
from bot.api.inputs import Paging, paging
from bot.api.lists import listed
from bot.api.views import View
from data import listing
from data.models import Conversation, Event, Message


def build(access: Access) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/questions", tags=["questions"], route_class=Again)

    @router.get("", responses=errors(), summary="List the questions that found no answer")
    async def every(
        caller: Caller = Depends(access.needs("officer", "lead", "admin")),
        page: Paging = Depends(paging),
    ) -> shapes.Listed[shapes.QuestionOut]:
        async with access.work(caller) as work:
            wanted = [
                Event.community_id == work.community.id,
                Event.topic == "knowledge",
                Event.payload["unknown"].as_boolean(),
            ]
            found = await listing.page(work, Event, *wanted, limit=page.limit, after=page.after)
            ids = {event.id: int(event.subject.removeprefix("message:")) for event in found.rows}
            rows = await work.session.scalars(
                select(Message)
                .join(Conversation, Conversation.id == Message.conversation_id)
                .where(Message.id.in_(ids.values()), Conversation.community_id == work.community.id)
            )
            asked = {message.id: message for message in rows}
            view = View(work=work, world=access.house.world)
            items = [
                shapes.QuestionOut(
                    id=event.id,
                    at=view.at(event.at),
                    conversation=asked[ids[event.id]].conversation_id,
                    text=asked[ids[event.id]].text,
                )
                for event in found.rows
                if ids[event.id] in asked  # erased with whoever asked it (P4)
            ]
            work.audit("questions.list", f"community:{work.community.id}")
            return listed(items, found)

    return router
