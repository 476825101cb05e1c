"""Conversations: who is in them, what was said, who owns them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import contains_eager

from data import residents
from data.crypto import blind_index
from data.errors import NotFound
from data.models import Conversation, Home, Message, Outgoing, Resident
from data.work import Work

FETCHING = frozenset({"rest", "web", "terminal", "chat"})
"""Channels whose clients fetch what was said (with a cursor). One sender has one conversation over all of them, so
that a person who changes from the page to the terminal goes on where they were."""

DIRECT = "direct"


def room(channel: str) -> str:
    """The conversation's channel for a message that came in on `channel`."""
    return DIRECT if channel in FETCHING else channel


def _index(work: Work, where: str, sender: str) -> bytes:
    """A sender's blind index: the same name in two communities is two people (P10)."""
    return blind_index(f"sender:{work.community.id}:{where}:{sender}")


def _locked(condition: Any) -> Any:
    # NO KEY UPDATE: rows that refer to the conversation may still be written by others while a turn runs.
    return (
        select(Conversation)
        .outerjoin(Conversation.resident)
        .outerjoin(Resident.home)
        .options(contains_eager(Conversation.resident).contains_eager(Resident.home))
        .where(condition)
        .with_for_update(key_share=True, of=Conversation)
        .execution_options(populate_existing=True)
    )


async def enter(work: Work, *, channel: str, sender: str) -> Conversation:
    """The conversation of that sender, made when it is new, locked until the work ends."""
    where = room(channel)
    index = _index(work, where, sender)
    condition = (Conversation.channel == where) & (Conversation.sender_index == index)
    found: Conversation | None = await work.session.scalar(_locked(condition))
    if found is not None:
        return found
    resident = await residents.by_sender(work, sender)
    await work.session.execute(
        insert(Conversation)
        .values(
            community_id=work.community.id,
            channel=where,
            sender=sender,
            sender_index=index,
            resident_id=resident.id if resident else None,
            language=resident.language if resident else "zh",
            owner="bot",
            state={},
            created_at=work.now,
            read_to=0,
        )
        .on_conflict_do_nothing(index_elements=["channel", "sender_index"])
    )
    made: Conversation = (await work.session.scalars(_locked(condition))).one()
    return made


async def find(work: Work, *, channel: str, sender: str) -> Conversation | None:
    """The conversation of that sender, if there is one; not locked."""
    where = room(channel)
    index = _index(work, where, sender)
    found: Conversation | None = await work.session.scalar(
        select(Conversation).where(Conversation.channel == where, Conversation.sender_index == index)
    )
    return found


async def lock(work: Work, conversation_id: int) -> Conversation:
    """Lock a conversation for the length of the work; with its resident and home. Raises NotFound."""
    locked: Conversation | None = await work.session.scalar(_locked(Conversation.id == conversation_id))
    if locked is None:
        raise NotFound("no such conversation", conversation=conversation_id)
    return locked


async def of_resident(work: Work, resident_id: int) -> Conversation | None:
    """Where a resident was last heard, or is asked: the conversation with the newest message; not locked."""
    found: Conversation | None = await work.session.scalar(
        select(Conversation)
        .where(Conversation.resident_id == resident_id)
        .order_by(Conversation.last_in_at.desc().nulls_last(), Conversation.id)
        .limit(1)
    )
    return found


async def hear(
    work: Work,
    conversation: Conversation,
    *,
    external_id: str | None,
    text: str,
    payload: dict[str, Any] | None,
    via: str,
) -> Message | None:
    """Write down what came in. None when this message id was heard before (it is then answered from the record)."""
    statement = insert(Message).values(
        conversation_id=conversation.id,
        author="resident",
        external_id=external_id,
        text=text,
        payload=payload,
        via=via,
        at=work.now,
        turn=work.turn,
    )
    if external_id is not None:
        statement = statement.on_conflict_do_nothing(
            index_elements=["conversation_id", "external_id"], index_where=Message.external_id.is_not(None)
        )
    message = await work.session.scalar(statement.returning(Message))
    if message is not None:
        conversation.last_in_at = work.now
        await work.emit("message", f"conversation:{conversation.id}", message=message.id, author="resident")
    return message


