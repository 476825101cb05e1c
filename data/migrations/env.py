"""Run by Alembic: applies the migrations on the connection that `Database.upgrade` hands over (P1)."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy.types import LargeBinary

from data.crypto import EncryptedJSON, EncryptedText
from data.models import Base


def render_item(kind: str, item: Any, autogen_context: AutogenContext) -> str | Literal[False]:
    """Write encrypted columns as what the database sees: a migration must not change when our types do."""
    if kind == "type" and isinstance(item, EncryptedText | EncryptedJSON):
        return f"sa.{LargeBinary.__name__}()"
    return False


context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_item=render_item
)
with context.begin_transaction():
    context.run_migrations()
