"""The zones that a version of a message is for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.database.types import Json

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema here."""
    with op.batch_alter_table("message_versions") as table:
        table.add_column(sa.Column("zones", Json, nullable=False, server_default=sa.text("'[]'")))
    with op.batch_alter_table("message_versions") as table:
        table.alter_column("zones", server_default=None)


def downgrade() -> None:
    """Takes it away again."""
    with op.batch_alter_table("message_versions") as table:
        table.drop_column("zones")
