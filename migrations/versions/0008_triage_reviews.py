"""Emergencies that residents took back, and the labelled examples that reviewers make of turns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.database.types import BigId, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema here."""
    op.create_table(
        "released_turns",
        sa.Column("turn_id", BigId, nullable=False),
        sa.Column("released_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_released_turns_turn_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("turn_id", name=op.f("pk_released_turns")),
    )
    op.create_table(
        "triage_reviews",
        sa.Column("id", BigId, nullable=False),
        sa.Column("turn_id", BigId, nullable=False),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("level", sa.String(8), nullable=False),
        sa.Column("category", sa.String(32)),
        sa.Column("expected_level", sa.String(8), nullable=False),
        sa.Column("expected_category", sa.String(32)),
        sa.Column("released", sa.Boolean(), nullable=False),
        sa.Column("said_at", UtcDateTime(), nullable=False),
        sa.Column("reviewer", sa.String(64), nullable=False),
        sa.Column("reviewed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_triage_reviews")),
        sa.UniqueConstraint("turn_id", name=op.f("uq_triage_reviews_turn_id")),
    )
    op.create_index(op.f("ix_triage_reviews_said_at"), "triage_reviews", ["said_at"])


def downgrade() -> None:
    """Takes it away again."""
    op.drop_index(op.f("ix_triage_reviews_said_at"), "triage_reviews")
    op.drop_table("triage_reviews")
    op.drop_table("released_turns")
