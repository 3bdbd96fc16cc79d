"""A correction reaches residents of every channel in every process at once: two whole programs on one PostgreSQL database."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from server.app import create_app
from server.assembly import Service, assemble
from server.settings import Settings
from server.twilio.standin import StandIn, post_to_app
from tests.console.facts.test_pages import FACTS, fact, tap
from tests.server.harness import running
from tests.server.staffroom import SAME_SITE, signed_in

OURS, RESIDENT = "+15555550100", "+12125550171"
ADDRESS = "http://testserver"


@dataclass
class Process:
    """One process with a carrier of its own."""

    service: Service
    client: httpx.AsyncClient
    carrier: StandIn

    async def hears(self, question: str) -> dict[str, str]:
        """What residents of this process are told on each channel, each for the first time."""
        sms = await self.carrier.text(f"+1212555{uuid.uuid4().int % 10000:04}", OURS, question)
        self.client.cookies.delete("spillway_chat")
        assert (await self.client.post("/chat/sessions", headers=SAME_SITE)).status_code == 200
        chat = await self.client.post(
            "/chat/messages?lang=en", json={"text": question, "client_id": uuid.uuid4().hex}, headers=SAME_SITE
        )
        call = await self.carrier.call(RESIDENT, OURS)
        await call.say(question)
        spoken = call.last_heard
        await call.hang_up()
        return {"sms": " ".join(sms), "web": chat.text, "voice": spoken}


@asynccontextmanager
async def process(url: str, folder: Path) -> AsyncIterator[Process]:
    service = assemble(Settings(data_dir=folder, database_url=url, twilio_number=OURS, public_url=ADDRESS), with_assistant=False)
    app = create_app(service.settings, address=ADDRESS, service=service)
    token = service.settings.twilio_auth_token.get_secret_value()
    carrier = StandIn(service.settings.twilio_account_sid, token, post_to_app(app, ADDRESS), public_url=ADDRESS)
    async with running(app) as client:
        yield Process(service, client, carrier)


async def test_a_tap_in_one_process_is_heard_in_both(postgres_url: str, tmp_path: Path) -> None:
    question, shelter = "where is a shelter", "Lincoln High School"
    async with process(postgres_url, tmp_path) as one, process(postgres_url, tmp_path) as two:
        for each in (one, two):
            assert all(shelter in text for text in (await each.hears(question)).values())
        await signed_in(one.client, one.service, "author")
        assert (await tap(one.client, one.service, "full")).status_code == 303
        for each in (two, one):
            heard = await each.hears(question)
            assert not [channel for channel, text in heard.items() if shelter in text], heard
            assert all("Civic Arena" in text for text in heard.values()), "the others are still said"
        assert (await tap(one.client, one.service, "open")).status_code == 303
        for each in (two, one):
            assert all(shelter in text for text in (await each.hears(question)).values())
        assert fact(two.service).updated_by == "ana"
        assert (await one.client.get(f"{FACTS}shelter/lincoln")).status_code == 200
