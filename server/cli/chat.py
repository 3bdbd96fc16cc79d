"""`spillway chat`: talk to the assistant in the terminal."""

from __future__ import annotations

import asyncio
import uuid
from typing import Annotated

import typer

from server.cli.console import out, quiet_libraries
from server.cli.scratch import scratch_service
from server.conversations.turn import Channel, Inbound, Reply
from server.settings import get_settings


def chat(
    channel: Annotated[str, typer.Option(help="Answer as by sms, web or ivr.")] = "sms",
    show: Annotated[bool, typer.Option(help="Show outcome, topic and message ids under each reply.")] = True,
) -> None:
    """Talk to the assistant as a resident would, against a scratch database."""
    quiet_libraries("ERROR")
    with scratch_service(get_settings()) as service:
        out.print("[dim]Type a message; an empty line ends.[/]")
        session = uuid.uuid4().hex
        number = 0
        while text := _read():
            number += 1
            inbound = Inbound(
                channel=Channel(channel), claim=f"chat:{session}:{number}", key=f"chat:{session}", text=text, person=session
            )
            _show(asyncio.run(service.spine.handle(inbound)), show)


def _read() -> str:
    try:
        return input("> ").strip()
    except EOFError:
        return ""


def _show(reply: Reply, details: bool) -> None:
    for part in reply.parts:
        out.print(part.text, style="bold red" if part.role == "card" else "", markup=False)
    if details:
        ids = ", ".join(part.reference for part in reply.parts)
        out.print(f"[dim]{reply.outcome.value} · {reply.topic or '-'} · {reply.level} · {reply.engine} · {ids}[/]")
