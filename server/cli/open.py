"""Opening the installation's database for one command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from server.database.engine import make_engine, make_sessions
from server.database.migrate import upgrade
from server.settings import get_settings


@contextmanager
def open_database() -> Iterator[Session]:
    """One transaction on the migrated database; rolled back when the command fails."""
    engine = make_engine(get_settings().database)
    try:
        upgrade(engine)
        with make_sessions(engine).begin() as session:
            yield session
    finally:
        engine.dispose()
