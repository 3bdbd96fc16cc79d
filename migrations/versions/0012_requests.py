"""Requests with tracking numbers: damage reports, everyday problems, call backs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.database.types import BigId, Json, UtcDateTime

revision = "0012"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema here."""
    op.create_table(
        "service_requests",
        sa.Column("id", BigId, nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("fields", Json, nullable=False),
        sa.Column("contact", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("state_at", UtcDateTime(), nullable=False),
        sa.Column("conversation_id", BigId, nullable=False),
        sa.Column("person", sa.String(length=64), nullable=True),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("once", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=op.f("fk_service_requests_conversation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_requests")),
        sa.UniqueConstraint("once", name=op.f("uq_service_requests_once")),
        sa.UniqueConstraint("reference", name=op.f("uq_service_requests_reference")),
    )
    for name in ("kind", "state", "conversation_id", "person", "made_at"):
        op.create_index(op.f(f"ix_service_requests_{name}"), "service_requests", [name])


def downgrade() -> None:
    """Takes it away again."""
    op.drop_table("service_requests")
