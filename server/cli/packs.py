"""`spillway packs`: check, import and export what may be said."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from knowledge.lint import check_packs
from knowledge.packs import export_packs, load_packs
from knowledge.report import knowledge_report
from server.assembly import PACKS_DIR, TRAINING_PACKS
from server.cli.console import out
from server.cli.open import open_database
from server.errors import BadInput
from server.settings import ROOT, get_settings

app = typer.Typer(help="Packs of topics, messages and facts.", no_args_is_help=True)
Folder = Annotated[Path, typer.Option(help="The folder that holds the packs.", exists=True, file_okay=False)]


@app.command()
def check(folder: Folder = PACKS_DIR) -> None:
    """Check every text of every pack: length, reading grade, numbers, links, placeholders, languages."""
    findings = check_packs(folder)
    for finding in findings:
        out.print(f"{finding.level:8} {finding.file}  {finding.field}: {finding.text}", markup=False)
    errors = sum(finding.level == "error" for finding in findings)
    out.print(f"{errors} errors, {len(findings) - errors} warnings")
    if errors:
        raise typer.Exit(1)


@app.command("import")
def import_(
    folder: Folder = PACKS_DIR,
    name: Annotated[list[str] | None, typer.Option(help="A pack to import; several may be given.")] = None,
) -> None:
    """Load packs into the knowledge base; what changed becomes a new version."""
    with open_database() as session:
        names = tuple(name or TRAINING_PACKS)
        report = load_packs(session, packs_dir=folder, names=names, actor="terminal", training=not get_settings().live)
    out.print(str(report))


@app.command("export")
def export(target: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")]) -> None:
    """Write what is published to files of the same format."""
    if target.exists():
        raise BadInput(f"{target} exists; choose another name.")
    with open_database() as session:
        written = export_packs(session, target=target)
    out.print(f"Wrote {written} files to {target}")


@app.command("report")
def report(
    folder: Folder = PACKS_DIR,
    write: Annotated[bool, typer.Option("--write", help="Write docs/knowledge.md instead of printing.")] = False,
) -> None:
    """Show which words answer which topic in which phase, how hard they read, and how long they are."""
    text = knowledge_report(folder)
    if write:
        target = ROOT / "docs" / "knowledge.md"
        target.write_text(text, "utf-8")
        out.print(f"Wrote {target}", markup=False)
    else:
        typer.echo(text, nl=False)
