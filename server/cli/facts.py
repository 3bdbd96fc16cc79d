"""`spillway facts`: the facts of one type out to a spreadsheet, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer

from knowledge.fact_tables import TableImport, export_table, read_table, write_table
from knowledge.library import Library
from server import clock
from server.cli.console import out
from server.cli.open import open_database

app = typer.Typer(help="Facts that messages quote: shelters, closures, status lines.", no_args_is_help=True)
_CHANGES: Final = {"new": "new", "changed": "changed", "same": "the same"}
Type = Annotated[str, typer.Argument(metavar="TYPE", help="The type, such as shelter, road_closure or status.")]


@app.command("export")
def export(type_: Type, file: Annotated[Path, typer.Argument(metavar="FILE", help="The CSV file to write.")]) -> None:
    """Write the facts of a type to a CSV file."""
    with open_database() as session:
        table = export_table(session, type=type_, zone=_zone(Library.read(session)))
    file.write_text(table, "utf-8", newline="")
    out.print(f"Wrote {file}", markup=False)


@app.command("import")
def import_(
    type_: Type,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The CSV file to read.", exists=True, dir_okay=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
) -> None:
    """Take the facts of a type from a CSV file: all of it, or nothing when one row is wrong."""
    with open_database() as session:
        library = Library.read(session)
        table = read_table(
            session, type=type_, content=file.read_bytes(), zone=_zone(library), now=clock.now(), owners=library.owners
        )
        _report(table)
        if table.errors:
            out.print(f"{len(table.errors)} errors. Nothing was changed.")
            raise typer.Exit(1)
        if not dry_run:
            write_table(session, table=table, actor="terminal", file=file.name)
    counts = ", ".join(f"{table.count(change)} {word}" for change, word in _CHANGES.items())
    out.print(f"{'Would be' if dry_run else 'Done'}: {counts}, {table.kept} not in the file and kept.")


def _report(table: TableImport) -> None:
    for problem in table.problems:
        out.print(f"{problem.level:8} {problem}", markup=False)


def _zone(library: Library) -> ZoneInfo:
    return ZoneInfo(str(library.city.get("time_zone", "UTC")))
