"""Agents' telephones, and the calls that they take in them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.database.types import BigId, UtcDateTime

revision = "0010"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema here."""
    with op.batch_alter_table("staff_users") as table:
        table.add_column(sa.Column("phone", sa.Text(), nullable=True))
    op.create_table(
        "voice_legs",
        sa.Column("id", BigId, nullable=False),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("conversation_id", BigId, nullable=False),
        sa.Column("handoff_id", BigId, nullable=False),
        sa.Column("agent", sa.String(64), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("call_sid", sa.String(64), nullable=True),
        sa.Column("phase", sa.String(8), nullable=False),
        sa.Column("phase_at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("joined_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=op.f("fk_voice_legs_conversation_id")),
        sa.ForeignKeyConstraint(["handoff_id"], ["handoffs.id"], name=op.f("fk_voice_legs_handoff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voice_legs")),
        sa.UniqueConstraint("token", name=op.f("uq_voice_legs_token")),
    )
    for name in ("conversation_id", "handoff_id", "agent", "phase"):
        op.create_index(op.f(f"ix_voice_legs_{name}"), "voice_legs", [name])


def downgrade() -> None:
    """Takes it away again."""
    op.drop_table("voice_legs")
    with op.batch_alter_table("staff_users") as table:
        table.drop_column("phone")
