"""What goes to a city's own desk, what it told us, and whether it answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.database.types import BigId, Json, UtcDateTime

revision = "0011"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema here."""
    op.create_table(
        "outside_threads",
        sa.Column("id", BigId, nullable=False),
        sa.Column("handoff_id", BigId, nullable=False),
        sa.Column("conversation_id", BigId, nullable=False),
        sa.Column("outside_id", sa.String(64)),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("told_turn", sa.Integer(), nullable=False),
        sa.Column("told_text", BigId, nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime()),
        sa.ForeignKeyConstraint(["handoff_id"], ["handoffs.id"], name=op.f("fk_outside_threads_handoff_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_outside_threads_conversation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outside_threads")),
        sa.UniqueConstraint("handoff_id", name=op.f("uq_outside_threads_handoff_id")),
    )
    for column in ("conversation_id", "outside_id", "state"):
        op.create_index(op.f(f"ix_outside_threads_{column}"), "outside_threads", [column])
    op.create_table(
        "outside_parcels",
        sa.Column("id", BigId, nullable=False),
        sa.Column("thread_id", BigId, nullable=False),
        sa.Column("dedupe_key", sa.String(140), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("turn_seq", sa.Integer()),
        sa.Column("text_id", BigId),
        sa.Column("detail", Json, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(64)),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime()),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["outside_threads.id"], name=op.f("fk_outside_parcels_thread_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outside_parcels")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_outside_parcels_dedupe_key")),
    )
    op.create_index("ix_outside_parcels_due", "outside_parcels", ["state", "next_attempt_at"])
    op.create_index(op.f("ix_outside_parcels_thread_id"), "outside_parcels", ["thread_id"])
    op.create_table(
        "outside_events",
        sa.Column("key", sa.String(140), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_outside_events")),
    )
    op.create_index(op.f("ix_outside_events_received_at"), "outside_events", ["received_at"])
    op.create_table(
        "outside_health",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("looked_at", UtcDateTime(), nullable=False),
        sa.Column("answered_at", UtcDateTime()),
        sa.Column("failing_since", UtcDateTime()),
        sa.Column("error", sa.String(64)),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_outside_health")),
    )


def downgrade() -> None:
    """Takes it away again."""
    op.drop_table("outside_health")
    op.drop_table("outside_events")
    op.drop_table("outside_parcels")
    op.drop_table("outside_threads")
