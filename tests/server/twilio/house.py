"""The whole program short of Rasa, with a stand-in for Twilio on the other side of the wire."""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from sqlalchemy import select

from bot.channels.sms import router as sms_router
from ivr.routes import router as voice_router
from knowledge.library import PACKS
from knowledge.packs import load_packs
from server.alerts.models import Alert
from server.assembly import Service, assemble
from server.conversations.models import Conversation, Turn
from server.database.engine import make_engine, make_sessions, reading
from server.database.tables import Base
from server.http.deps import ChannelDeps
from server.outbox.models import OutboundMessage
from server.settings import Settings
from server.twilio.standin import StandIn, make_call_control, make_recordings, post_to_app

PUBLIC = "https://311.harborcity.example"
OURS = "+15555550100"
ANA = "+15555550161"
BEN = "+15555550162"
PSAP = "+15555550111"
SECOND_PSAP = "+15555550112"


@functools.lru_cache(maxsize=1)
def _harbor_city() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="spillway-test-"))
    engine = make_engine(f"sqlite:///{folder / 'harbor.db'}")
    Base.metadata.create_all(engine)
    with make_sessions(engine).begin() as session:
        load_packs(session, packs_dir=PACKS, names=("core", "harbor_city"), actor="test", training=True)
    engine.dispose()
    return folder / "harbor.db"


@dataclass(frozen=True)
class House:
    """One program and one Twilio."""

    service: Service
    deps: ChannelDeps
    app: FastAPI
    twilio: StandIn

    def rows(self, kind: type[Any]) -> list[Any]:
        """Every stored row of a kind, the oldest first."""
        with reading(self.deps.sessions) as session:
            return list(session.scalars(select(kind).order_by(*kind.__mapper__.primary_key)).all())

    @property
    def alerts(self) -> list[str]:
        """The kinds of the alerts raised."""
        return [alert.kind for alert in self.rows(Alert)]

    @property
    def outbox(self) -> list[OutboundMessage]:
        """Every outbound text."""
        return self.rows(OutboundMessage)

    @property
    def turns(self) -> list[Turn]:
        """Every turn."""
        return self.rows(Turn)

    @property
    def conversations(self) -> list[Conversation]:
        """Every conversation."""
        return self.rows(Conversation)


@contextmanager
def open_house(folder: Path, **changes: Any) -> Iterator[House]:
    """A program with the shipped messages and Harbor City; `changes` are settings."""
    shutil.copy(_harbor_city(), folder / "spillway.db")
    values: dict[str, Any] = {"data_dir": folder, "public_url": PUBLIC, "twilio_number": OURS}
    service = assemble(Settings(**{**values, **changes}), with_assistant=False)
    library = service.library
    spine = service.spine
    deps = ChannelDeps(service.settings, spine, library, service.keys, service.sessions, service.wake)
    app = FastAPI()
    token = service.settings.twilio_auth_token.get_secret_value()
    public = service.settings.public_url or "http://test"
    twilio = app.state.standin = StandIn(service.settings.twilio_account_sid, token, post_to_app(app, public), public_url=public)
    deps = replace(deps, calls=make_call_control(app, service.settings), recordings=make_recordings(app, service.settings))
    app.include_router(sms_router(deps))
    app.include_router(voice_router(deps))
    try:
        yield House(service, deps, app, twilio)
    finally:
        service.close()
