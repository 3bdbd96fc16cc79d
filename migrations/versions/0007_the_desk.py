"""The desk: states and leases of handoffs, the agents' presence, and notes between staff."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.database.types import BigId, Json, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_RENAMED = (("accepted", "agent"), ("returned", "bot"))
_HANDOFFS = sa.table("handoffs", sa.column("state", sa.String))


def upgrade() -> None:
    """Brings the schema here."""
    op.create_table(
        "desk_agents",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("shown_as", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("state_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("languages", Json, nullable=False),
        sa.Column("skills", Json, nullable=False),
        sa.Column("agent_group", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_desk_agents")),
    )
    op.create_table(
        "desk_notes",
        sa.Column("id", BigId, nullable=False),
        sa.Column("conversation_id", BigId, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=op.f("fk_desk_notes_conversation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_notes")),
    )
    op.create_index(op.f("ix_desk_notes_conversation_id"), "desk_notes", ["conversation_id"])
    with op.batch_alter_table("handoffs") as table:
        table.add_column(sa.Column("front", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("state_at", UtcDateTime(), nullable=True))
        table.add_column(sa.Column("wanted_group", sa.String(length=64), nullable=True))
        table.add_column(sa.Column("refused", Json, nullable=False, server_default=sa.text("'[]'")))
        table.add_column(sa.Column("lease_until", UtcDateTime(), nullable=True))
        table.add_column(sa.Column("read_turn", sa.Integer(), nullable=False, server_default=sa.text("0")))
        table.add_column(sa.Column("settled", sa.String(length=24), nullable=True))
        table.add_column(sa.Column("helped", sa.Boolean(), nullable=True))
    op.execute("UPDATE handoffs SET state_at = coalesce(ended_at, accepted_at, queued_at)")
    for before, after in _RENAMED:
        op.execute(_HANDOFFS.update().where(_HANDOFFS.c.state == before).values(state=after))
    with op.batch_alter_table("handoffs") as table:
        table.alter_column("state_at", nullable=False)
        for name in ("front", "refused", "read_turn"):
            table.alter_column(name, server_default=None)
        for name in ("accepted_by", "lease_until", "queued_at"):
            table.create_index(op.f(f"ix_handoffs_{name}"), [name])


def downgrade() -> None:
    """Takes it away again."""
    # What the older program does not know is waiting, with an agent, or over.
    op.execute("UPDATE handoffs SET state = 'queued' WHERE state IN ('offered', 'callback')")
    op.execute("UPDATE handoffs SET state = 'closed' WHERE state IN ('wrapup', 'lost')")
    for before, after in _RENAMED:
        op.execute(_HANDOFFS.update().where(_HANDOFFS.c.state == after).values(state=before))
    with op.batch_alter_table("handoffs") as table:
        for name in ("accepted_by", "lease_until", "queued_at"):
            table.drop_index(op.f(f"ix_handoffs_{name}"))
        for name in ("helped", "settled", "read_turn", "lease_until", "refused", "wanted_group", "state_at", "front"):
            table.drop_column(name)
    op.drop_table("desk_notes")
    op.drop_table("desk_agents")
