"""What all tests share: no network, databases of both kinds, models trained once, and the program put together.

The tests of one area may put their own fixtures of the same names in front of these."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from server.settings import Settings, get_settings
from tests.server.databases import PostgresServer, seeded_sqlite
from tests.server.harness import Resident, running
from tests.server.models import trained_models

if TYPE_CHECKING:
    from fastapi import FastAPI

    from server.assembly import Service

hypothesis_settings.register_profile(
    "spillway", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
hypothesis_settings.load_profile("spillway")

NUMBER = "+15555550100"
"""The city's own number in tests."""


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """Refuses every connection that leaves this machine, and every name that would have to be looked up."""
    patch = pytest.MonkeyPatch()
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def check(host: object) -> None:
        if not isinstance(host, str) or host in ("", "localhost"):
            return
        try:
            local = ip_address(host.partition("%")[0]).is_loopback or ip_address(host).is_unspecified
        except ValueError:
            local = False
        assert local, f"A test tried to reach {host}."

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                check(address[0])
            return real(self, address)

        return call

    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        check(host.decode() if isinstance(host, bytes) else host)
        return getaddrinfo(host, *args, **kwargs)

    patch.setattr(socket.socket, "connect", guarded(connect))
    patch.setattr(socket.socket, "connect_ex", guarded(connect_ex))
    patch.setattr(socket, "getaddrinfo", resolve)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def no_settings_from_outside() -> Iterator[None]:
    """A developer's own `SPILLWAY_*` variables change no test."""
    patch = pytest.MonkeyPatch()
    for name in [name for name in os.environ if name.startswith("SPILLWAY_") and not name.startswith("SPILLWAY_TEST_")]:
        patch.delenv(name)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def patience_with_the_disk() -> Iterator[None]:
    """Tests run side by side on one disk: a writer that waits longer for it than a resident would has found no fault."""
    patch = pytest.MonkeyPatch()
    patch.setattr("server.database.engine.LOCK_WAIT", 60)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def settings_read_anew() -> Iterator[None]:
    """A test that sets the environment does not leave its settings to the next one."""
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


# --- Databases ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema and the shipped packs; copied by each test that wants one."""
    return seeded_sqlite(tmp_path_factory.mktemp("seed") / "spillway.db")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL server for the run, with a template database that has the schema and the packs."""
    server = PostgresServer.start()
    yield server
    server.stop()


@pytest.fixture
def sqlite_url(tmp_path: Path, seed: Path) -> str:
    """A SQLite database of the test's own, with the packs loaded."""
    shutil.copy(seed, tmp_path / "spillway.db")
    return f"sqlite:///{tmp_path / 'spillway.db'}"


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database of the test's own, with the packs loaded."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def empty_postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database without a table."""
    with postgres.database(template="template0") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The test runs on both engines."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


# --- The program ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def models(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of trained models: trained once, and again only when what they learn from has changed."""
    cache = request.config.cache
    return trained_models(cache.mkdir("models") if cache is not None else tmp_path_factory.mktemp("models"))


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str) -> Settings:
    """Training mode in a folder of its own, on SQLite, with no models."""
    return Settings(data_dir=tmp_path, database_url=sqlite_url, twilio_number=NUMBER)


@pytest.fixture
def menu_service(settings: Settings) -> Iterator[Service]:
    """Everything but Rasa, on SQLite."""
    from server.assembly import assemble

    service = assemble(settings, with_assistant=False)
    yield service
    service.close()


@pytest.fixture
def either_service(tmp_path: Path, database_url: str) -> Iterator[Service]:
    """Everything but Rasa, on SQLite and on PostgreSQL."""
    from server.assembly import assemble

    service = assemble(Settings(data_dir=tmp_path, database_url=database_url, twilio_number=NUMBER), with_assistant=False)
    yield service
    service.close()


@pytest.fixture(scope="session")
def shared_data_dir(tmp_path_factory: pytest.TempPathFactory, seed: Path, models: Path) -> Path:
    """A data directory with database and models, as a machine has it after its first start."""
    folder = tmp_path_factory.mktemp("installation")
    shutil.copy(seed, folder / "spillway.db")
    (folder / "models").symlink_to(models, target_is_directory=True)
    return folder


@pytest.fixture(scope="session")
def service(shared_data_dir: Path) -> Iterator[Service]:
    """Everything, Rasa included, put together once; every test speaks in a conversation of its own."""
    from server.assembly import assemble

    service = assemble(Settings(data_dir=shared_data_dir, twilio_number=NUMBER))
    assert service.assistant is not None, "the trained model does not load"
    yield service
    service.close()


@pytest.fixture
def resident(menu_service: Service) -> Resident:
    """Somebody who texts, answered without Rasa."""
    return Resident(menu_service.spine)


@pytest.fixture
def app(settings: Settings, menu_service: Service) -> FastAPI:
    """The whole program over HTTP, without Rasa."""
    from server.app import create_app

    return create_app(settings, address="http://testserver", service=menu_service)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running program."""
    async with running(app) as client:
        yield client


@pytest.fixture
async def sms(service: Service) -> AsyncIterator[Callable[..., Awaitable[list[str]]]]:
    """Texts the whole running program, Rasa included, down the signed route; gives what reaches the phone in return."""
    from server.app import create_app
    from server.twilio.standin import StandIn, post_to_app

    app = create_app(service.settings, address="http://testserver", service=service)
    token = service.settings.twilio_auth_token.get_secret_value()
    carrier = StandIn(
        service.settings.twilio_account_sid, token, post_to_app(app, "http://testserver"), public_url="http://testserver"
    )

    async def text(body: str, *, sender: str = "+12125550123", **more: Any) -> list[str]:
        return await carrier.text(sender, NUMBER, body, **more)

    async with running(app):
        yield text
