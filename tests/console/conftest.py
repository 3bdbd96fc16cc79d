"""Two offices: one in training mode, and one that serves residents, where the rule of two people holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from server.app import create_app
from server.assembly import Service, assemble
from server.settings import Mode, Settings
from server.staff.models import StaffUser
from tests.console.messages.writers import Office
from tests.server.harness import running
from tests.server.staffroom import make_user


@pytest.fixture
async def office(client: httpx.AsyncClient, menu_service: Service) -> Office:
    """Training mode: a single person may approve."""
    return Office(client, menu_service)


@pytest.fixture
def live_service(tmp_path: Path, sqlite_url: str) -> Iterator[Service]:
    """Everything but Rasa, as a city runs it; nothing that it would send leaves this machine."""
    settings = Settings(
        mode=Mode.LIVE,
        data_dir=tmp_path,
        database_url=sqlite_url,
        public_url="https://testserver",
        secret_key=SecretStr("k" * 40),
        twilio_account_sid="AC" + "0" * 32,
        twilio_auth_token=SecretStr("t" * 32),
        twilio_number="+15555550100",
        twilio_api_base="http://127.0.0.1:9",
    )
    service = assemble(settings, with_assistant=False)
    for name in ("first", "second"):
        make_user(service, name, "administrator")
    with service.sessions.begin() as session:
        # Live mode does not begin before somebody can approve in it.
        session.scalars(select(StaffUser).where(StaffUser.name == "first")).one().totp_secret = service.keys.seal(
            "JBSWY3DPEHPK3PXP"
        )
    yield service
    service.close()


@pytest.fixture
async def live_office(live_service: Service) -> AsyncIterator[Office]:
    """Live mode: a different person approves what tells people to act."""
    async with running(create_app(live_service.settings, service=live_service)) as client:
        yield Office(client, live_service)
