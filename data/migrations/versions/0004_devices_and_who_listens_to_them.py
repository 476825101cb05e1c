"""devices: battery, way, wrong clocks, whom staff know of; which process listens to them.

Revision 0004.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "listener",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("client", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("connected", sa.Boolean(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fault", sa.String(length=200), nullable=True),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_listener")),
    )
    op.add_column("device", sa.Column("via", sa.String(length=8), nullable=True))
    op.add_column("device", sa.Column("battery", sa.Integer(), nullable=True))
    op.add_column(
        "device", sa.Column("battery_low", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    op.alter_column("device", "battery_low", server_default=None)
    op.add_column("device", sa.Column("announced_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("signal", sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("signal", "claimed_at")
    for name in ("announced_at", "battery_low", "battery", "via"):
        op.drop_column("device", name)
    op.drop_table("listener")
