"""Runs the migrations on the engine that the caller opened."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from server.database.tables import Base
from server.database.types import BigId, Json, UtcDateTime

_OURS = "from server.database.types import BigId, Json, UtcDateTime"


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Names our column types in a generated migration instead of spelling out what they are made of."""
    names = {id(BigId): "BigId", id(Json): "Json"}
    if kind == "type" and (isinstance(item, UtcDateTime) or id(item) in names or str(item) in ("JSON", "BIGINT")):
        autogen.imports.add(_OURS)
        return "UtcDateTime()" if isinstance(item, UtcDateTime) else "Json" if str(item) == "JSON" else "BigId"
    return False


engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
