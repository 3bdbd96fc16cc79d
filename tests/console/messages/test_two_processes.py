"""What is published in one process is said by another at once: two programs on one PostgreSQL database, a resident on each channel."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from server.app import create_app
from server.assembly import Service, assemble
from server.settings import Settings
from server.twilio.standin import StandIn, post_to_app
from tests.console.messages.writers import Office, local
from tests.server.harness import running
from tests.server.staffroom import SAME_SITE

MESSAGE = "sandbags.sites"
NUMBER = "+15555550100"
CALLER = "+12125550123"
QUESTION = "sandbags"


class Town:
    """One process and the residents who are served by it."""

    def __init__(self, app: FastAPI, service: Service, client: httpx.AsyncClient) -> None:
        token = service.settings.twilio_auth_token.get_secret_value()
        self.service, self.client = service, client
        self.carrier = StandIn(
            service.settings.twilio_account_sid, token, post_to_app(app, "http://testserver"), public_url="http://testserver"
        )

    async def by_text(self) -> str:
        return " ".join(await self.carrier.text(CALLER, NUMBER, QUESTION))

    async def by_web(self) -> str:
        assert (await self.client.post("/chat/sessions", headers=SAME_SITE)).status_code == 200
        said = await self.client.post("/chat/messages", json={"text": QUESTION, "client_id": uuid.uuid4().hex}, headers=SAME_SITE)
        return said.text

    async def by_phone(self) -> str:
        call = await self.carrier.call(CALLER, NUMBER)
        await call.say(QUESTION)
        return " ".join(call.heard)


@pytest.fixture
async def towns(tmp_path: Path, postgres_url: str) -> AsyncIterator[tuple[Town, Town]]:
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(2):
            settings = Settings(data_dir=tmp_path, database_url=postgres_url, twilio_number=NUMBER)
            service = assemble(settings, with_assistant=False)
            app = create_app(service.settings, address="http://testserver", service=service)
            client = await stack.enter_async_context(running(app))
            made.append(Town(app, service, client))
        yield made[0], made[1]


async def test_published_here_said_there(towns: tuple[Town, Town]) -> None:
    here, there = towns
    office = Office(here.client, here.service)
    await office.person("bo", "approver")
    for words in ("Sandbags are at Pier Nine.", "Sandbags are at Gate Seven."):
        draft = await office.begins("bo", MESSAGE)
        fields = {f"text.{language}.{channel}": words for language in ("en", "es") for channel in ("sms", "web", "voice")}
        assert (await office.writes("bo", draft, **fields)).status_code == 303
        done = await office.does("bo", draft, "publish", when="now", edits="1", expires_at=local(4))
        assert done.status_code == 303, re.findall(r'alert__text">([^<]*)', done.text)
        place = words.split(" at ")[1].rstrip(".")
        for town in towns:
            for heard in (await town.by_text(), await town.by_web(), await town.by_phone()):
                assert place in heard
        assert there.service.library.last_good.revision == here.service.library.last_good.revision
    assert (await office.does("bo", office.live(MESSAGE).id, "withdraw", reason="wrong")).status_code == 303
    for heard in (await there.by_text(), await there.by_web(), await there.by_phone()):
        assert "Gate Seven" not in heard
