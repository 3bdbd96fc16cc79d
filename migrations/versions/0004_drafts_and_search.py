"""Drafts that several people write in, and words that messages are found by."""

from __future__ import annotations

import json
import re
import unicodedata

import sqlalchemy as sa
from alembic import op

from server.database.types import Json, UtcDateTime

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema here; what is stored can be found at once."""
    with op.batch_alter_table("message_versions") as table:
        table.add_column(sa.Column("words", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("writers", Json, nullable=False, server_default=sa.text("'[]'")))
        table.add_column(sa.Column("edits", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("edited_in", sa.String(32)))
        table.add_column(sa.Column("edited_at", UtcDateTime()))
    with op.batch_alter_table("message_versions") as table:
        for name in ("words", "writers", "edits"):
            table.alter_column(name, server_default=None)
    rows = sa.table("message_versions", sa.column("id"), sa.column("texts", Json), sa.column("words", sa.Text()))
    connection = op.get_bind()
    for identity, texts in connection.execute(sa.select(rows.c.id, rows.c.texts)).all():
        connection.execute(rows.update().where(rows.c.id == identity).values(words=_words(texts)))


def downgrade() -> None:
    """Takes it away again."""
    with op.batch_alter_table("message_versions") as table:
        for name in ("edited_at", "edited_in", "edits", "writers", "words"):
            table.drop_column(name)


def _words(texts: dict[str, dict[str, str]] | str) -> str:
    read = json.loads(texts) if isinstance(texts, str) else texts
    text = " ".join(text for channels in read.values() for text in channels.values())
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(dict.fromkeys(re.findall(r"\w+", bare)))
