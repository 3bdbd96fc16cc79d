"""`spillway serve`: everything in one process."""

from __future__ import annotations

import gc
import socket
from ipaddress import ip_address
from typing import Annotated

import typer
import uvicorn

from server.app import create_app
from server.assembly import keep_in_memory, prepare
from server.cli.console import Steps, err, out, progress_bar, quiet_libraries
from server.database.engine import make_engine, make_sessions
from server.errors import BadInput
from server.settings import Settings, get_settings
from server.staff.service import add_user, count_users


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8311,
) -> None:
    """Serve residents and staff. On a new machine: makes the database, loads the packs, trains the model, and starts in training
    mode for the fictional Harbor City."""
    settings = get_settings()
    quiet_libraries(settings.log_level)
    _port_is_free(host, port)
    with progress_bar() as bar:
        prepare(settings, progress=Steps(bar))
    password = first_administrator(settings)
    # What is loaded from here on is all kept: rounds of the collector would only take time. `keep_in_memory` lets it go on.
    gc.disable()
    app = create_app(settings, address=f"http://{host}:{port}")
    announce(settings, host, port, password)
    keep_in_memory()
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=10)


def first_administrator(settings: Settings) -> str | None:
    """Makes the first account where there is none, and gives its one-time password."""
    engine = make_engine(settings.database)
    try:
        with make_sessions(engine).begin() as session:
            if count_users(session):
                return None
            return add_user(session, name="admin", role="administrator", actor="serve")[1]
    finally:
        engine.dispose()


def announce(settings: Settings, host: str, port: int, password: str | None) -> None:
    """Prints where everything is."""
    anywhere = ip_address(host).is_unspecified or ip_address(host).is_loopback if host.replace(".", "").isdigit() else ":" in host
    base = settings.public_url or f"http://{'localhost' if anywhere else host}:{port}"
    out.print()
    if not settings.live:
        out.print("[bold yellow]TRAINING MODE[/] Harbor City is fictional. No resident is served.")
    out.print(f"  Web chat     {base}/chat/")
    if not settings.live:
        out.print(f"  Simulator    {base}/simulator/   (text and call without Twilio)")
    out.print(f"  Agents       {base}/desk/")
    out.print(f"  Health       {base}/readyz")
    if password:
        out.print(f"  Sign in as [bold]admin[/] with the one-time password [bold]{password}[/] (shown only now)")
    out.print("  Stop with Ctrl+C")


def _port_is_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            err.print()
            raise BadInput(f"Cannot listen on {host}:{port} ({error.strerror}). Choose another with --port.") from error
