"""Staff accounts limited to some owners, and the time of a session's last proof."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.database.types import Json, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema here."""
    with op.batch_alter_table("staff_users") as table:
        table.add_column(sa.Column("owners", Json, nullable=False, server_default=sa.text("'[]'")))
    with op.batch_alter_table("staff_users") as table:
        table.alter_column("owners", server_default=None)
    # Who was signed in before signs in again: their sessions hold no proof.
    op.execute("DELETE FROM staff_sessions")
    with op.batch_alter_table("staff_sessions") as table:
        table.add_column(sa.Column("proved_at", UtcDateTime(), nullable=False))


def downgrade() -> None:
    """Takes it away again."""
    with op.batch_alter_table("staff_sessions") as table:
        table.drop_column("proved_at")
    with op.batch_alter_table("staff_users") as table:
        table.drop_column("owners")
