"""The time bank: whose hours stand where, and every move of them (F11)."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from data.crypto import EncryptedText
from data.models.base import Base, Id, Key, Moment


class LedgerAccount(Base):
    """What somebody has, in minutes. The pot gives out what residents earn and takes what they redeem, so that all
    balances of a community add up to zero; only the pot may be below zero."""

    __tablename__ = "ledger_account"
    __table_args__ = (
        CheckConstraint("kind = 'pot' OR balance >= 0", name="not_overdrawn"),
        CheckConstraint("(kind = 'resident') = (resident_id IS NOT NULL)", name="owner"),
        Index(
            "uq_ledger_account_shared",
            "community_id",
            "kind",
            unique=True,
            postgresql_where=text("resident_id IS NULL"),
        ),
    )

    id: Mapped[Id]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    kind: Mapped[str] = mapped_column(String(12))  # resident | pot
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"), unique=True)
    balance: Mapped[int] = mapped_column(default=0)  # minutes; always the sum of its transfers


class LedgerTransfer(Base):
    """Minutes from one account to another: never changed, never deleted; a mistake is put right by another one."""

    __tablename__ = "ledger_transfer"
    __table_args__ = (
        CheckConstraint("minutes > 0", name="forward"),
        CheckConstraint("source_id <> target_id", name="between_two"),
        Index("uq_ledger_transfer_key", "community_id", "key", unique=True),
        Index("ix_ledger_transfer_source", "source_id", "id"),
        Index("ix_ledger_transfer_target", "target_id", "id"),
    )

    id: Mapped[Id]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    key: Mapped[str] = mapped_column(String(120))  # what it is for, e.g. given:request:12; twice is once
    source_id: Mapped[int] = mapped_column(ForeignKey("ledger_account.id"))
    target_id: Mapped[int] = mapped_column(ForeignKey("ledger_account.id"))
    minutes: Mapped[int]
    reason: Mapped[Key]  # given | redeemed | returned | forfeited
    note: Mapped[str | None] = mapped_column(EncryptedText)  # in words, e.g. 陪聊
    about: Mapped[Key | None]  # the case it belongs to, e.g. request:12
    actor: Mapped[Key]  # resident | bot | staff:<id>
    at: Mapped[Moment]
