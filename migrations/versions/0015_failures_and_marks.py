"""Failed sign-ins by where they came from, and what each training is made of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.database.types import BigId, UtcDateTime

revision = "0015"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema here. Who waits at the sign-in may try at once."""
    op.create_table(
        "staff_failures",
        sa.Column("id", BigId, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["staff_users.id"], name=op.f("fk_staff_failures_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_failures")),
    )
    op.create_index("ix_staff_failures_user_id_at", "staff_failures", ["user_id", "at"])
    # Not in a batch, which would drop the table that the sessions point at and make it anew.
    op.drop_column("staff_users", "failures")
    op.drop_column("staff_users", "locked_until")
    op.add_column("learned_models", sa.Column("learns_from", sa.String(64)))


def downgrade() -> None:
    """Takes it away again."""
    op.drop_column("learned_models", "learns_from")
    op.add_column("staff_users", sa.Column("locked_until", UtcDateTime()))
    op.add_column("staff_users", sa.Column("failures", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.drop_index("ix_staff_failures_user_id_at", table_name="staff_failures")
    op.drop_table("staff_failures")
