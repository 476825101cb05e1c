"""Conversations, what was said in them, and what still has to be delivered."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data.crypto import EncryptedJSON, EncryptedText
from data.models.base import Base, Id, Key, Moment
from data.models.resident import Resident


class Conversation(Base):
    """One sender on one channel. Its row is locked for the length of a turn: that is what keeps order."""

    __tablename__ = "conversation"
    __table_args__ = (Index("ix_conversation_sender", "channel", "sender_index", unique=True),)

    id: Mapped[Id]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), index=True)
    channel: Mapped[Key]  # `direct` for the channels that fetch (rest, web, terminal, chat), else telegram …
    sender: Mapped[str] = mapped_column(EncryptedText)  # the channel's name for the person
    sender_index: Mapped[bytes] = mapped_column(LargeBinary)
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"), index=True)
    owner: Mapped[str] = mapped_column(String(8), default="bot")  # bot | queue | staff (H1)
    staff_id: Mapped[str | None] = mapped_column(ForeignKey("staff.id"))  # with owner == "staff"
    language: Mapped[str] = mapped_column(String(2), default="zh")
    state: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON, default=dict)  # flows.state.Dialogue as JSON
    created_at: Mapped[Moment]
    last_in_at: Mapped[Moment | None]
    read_to: Mapped[int] = mapped_column(BigInteger, default=0)  # last message id the client confirmed

    resident: Mapped[Resident | None] = relationship(lazy="raise")


class Message(Base):
    """One thing said, by whom and when. Ids rise within a conversation in the order of what was said."""

    __tablename__ = "message"
    __table_args__ = (
        Index(
            "uq_message_external",
            "conversation_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id IS NOT NULL"),
        ),
        Index("ix_message_order", "conversation_id", "id"),
        Index("ix_message_answers", "answers", postgresql_where=text("answers IS NOT NULL")),
    )

    id: Mapped[Id]
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    author: Mapped[Key]  # resident | bot | staff:<id>
    external_id: Mapped[str | None] = mapped_column(String(200))  # the channel's id of an incoming message
    answers: Mapped[int | None] = mapped_column(BigInteger)  # id of the incoming message this answers
    via: Mapped[str | None] = mapped_column(
        String(16)
    )  # rest, web, terminal …: where it came in or was answered
    text: Mapped[str] = mapped_column(EncryptedText)
    payload: Mapped[dict[str, Any] | None] = mapped_column(
        EncryptedJSON
    )  # buttons, image, speech, kind, custom
    at: Mapped[Moment]
    turn: Mapped[str | None] = mapped_column(String(32))  # reference of the turn, as in the log (O5)


class Outgoing(Base):
    """One delivery to do over a channel that must be pushed to, or to a contact or member of staff (N7)."""

    __tablename__ = "outgoing"
    __table_args__ = (
        Index("ix_outgoing_due", "due_at", postgresql_where=text("state = 'pending'")),
        Index("ix_outgoing_conversation", "conversation_id", "id"),
    )

    id: Mapped[Id]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    channel: Mapped[Key]  # telegram, notify …
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    target: Mapped[str] = mapped_column(EncryptedText)  # chat id, Apprise address
    body: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)  # {text, buttons?, title?}
    about: Mapped[Key | None]  # what it is about, e.g. `alarm:12`
    state: Mapped[str] = mapped_column(String(8), default="pending")  # pending | sent | failed
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[Moment]
    lease_until: Mapped[Moment | None]
    sent_at: Mapped[Moment | None]
    error: Mapped[str | None] = mapped_column(String(300))  # the last one, without personal data
    created_at: Mapped[Moment]
