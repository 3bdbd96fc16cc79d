"""`spillway users`: staff accounts from the terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from server.cli.console import out
from server.cli.open import open_database
from server.staff.service import add_user, reset_user

app = typer.Typer(help="Staff accounts.", no_args_is_help=True)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What the person signs in as.")],
    role: Annotated[str, typer.Option(help="viewer, author, approver, agent, supervisor or administrator.")] = "agent",
) -> None:
    """Make an account and print its one-time password."""
    with open_database() as session:
        user, password = add_user(session, name=name, role=role, actor="terminal")
    out.print(f"{user.name} ({user.role}) signs in the first time with: [bold]{password}[/]")


@app.command()
def reset(name: Annotated[str, typer.Argument(help="Whose password is lost.")]) -> None:
    """Give an account a new one-time password and end its sessions."""
    with open_database() as session:
        password = reset_user(session, name=name, actor="terminal")
    out.print(f"{name} signs in with: [bold]{password}[/]")
