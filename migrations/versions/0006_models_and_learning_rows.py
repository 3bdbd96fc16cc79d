"""Models of the assistant with their files, and the sentences that staff took from conversations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.database.types import BigId, Json, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema here."""
    op.create_table(
        "learned_models",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("begun_at", UtcDateTime()),
        sa.Column("beat_at", UtcDateTime()),
        sa.Column("done_at", UtcDateTime()),
        sa.Column("digest", sa.String(64)),
        sa.Column("report", Json),
        sa.Column("error", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("promoted_by", sa.String(64)),
        sa.Column("promoted_at", UtcDateTime()),
    )
    op.create_index("ix_learned_models_state", "learned_models", ["state"])
    op.create_table(
        "learned_model_files",
        sa.Column("model_id", BigId, sa.ForeignKey("learned_models.id"), primary_key=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "learning_rows",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("use", sa.String(8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("plain", sa.String(300), nullable=False, unique=True),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("intent", sa.String(48), nullable=False),
        sa.Column("turn_id", BigId),
        sa.Column("added_by", sa.String(64), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_learning_rows_intent", "learning_rows", ["intent"])


def downgrade() -> None:
    """Takes it away again."""
    for table in ("learning_rows", "learned_model_files", "learned_models"):
        op.drop_table(table)
