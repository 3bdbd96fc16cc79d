"""The `spillway` command."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from server.cli import cap, chat, database, doctor, evaluate, facts, packs, rasa, replay, serve, train, triage, users
from server.errors import SpillwayError

app = typer.Typer(
    name="spillway",
    help="Answers the calls and texts that a 311 center cannot hold in a disaster.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("replay")(replay.replay)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("chat")(chat.chat)
app.command("triage")(triage.triage)
app.command("doctor")(doctor.doctor)
app.command("rasa", context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})(rasa.rasa)
app.add_typer(database.app, name="db")
app.add_typer(packs.app, name="packs")
app.add_typer(facts.app, name="facts")
app.add_typer(cap.app, name="cap")
app.add_typer(users.app, name="users")
app.add_typer(database.audit_app, name="audit")


def run() -> None:
    """Runs the command; an error made on purpose is one plain line and exit code 2."""
    try:
        app()
    except SpillwayError as error:
        Console(stderr=True).print(f"[bold red]{error.safe_text}[/]")
        sys.exit(2)
