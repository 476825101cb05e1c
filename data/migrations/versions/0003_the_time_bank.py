"""the time bank.

Revision 0003.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "ledger_account",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=True),
        sa.Column("balance", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind = 'pot' OR balance >= 0", name=op.f("ck_ledger_account_not_overdrawn")),
        sa.CheckConstraint(
            "(kind = 'resident') = (resident_id IS NOT NULL)", name=op.f("ck_ledger_account_owner")
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_ledger_account_community_id_community")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["resident.id"], name=op.f("fk_ledger_account_resident_id_resident")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_account")),
        sa.UniqueConstraint("resident_id", name=op.f("uq_ledger_account_resident_id")),
    )
    op.create_index(
        "uq_ledger_account_shared",
        "ledger_account",
        ["community_id", "kind"],
        unique=True,
        postgresql_where=sa.text("resident_id IS NULL"),
    )
    op.create_table(
        "ledger_transfer",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("about", sa.String(length=64), nullable=True),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("minutes > 0", name=op.f("ck_ledger_transfer_forward")),
        sa.CheckConstraint("source_id <> target_id", name=op.f("ck_ledger_transfer_between_two")),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=op.f("fk_ledger_transfer_community_id_community")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["ledger_account.id"], name=op.f("fk_ledger_transfer_source_id_ledger_account")
        ),
        sa.ForeignKeyConstraint(
            ["target_id"], ["ledger_account.id"], name=op.f("fk_ledger_transfer_target_id_ledger_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transfer")),
    )
    op.create_index("uq_ledger_transfer_key", "ledger_transfer", ["community_id", "key"], unique=True)
    op.create_index("ix_ledger_transfer_source", "ledger_transfer", ["source_id", "id"])
    op.create_index("ix_ledger_transfer_target", "ledger_transfer", ["target_id", "id"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("ledger_transfer")
    op.drop_table("ledger_account")
