"""One engine a process, on SQLite (WAL) or PostgreSQL, and the sessions made from it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.orm import Session, sessionmaker

Sessions = sessionmaker[Session]
LOCK_WAIT: Final = 5
"""Seconds that a transaction waits for another writer on SQLite. A turn has two of them, and Twilio gives up after fifteen."""
_SYNCED: Final = "synchronous"


def make_engine(url: str) -> Engine:
    """An engine for `url`. SQLite gets write-ahead logging, foreign keys, a wait for locks, and transactions that begin where
    SQLAlchemy begins them; the folder of a new file is made."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
        return create_engine(parsed, pool_size=10, max_overflow=20, pool_pre_ping=True, pool_timeout=5)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": LOCK_WAIT, "check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def commit_with_the_next(session: Session) -> None:
    """Lets the commit of this transaction reach the disk with the next one instead of waiting for it: it survives the end of the
    process, and a loss of power only as far as a later transaction does.

    For a transaction of which nobody is told before a later one has committed. To be called before anything else is done in the
    session. SQLite: WAL with `synchronous=NORMAL` (https://www.sqlite.org/pragma.html#pragma_synchronous). PostgreSQL:
    `synchronous_commit=off` (https://www.postgresql.org/docs/current/wal-async-commit.html)."""
    connection = session.connection(execution_options={"commit_with_the_next": True})
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL synchronous_commit TO OFF")


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={LOCK_WAIT * 1000}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    # A deferred transaction that reads first and writes later fails at once when another writer came between.
    options = connection.get_execution_options()
    read_only = options.get("read_only")
    if not read_only:
        synced = "NORMAL" if options.get("commit_with_the_next") else "FULL"
        if connection.info.get(_SYNCED, "FULL") != synced:
            connection.exec_driver_sql(f"PRAGMA synchronous={synced}")
            connection.info[_SYNCED] = synced
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def make_sessions(engine: Engine) -> Sessions:
    """The factory of sessions; objects stay readable after the commit."""
    return sessionmaker(engine, expire_on_commit=False)


@contextmanager
def reading(sessions: Sessions) -> Iterator[Session]:
    """A session that only reads and therefore waits for no writer."""
    with sessions() as session:
        session.connection(execution_options={"read_only": True})
        yield session