async def say(
    work: Work,
    conversation: Conversation,
    *,
    text: str,
    author: str = "bot",
    payload: dict[str, Any] | None = None,
    answers: Message | None = None,
    about: str | None = None,
) -> Message:
    """Say something to a person. On a channel that must be pushed to, the delivery is queued with it.

    `payload`: {buttons?: [{title, payload}], speech?: str, image?: str, custom?: {}, kind?: "emergency"}.
    """
    message: Message | None = await work.session.scalar(
        insert(Message)
        .values(
            conversation_id=conversation.id,
            author=author,
            text=text,
            payload=payload,
            answers=answers.id if answers else None,
            via=answers.via if answers else None,
            at=work.now,
            turn=work.turn,
        )
        .returning(Message)
    )
    assert message is not None
    if conversation.channel != DIRECT:
        work.session.add(
            Outgoing(
                community_id=work.community.id,
                channel=conversation.channel,
                conversation_id=conversation.id,
                message_id=message.id,
                target=conversation.sender,
                body={"text": text, **(payload or {})},
                about=about,
                due_at=work.now,
                created_at=work.now,
            )
        )
    await work.emit("message", f"conversation:{conversation.id}", message=message.id, author=author)
    return message


async def answers_to(work: Work, conversation: Conversation, external_id: str) -> Sequence[Message]:
    """What was answered to a message that had been heard before, in order."""
    heard = (
        select(Message.id)
        .where(Message.conversation_id == conversation.id, Message.external_id == external_id)
        .scalar_subquery()
    )
    return (
        await work.session.scalars(select(Message).where(Message.answers == heard).order_by(Message.id))
    ).all()


async def messages_after(
    work: Work,
    conversation: Conversation,
    cursor: int,
    *,
    unless_answered_via: str | None = None,
    limit: int = 200,
) -> Sequence[Message]:
    """What was said after a cursor (a message id), oldest first.

    `unless_answered_via="rest"` leaves out the person's own messages and what was the direct answer to a POST.
    """
    statement = select(Message).where(Message.conversation_id == conversation.id, Message.id > cursor)
    if unless_answered_via is not None:
        statement = statement.where(
            Message.author != "resident", or_(Message.via.is_(None), Message.via != unless_answered_via)
        )
    return (await work.session.scalars(statement.order_by(Message.id).limit(limit))).all()


async def recent(work: Work, conversation_id: int, limit: int = 50) -> Sequence[Message]:
    """The last messages, oldest first."""
    newest = (
        select(Message)
        .where(Message.conversation_id == conversation_id)
        .order_by(Message.id.desc())
        .limit(limit)
    )
    return list(reversed((await work.session.scalars(newest)).all()))


async def last_id(work: Work, conversation_id: int) -> int:
    """The id of the newest message; 0 when nothing was said."""
    last = await work.session.scalar(
        select(func.max(Message.id)).where(Message.conversation_id == conversation_id)
    )
    return last or 0


async def own(work: Work, conversation: Conversation, owner: str, staff_id: str | None = None) -> None:
    """Change who answers: `bot`, `queue`, or `staff` with their id. The only place that does (H1)."""
    if (owner == "staff") != (staff_id is not None):
        raise ValueError("a conversation owned by staff needs exactly one of them")
    await work.session.execute(
        update(Conversation).where(Conversation.id == conversation.id).values(owner=owner, staff_id=staff_id)
    )
    conversation.owner = owner
    conversation.staff_id = staff_id
    await work.emit("conversation", f"conversation:{conversation.id}", owner=owner, staff=staff_id)


async def with_home(work: Work, resident_id: int) -> tuple[Resident, Home | None]:
    """A resident and their home."""
    row = (
        await work.session.execute(
            select(Resident, Home)
            .outerjoin(Home, Resident.home_id == Home.id)
            .where(Resident.id == resident_id)
        )
    ).one()
    return row[0], row[1]
