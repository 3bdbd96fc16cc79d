"""Two hundred residents waiting and fifty agents with open live boards on one server process: how soon a change of the line shows.

    python -m benchmarks.desk_load
    python -m benchmarks.desk_load --waiting 200 --agents 50 --changes 120

The server is a process of its own on SQLite, as `spillway serve` runs it, without Rasa, which has no part in this. Each agent's
page is a client with its event stream and its heartbeat. A change is an agent who takes the first in line, or a resident who asks
for a person by the web chat; the time counts from the sending of that request until each board has the event with the new line.
The next change comes when the one before has been seen by all, half a second after it at the earliest."""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import secrets
import shutil
import statistics
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import uvicorn
from rich.console import Console
from rich.table import Table

from bot.channels.web.sessions import HEADER
from desk.presence import HEARTBEAT_SECONDS, choose
from server import clock
from server.app import create_app
from server.assembly import Service, assemble, prepare
from server.conversations.turn import Channel, Inbound
from server.settings import Settings
from server.staff.access import COOKIE
from server.staff.models import StaffSession, StaffUser
from server.staff.service import session_hash

EVERY: Final = 0.5
PATIENCE: Final = 20.0
LINK: Final = re.compile(r'href="/desk/c/([^?"]+)')
SAME_SITE: Final = {"sec-fetch-site": "same-origin"}


