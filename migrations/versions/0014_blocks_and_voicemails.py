"""Residents who are not answered for a while, and messages that callers recorded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.database.types import BigId, UtcDateTime

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema here."""
    op.create_table(
        "blocks",
        sa.Column("id", BigId, nullable=False),
        sa.Column("who", sa.String(160), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("blocked_by", sa.String(64), nullable=False),
        sa.Column("blocked_at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("lifted_by", sa.String(64)),
        sa.Column("lifted_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blocks")),
    )
    op.create_index(op.f("ix_blocks_who"), "blocks", ["who"])
    op.create_table(
        "voicemails",
        sa.Column("id", BigId, nullable=False),
        sa.Column("conversation_id", BigId, nullable=False),
        sa.Column("recording", sa.String(64), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("transcript", sa.String(8), nullable=False),
        sa.Column("audio", sa.LargeBinary()),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("played_by", sa.String(64)),
        sa.Column("played_at", UtcDateTime()),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_voicemails_conversation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voicemails")),
        sa.UniqueConstraint("recording", name=op.f("uq_voicemails_recording")),
    )
    op.create_index(op.f("ix_voicemails_conversation_id"), "voicemails", ["conversation_id"])


def downgrade() -> None:
    """Takes it away again."""
    op.drop_index(op.f("ix_voicemails_conversation_id"), "voicemails")
    op.drop_table("voicemails")
    op.drop_index(op.f("ix_blocks_who"), "blocks")
    op.drop_table("blocks")
