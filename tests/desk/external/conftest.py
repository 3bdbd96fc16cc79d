"""A program whose city has its own desk. Its own tasks do not run: the tests say when its desk is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from desk.external.building import make_desk
from desk.external.worker import OutsideWorker
from desk.models import Handoff
from server.app import create_app
from server.assembly import Service, assemble
from server.conversations.signs import Signs
from server.conversations.turn import Channel
from server.http.deps import ChannelDeps
from server.outbox.models import OutboundMessage
from server.settings import Settings
from tests.desk.external.fakes import FakeChatwoot, FakeWebhookDesk, Request
from tests.server.harness import Resident, rows

Fake = FakeWebhookDesk | FakeChatwoot


@dataclass
class City:
    """A service, the desk beside it, and the way between them."""

    service: Service
    fake: Fake
    client: httpx.AsyncClient

    def worker(self) -> OutsideWorker:
        """A worker as a process has it that has just begun."""
        service = self.service
        deps = ChannelDeps(service.settings, service.spine, service.library, service.keys, service.sessions, service.wake)
        desk = make_desk(service.settings)
        assert desk is not None
        return OutsideWorker(deps, desk)

    async def tell(self, worker: OutsideWorker | None = None) -> None:
        """Lets their desk be told everything that is new."""
        worker = worker or self.worker()
        while await worker.once():
            pass

    async def hears(self, request: Request, **headers: str) -> httpx.Response:
        """Lets a request of theirs reach us."""
        path, own, body = request
        return await self.client.post(path, content=body, headers={**own, **headers})

    def resident(self, channel: Channel = Channel.SMS, language: str | None = None) -> Resident:
        """Somebody who writes."""
        return Resident(self.service.spine, channel=channel, language=language)

    def handoff(self) -> Handoff:
        """The newest handoff."""
        return rows(self.service, Handoff)[-1]

    def told(self) -> list[str]:
        """What the desk itself told residents."""
        return [
            row.message_ids[0].split("@")[0] for row in rows(self.service, OutboundMessage, OutboundMessage.speaker == "system")
        ]

    def by_agents(self) -> list[OutboundMessage]:
        """What agents said."""
        return rows(self.service, OutboundMessage, OutboundMessage.speaker == "agent")

    @property
    def signs(self) -> Signs:
        """The signs of the program that answers `client`."""
        app = self.client._transport.app  # type: ignore[attr-defined]
        signs: Signs = app.state.signs
        return signs


@pytest.fixture(params=[FakeWebhookDesk, FakeChatwoot], ids=["webhook", "chatwoot"])
def fake(request: pytest.FixtureRequest) -> Iterator[Fake]:
    desk: Fake = request.param()
    yield desk
    desk.stop()


@pytest.fixture
async def city(tmp_path: Path, sqlite_url: str, fake: Fake) -> AsyncIterator[City]:
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url, twilio_number="+15555550100", **fake.settings())
    service = assemble(settings, with_assistant=False)
    app = create_app(service.settings, address="http://testserver", service=service)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield City(service, fake, client)
    service.close()
