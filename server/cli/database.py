"""`spillway db` and `spillway audit`: the database, its copies, and the proof of its record."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import URL, make_url

from server import clock
from server.audit.service import first_break, last_digest
from server.cli.console import out
from server.cli.open import open_database
from server.database.engine import make_engine, make_sessions
from server.database.migrate import current, head
from server.database.migrate import upgrade as run_migrations
from server.errors import BadInput, NotReady
from server.retention.rounds import purge as purge_all
from server.retention.rules import Rules
from server.settings import get_settings

app = typer.Typer(help="The database: bring up to date, back up, restore.", no_args_is_help=True)
audit_app = typer.Typer(help="The record of who did what.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Bring the schema up to date."""
    engine = make_engine(get_settings().database)
    try:
        before = current(engine)
        run_migrations(engine)
        out.print(f"Schema {before or 'empty'} -> {head()}")
    finally:
        engine.dispose()


@app.command()
def backup(target: Annotated[Path, typer.Argument(help="The file to write; must not exist.")]) -> None:
    """Copy the database to a file while the service runs."""
    if target.exists():
        raise BadInput(f"{target} exists; choose another name.")
    url = make_url(get_settings().database)
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(_sqlite_file(url.database))) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
    else:
        _postgres("pg_dump", "--format=custom", f"--file={target}", _dbname(url))
    out.print(f"Copied to {target} ({target.stat().st_size:,} bytes)")


@app.command()
def restore(source: Annotated[Path, typer.Argument(help="A file that `db backup` wrote.")]) -> None:
    """Replace the database with a copy. Stop the service first; the database that is replaced is kept beside it."""
    if not source.is_file():
        raise BadInput(f"There is no file {source}.")
    url = make_url(get_settings().database)
    if url.get_backend_name() == "sqlite":
        target = Path(_sqlite_file(url.database, must_exist=False))
        with closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as copy:
            if not _is_whole(copy):
                raise BadInput(f"{source} is no database or damaged; nothing was changed.")
            kept = f"{target}.replaced-{clock.now():%Y%m%dT%H%M%S}"
            # The write-ahead log holds what was written last; it goes with its database.
            for ending in ("", "-wal", "-shm"):
                if Path(f"{target}{ending}").exists():
                    Path(f"{target}{ending}").rename(f"{kept}{ending}")
            with closing(sqlite3.connect(target)) as database:
                copy.backup(database)
    else:
        _postgres(
            "pg_restore",
            "--clean",
            "--if-exists",
            _dbname(url),
            str(source),
        )
    upgrade()


@app.command()
def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would go, and change nothing.")] = False,
) -> None:
    """Remove what residents left with us and is past its time. The service does the same once a day."""
    settings = get_settings()
    rules = Rules.of(settings)
    engine = make_engine(settings.database)
    try:
        run_migrations(engine)
        counts = purge_all(make_sessions(engine), rules=rules, actor="command line", dry_run=dry_run)
    finally:
        engine.dispose()
    if rules.hold:
        out.print("A legal hold is set (SPILLWAY_KEEP_HOLD): nothing is removed.")
        return
    held = counts.pop("held_back", 0)
    out.print("Would remove:" if dry_run else "Removed:")
    for name, count in sorted(counts.items()) or [("nothing", 0)]:
        out.print(f"  {name.replace('_', ' ')}: {count:,}", highlight=False)
    if held:
        out.print(f"{held:,} older conversations stay: something in them is open, owed, unheard or younger.", highlight=False)


@audit_app.command()
def verify() -> None:
    """Prove that no row of the audit record was changed or removed."""
    with open_database() as session:
        broken, (count, digest) = first_break(session), last_digest(session)
    if broken is not None:
        raise NotReady(f"The audit record is broken at row {broken}: it or a row before it was changed.")
    out.print(f"The audit record is whole: {count} rows.")
    out.print(f"The last one is {digest}; a later record that does not hold it has lost rows.", highlight=False)


def _is_whole(copy: sqlite3.Connection) -> bool:
    try:
        return bool(copy.execute("PRAGMA integrity_check").fetchone()[0] == "ok")
    except sqlite3.DatabaseError:
        return False


def _sqlite_file(database: str | None, *, must_exist: bool = True) -> str:
    if not database or (must_exist and not Path(database).exists()):
        raise NotReady(f"There is no database at {database or 'memory'} yet; run `spillway serve` or `spillway db upgrade`.")
    return database


def _dbname(url: URL) -> str:
    return f"--dbname={url.set(drivername='postgresql').render_as_string(hide_password=False)}"


def _postgres(*command: str) -> None:
    if shutil.which(command[0]) is None:
        raise NotReady(f"{command[0]} is not installed; it comes with PostgreSQL's client programs.")
    subprocess.run(command, check=True)
