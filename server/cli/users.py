"""`spillway users`: staff accounts from the terminal."""

from __future__ import annotations

from typing import Annotated

import segno
import typer

from server.cli.console import out
from server.cli.open import open_database
from server.identity.keys import Keys
from server.secrets import with_secrets
from server.settings import get_settings
from server.staff.people import find
from server.staff.second_factor import address, enrol, new_secret
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


@app.command()
def second_factor(name: Annotated[str, typer.Argument(help="Who has the phone with the authenticator app at hand.")]) -> None:
    """Set up a second factor before live mode begins: shows the code to scan, asks for a code, prints recovery codes."""
    keys = Keys.from_secret(with_secrets(get_settings()).secret_key.get_secret_value())
    with open_database() as session:
        user = find(session, name=name)
    secret = new_secret()
    segno.make(address(secret, name=user.name, issuer="Spillway 311")).terminal(compact=True)
    out.print(f"Scan the picture with the authenticator app of {user.name}, or type this key into it: [bold]{secret}[/]")
    code = typer.prompt("The six digits that the app shows now")
    with open_database() as session:
        codes = enrol(session, user_id=user.id, secret=secret, code=code, keys=keys)
    out.print("Each of these recovery codes lets the person in once without the phone; they are shown only now:")
    out.print("\n".join(codes))
