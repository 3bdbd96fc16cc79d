"""What was published, and what was done, since a moment: found without reading all that ever was."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema here."""
    op.create_index("ix_message_versions_published", "message_versions", ["state", "published_at", "author", "approver"])
    op.create_index("ix_audit_action_at", "audit", ["action", "at"])
    op.drop_index("ix_audit_action", table_name="audit")


def downgrade() -> None:
    """Takes it away again."""
    op.create_index("ix_audit_action", "audit", ["action"])
    op.drop_index("ix_audit_action_at", table_name="audit")
    op.drop_index("ix_message_versions_published", table_name="message_versions")
