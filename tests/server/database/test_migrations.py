"""The migrations make exactly the tables that the program has, on both engines, there and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Integer, MetaData, Table, inspect, select
from sqlalchemy.exc import StatementError

from server.database.engine import make_engine, make_sessions, reading
from server.database.migrate import alembic_config, current, head, upgrade
from server.database.tables import Base
from server.database.types import UtcDateTime
from server.settings import ROOT
from tests.server.databases import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'empty.db'}"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory(str(ROOT / "migrations")).get_heads()) == 1


def test_up_there_and_back_and_up_again(empty_url: str) -> None:
    engine = make_engine(empty_url)
    try:
        assert current(engine) is None
        upgrade(engine)
        upgrade(engine)
        assert current(engine) == head()
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, Base.metadata) == []
        command.downgrade(alembic_config(engine), "base")
        assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
        upgrade(engine)
        assert set(inspect(engine).get_table_names()) >= set(Base.metadata.tables)
    finally:
        engine.dispose()


def test_times_are_utc_and_aware_or_refused(empty_url: str) -> None:
    table = Table("times", MetaData(), Column("id", Integer, primary_key=True), Column("at", UtcDateTime))
    engine = make_engine(empty_url)
    here = datetime(2026, 9, 14, 8, 30, tzinfo=timezone(timedelta(hours=-4)))
    try:
        table.metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(table.insert().values(id=1, at=here))
            found = connection.scalar(select(table.c.at))
        assert found is not None
        assert (found, found.tzinfo) == (here, UTC)
        with pytest.raises(StatementError), engine.begin() as connection:
            connection.execute(table.insert().values(id=2, at=here.replace(tzinfo=None)))
    finally:
        engine.dispose()


def test_sqlite_waits_writes_through_and_reads_beside_a_writer(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'a.db'}")
    try:
        upgrade(engine)
        with engine.connect() as connection:
            pragmas = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            }
        assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
        with make_sessions(engine).begin(), reading(make_sessions(engine)) as session:
            assert session.connection().exec_driver_sql("SELECT count(*) FROM turns").scalar() == 0
    finally:
        engine.dispose()


def test_a_template_is_whole(postgres: PostgresServer, postgres_url: str) -> None:
    engine = make_engine(postgres_url)
    try:
        assert current(engine) == head()
    finally:
        engine.dispose()