@dataclass
class Agent:
    """One agent's open board."""

    name: str
    token: str
    line: list[str] = field(default_factory=list)
    references: dict[str, str] = field(default_factory=dict)
    total: int = -1
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    heard_at: float = 0.0
    bytes: int = 0

    async def watch(self, client: httpx.AsyncClient) -> None:
        """Follows the board until it is cancelled."""
        headers = {"cookie": f"{COOKIE}={self.token}", "accept": "text/event-stream"}
        async with client.stream("GET", "/desk/events?board=1&lang=en", headers=headers, timeout=None) as stream:
            stream.raise_for_status()
            async for line in stream.aiter_lines():
                self.bytes += len(line)
                if line.startswith("data: {"):
                    news = json.loads(line[6:])
                    self.references |= {key: LINK.findall(html)[0] for key, html in news["items"].items()}
                    self.line = news["lists"].get("b-line", self.line)
                    self.total, self.heard_at = news["total"], time.perf_counter()
                    self.changed.set()

    async def sees(self, total: int) -> float:
        """When the board had so many in line."""
        async with asyncio.timeout(PATIENCE):
            while self.total != total:
                self.changed.clear()
                await self.changed.wait()
        return self.heard_at

    async def beat(self, client: httpx.AsyncClient) -> None:
        """Says now and then that the page is open, as the page does."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await client.post("/desk/heartbeat", headers=SAME_SITE | {"cookie": f"{COOKIE}={self.token}"})


def serve(folder: Path, port: int) -> None:
    """The server process."""
    settings = Settings(
        data_dir=folder, twilio_number="+15555550100", model_path=folder / "none", public_url=f"http://127.0.0.1:{port}"
    )
    app = create_app(settings, service=assemble(settings, with_assistant=False))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error")


async def fill(service: Service, *, waiting: int, agents: int) -> list[Agent]:
    """Residents in line and agents at the desk."""
    for number in range(waiting):
        key = f"load:{number}"
        language = "es" if number % 3 == 0 else "en"
        first = "my mother uses a wheelchair" if number % 5 == 0 else "where is a shelter"
        for step, text in enumerate((first, "agent")):
            claim = f"{key}:{step}"
            await service.spine.handle(Inbound(channel=Channel.WEB, claim=claim, key=key, text=text, language=language))
    now = clock.now()
    found = [Agent(f"agent{number}", secrets.token_urlsafe(32)) for number in range(agents)]
    with service.sessions.begin() as session:
        for number, agent in enumerate(found):
            # Nobody signs in with a password here: fifty hashes would take longer than all the rest.
            language = "es" if number % 4 == 0 else "en"
            user = StaffUser(name=agent.name, role="agent", password_hash="none", language=language, created_at=now)
            session.add(user)
            session.flush()
            until = now + timedelta(hours=1)
            session.add(
                StaffSession(
                    token_hash=session_hash(agent.token),
                    user_id=user.id,
                    created_at=now,
                    expires_at=until,
                    last_seen_at=now,
                    proved_at=now,
                    half=False,
                    device="load",
                )
            )
            choose(session, name=agent.name, state="available").capacity = 20
    return found


async def measure(agents: list[Agent], *, port: int, waiting: int, changes: int) -> tuple[list[float], list[float]]:
    """The seconds until each board had each change, and until the request itself was answered."""
    limits = httpx.Limits(max_connections=None)
    seen: list[float] = []
    answered: list[float] = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=PATIENCE) as client:
        await ready(client)
        async with asyncio.TaskGroup() as tasks:
            open_now: list[asyncio.Task[None]] = []
            for agent in agents:
                open_now += [tasks.create_task(agent.watch(client)), tasks.create_task(agent.beat(client))]
            total = waiting
            await asyncio.gather(*(agent.sees(total) for agent in agents))
            for number in range(changes):
                begun = time.perf_counter()
                if number % 2:
                    total += 1
                    await arrive(client, number)
                else:
                    total -= 1
                    await take(client, agents[number % len(agents)])
                answered.append(time.perf_counter() - begun)
                seen += [at - begun for at in await asyncio.gather(*(agent.sees(total) for agent in agents))]
                await asyncio.sleep(max(EVERY - (time.perf_counter() - begun), 0))
            for task in open_now:
                task.cancel()
    return seen, answered


async def ready(client: httpx.AsyncClient) -> None:
    """Waits until the server answers."""
    async with asyncio.timeout(60):
        while True:
            try:
                if (await client.get("/healthz")).status_code == 200:
                    return
            except httpx.ConnectError:
                await asyncio.sleep(0.2)


async def take(client: httpx.AsyncClient, agent: Agent) -> None:
    """Takes the first in line as the button does."""
    first = agent.references[agent.line[0]]
    answer = await client.post(f"/desk/c/{first}/take", headers=SAME_SITE | {"cookie": f"{COOKIE}={agent.token}"})
    assert answer.status_code == 303, answer.status_code


async def arrive(client: httpx.AsyncClient, number: int) -> None:
    """A resident opens the chat and asks for a person."""
    address = {"x-forwarded-for": f"198.51.{number // 250}.{number % 250 + 1}"} | SAME_SITE
    client.cookies.clear()
    opened = await client.post("/chat/sessions", headers=address)
    opened.raise_for_status()
    sent = {"client_id": uuid.uuid4().hex, "text": "agent"}
    answer = await client.post("/chat/messages", json=sent, headers=address | {HEADER: opened.json()["session"]})
    answer.raise_for_status()


def share(values: list[float], part: float) -> float:
    """The value that so large a part of all stays below."""
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("waiting", 200), ("agents", 50), ("changes", 120), ("port", 8391)):
        parser.add_argument(f"--{name}", type=int, default=value)
    wanted = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="spillway-load-"))
    server: Any = None
    try:
        settings = Settings(data_dir=folder, twilio_number="+15555550100", model_path=folder / "none")
        prepare(settings)
        service = assemble(settings, with_assistant=False)
        agents = asyncio.run(fill(service, waiting=wanted.waiting, agents=wanted.agents))
        service.close()
        server = multiprocessing.get_context("spawn").Process(target=serve, args=(folder, wanted.port))
        server.start()
        seen, answered = asyncio.run(measure(agents, port=wanted.port, waiting=wanted.waiting, changes=wanted.changes))
    finally:
        if server is not None:
            server.terminate()
            server.join()
        shutil.rmtree(folder, ignore_errors=True)
    table = Table("measure", "value", title=f"{wanted.waiting} waiting, {wanted.agents} live boards, {wanted.changes} changes")
    table.add_row("a change is on a board after, median", f"{statistics.median(seen):.3f} s")
    table.add_row("95 % within", f"{share(seen, 0.95):.3f} s")
    table.add_row("99 % within", f"{share(seen, 0.99):.3f} s")
    table.add_row("all within", f"{max(seen):.3f} s")
    table.add_row("the request itself answered, 95 % within", f"{share(answered, 0.95):.3f} s")
    table.add_row("sent to one board in all", f"{statistics.mean(agent.bytes for agent in agents) / 1024:.0f} KB")
    table.add_row("load of the machine (1 min) on its cores", f"{os.getloadavg()[0]:.1f} on {os.cpu_count()}")
    Console().print(table)


if __name__ == "__main__":
    main()
