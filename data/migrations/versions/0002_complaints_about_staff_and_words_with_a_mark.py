"""complaints about staff, and words with a mark.

Revision 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("request", sa.Column("about_staff", sa.String(length=64), nullable=True))
    op.add_column("handoff", sa.Column("rating_words", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("handoff", "rating_words")
    op.drop_column("request", "about_staff")
