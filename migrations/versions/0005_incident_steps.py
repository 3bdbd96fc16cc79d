"""The steps of an incident's checklist that somebody did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.database.types import BigId, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema here."""
    op.create_table(
        "incident_steps",
        sa.Column("incident_id", BigId, nullable=False),
        sa.Column("step", sa.String(64), nullable=False),
        sa.Column("done_by", sa.String(64), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_incident_steps_incident_id")),
        sa.PrimaryKeyConstraint("incident_id", "step", name=op.f("pk_incident_steps")),
    )


def downgrade() -> None:
    """Takes it away again."""
    op.drop_table("incident_steps")
