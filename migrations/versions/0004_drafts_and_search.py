"""Drafts that several people write in, and words that messages are found by."""

from __future__ import annotations

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

from server.database.types import BigId, Json, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema here; what is stored can be found at once."""
    with op.batch_alter_table("message_versions") as table:
        table.add_column(sa.Column("writers", Json, nullable=False, server_default=sa.text("'[]'")))
        table.add_column(sa.Column("edits", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("edited_in", sa.String(32)))
        table.add_column(sa.Column("edited_at", UtcDateTime()))
    with op.batch_alter_table("message_versions") as table:
        for name in ("writers", "edits"):
            table.alter_column(name, server_default=None)
    op.create_index("ix_message_versions_urgent", "message_versions", ["urgent"])
    finds = op.create_table(
        "message_finds",
        sa.Column("id", BigId, sa.ForeignKey("message_versions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
        sa.Column("message_id", sa.String(100), nullable=False),
        sa.Column("intent", sa.String(48)),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("owner", sa.String(48), nullable=False),
        sa.Column("valid_from", UtcDateTime()),
        sa.Column("expires_at", UtcDateTime()),
        sa.Column("languages", sa.String(120), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
    )
    op.create_index("ix_message_finds_message_id", "message_finds", ["message_id"])
    op.create_index("ix_message_finds_state", "message_finds", ["state"])
    names = ("id", "message_id", "intent", "state", "owner")
    times = (sa.column("valid_from", UtcDateTime()), sa.column("expires_at", UtcDateTime()))
    rows = sa.table("message_versions", *map(sa.column, names), *times, sa.column("texts", Json))
    connection = op.get_bind()
    for row in connection.execute(sa.select(rows)).mappings().all():
        values = dict(row)
        texts = values.pop("texts")
        connection.execute(finds.insert().values(**values, languages=f" {' '.join(texts)} "[:120], words=_words(texts)))


def downgrade() -> None:
    """Takes it away again."""
    op.drop_table("message_finds")
    op.drop_index("ix_message_versions_urgent", "message_versions")
    with op.batch_alter_table("message_versions") as table:
        for name in ("edited_at", "edited_in", "edits", "writers"):
            table.drop_column(name)


def _words(texts: dict[str, dict[str, str]]) -> str:
    text = " ".join(text for channels in texts.values() for text in channels.values())
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(dict.fromkeys(re.findall(r"\w+", bare)))
