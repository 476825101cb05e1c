"""what contacts are told.

Revision 0005.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("contact", sa.Column("told", sa.String(length=8), nullable=False, server_default="all"))
    op.alter_column("contact", "told", server_default=None)


def downgrade() -> None:
    """Take back."""
    op.drop_column("contact", "told")
