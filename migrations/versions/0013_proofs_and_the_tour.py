"""Wrong proofs counted for each session, a form kept while its proof is asked for, and how far a person is in the tour."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.database.types import UtcDateTime

revision = "0013"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema here. Whoever has an account already knows the pages and is shown no tour."""
    with op.batch_alter_table("staff_sessions") as table:
        table.add_column(sa.Column("tries", sa.Integer(), nullable=False, server_default=sa.text("0")))
        table.add_column(sa.Column("locked_until", UtcDateTime()))
        table.add_column(sa.Column("kept", sa.Text()))
    with op.batch_alter_table("staff_sessions") as table:
        table.alter_column("tries", server_default=None)
    with op.batch_alter_table("staff_users") as table:
        table.add_column(sa.Column("tour", sa.Integer()))


def downgrade() -> None:
    """Takes it away again."""
    with op.batch_alter_table("staff_users") as table:
        table.drop_column("tour")
    with op.batch_alter_table("staff_sessions") as table:
        table.drop_column("kept")
        table.drop_column("locked_until")
        table.drop_column("tries")
