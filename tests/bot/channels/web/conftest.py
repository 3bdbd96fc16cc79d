"""The web chat over the real spine, triage, messages and keyword assistant; only Rasa is left out, for its weight."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot.channels.web.limits import Limiter
from bot.channels.web.routes import router
from knowledge.library import PACKS
from knowledge.packs import load_packs
from server.assembly import Service, assemble
from server.database.engine import make_engine, make_sessions
from server.database.tables import Base
from server.http.deps import ChannelDeps
from server.settings import Settings


@pytest.fixture(scope="session")
def harbor_city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the shipped messages, made once."""
    path = tmp_path_factory.mktemp("web") / "harbor.db"
    engine = make_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    with make_sessions(engine).begin() as session:
        load_packs(session, packs_dir=PACKS, names=("core", "harbor_city"), actor="test", training=True)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA user_version")
    engine.dispose()
    return path


@dataclass
class Clock:
    """Seconds that only move when a test moves them."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def seconds() -> Clock:
    return Clock()


@pytest.fixture
def settings(tmp_path: Path, harbor_city: Path) -> Settings:
    shutil.copy(harbor_city, tmp_path / "spillway.db")
    return Settings(data_dir=tmp_path, chat_origins=("https://www.harborcity.example",), twilio_number="+15555550100")


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    service = assemble(settings, with_assistant=False)
    yield service
    service.close()


@pytest.fixture
def deps(service: Service) -> ChannelDeps:
    return ChannelDeps(service.settings, service.spine, service.library, service.keys, service.sessions, service.wake)


@pytest.fixture
def app(deps: ChannelDeps, seconds: Clock) -> FastAPI:
    app = FastAPI()
    app.include_router(router(deps, limiter=Limiter(time_of=seconds)))
    return app


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, follow_redirects=False) as client:
        yield client
