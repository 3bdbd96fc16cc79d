"""Signing in with the city's identity provider, and the browsers that a person signed in with, each by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.database.types import BigId, UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema here. Browsers that were known are known again after their next sign-in."""
    op.create_table(
        "staff_identities",
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("bound_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["staff_users.id"], name=op.f("fk_staff_identities_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_staff_identities")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_staff_identities_issuer_subject")),
    )
    op.create_table(
        "staff_visits",
        sa.Column("state_hash", sa.String(64), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_staff_visits")),
    )
    op.create_table(
        "staff_browsers",
        sa.Column("browser_hash", sa.String(64), nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("device", sa.String(120), nullable=False),
        sa.Column("known_since", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["staff_users.id"], name=op.f("fk_staff_browsers_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("browser_hash", "user_id", name=op.f("pk_staff_browsers")),
    )
    op.create_index("ix_staff_browsers_user_id", "staff_browsers", ["user_id"])
    op.add_column("staff_users", sa.Column("email", sa.String(254)))
    op.create_index("ix_staff_users_email", "staff_users", ["email"], unique=True)
    op.add_column("staff_sessions", sa.Column("vouched", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("staff_sessions", sa.Column("browser_hash", sa.String(64)))


def downgrade() -> None:
    """Takes it away again."""
    op.drop_column("staff_sessions", "browser_hash")
    op.drop_column("staff_sessions", "vouched")
    op.drop_index("ix_staff_users_email", table_name="staff_users")
    op.drop_column("staff_users", "email")
    op.drop_index("ix_staff_browsers_user_id", table_name="staff_browsers")
    op.drop_table("staff_browsers")
    op.drop_table("staff_visits")
    op.drop_table("staff_identities")
