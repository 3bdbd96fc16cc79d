"""What we were told we have, we have, after kill -9; and it is answered once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from server.assembly import Service, assemble
from server.clock import now
from server.conversations.ledger import LEASE
from server.conversations.models import Claim
from server.conversations.recovery import Recovery
from server.http.deps import ChannelDeps
from server.outbox.models import OutboundMessage
from server.settings import ROOT, Settings
from tests.server.harness import Resident, rows

QUESTION = "where is a shelter"


def deps(service: Service) -> ChannelDeps:
    return ChannelDeps(service.settings, service.spine, service.library, service.keys, service.sessions, service.wake)


@pytest.fixture
def after_the_kill(tmp_path: Path, database_url: str) -> Iterator[tuple[Service, Resident]]:
    """A new process on the database that the killed one left."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.server.conversations.dying"]
    arguments = [str(tmp_path), database_url, "test:killed", "SM1", QUESTION]
    died = subprocess.run([*command, *arguments], cwd=ROOT, timeout=120, check=False)
    assert died.returncode == 9
    service = assemble(Settings(data_dir=tmp_path, database_url=database_url), with_assistant=False)
    yield service, Resident(service.spine, key="test:killed")
    service.close()


async def test_the_message_is_there_and_is_answered_once(after_the_kill: tuple[Service, Resident]) -> None:
    service, writer = after_the_kill
    assert [row.state for row in rows(service, Claim)] == ["received"]
    assert writer.turns() == []
    assert await Recovery(deps(service)).once() == 0, "not while the other process might still be at it"
    with time_machine.travel(now() + LEASE + timedelta(seconds=1)):
        taken = await asyncio.gather(*(Recovery(deps(service)).once() for _ in range(3)))
        assert sum(taken) == 1
        assert await Recovery(deps(service)).once() == 0
    (turn,) = writer.turns()
    assert (turn.text, turn.topic) == (QUESTION, "shelter_locations")
    (row,) = rows(service, OutboundMessage)
    assert (row.state, row.inline) == ("queued", False)


async def test_twilios_retry_is_answered_in_its_own_response(after_the_kill: tuple[Service, Resident]) -> None:
    service, writer = after_the_kill
    reply = await writer.says(QUESTION, claim="SM1")
    assert (reply.topic, reply.duplicate) == ("shelter_locations", False)
    assert (await writer.says(QUESTION, claim="SM1")).duplicate
    with time_machine.travel(now() + LEASE + timedelta(seconds=1)):
        assert await Recovery(deps(service)).once() == 0
    assert len(writer.turns()) == len(rows(service, OutboundMessage)) == 1
