"""The second factor of staff accounts, and what a session tells its owner."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.database.types import BigId, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema here."""
    with op.batch_alter_table("staff_users") as table:
        table.add_column(sa.Column("totp_secret", sa.Text(), nullable=True))
        table.add_column(sa.Column("totp_step", BigId, nullable=True))
    with op.batch_alter_table("staff_sessions") as table:
        table.add_column(sa.Column("half", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("device", sa.String(length=120), nullable=False, server_default=""))
    with op.batch_alter_table("staff_sessions") as table:
        table.alter_column("half", server_default=None)
        table.alter_column("device", server_default=None)
    op.create_table(
        "staff_recovery_codes",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["staff_users.id"], name=op.f("fk_staff_recovery_codes_user_id")),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_staff_recovery_codes")),
    )
    with op.batch_alter_table("staff_recovery_codes") as table:
        table.create_index(op.f("ix_staff_recovery_codes_user_id"), ["user_id"], unique=False)
    with op.batch_alter_table("audit") as table:
        table.create_index(op.f("ix_audit_actor"), ["actor"], unique=False)
        table.create_index(op.f("ix_audit_at"), ["at"], unique=False)


def downgrade() -> None:
    """Takes it away again."""
    with op.batch_alter_table("audit") as table:
        table.drop_index(op.f("ix_audit_at"))
        table.drop_index(op.f("ix_audit_actor"))
    op.drop_table("staff_recovery_codes")
    with op.batch_alter_table("staff_sessions") as table:
        table.drop_column("device")
        table.drop_column("half")
    with op.batch_alter_table("staff_users") as table:
        table.drop_column("totp_step")
        table.drop_column("totp_secret")
