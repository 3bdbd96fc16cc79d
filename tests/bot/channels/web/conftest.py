"""The web chat over the real spine, triage, messages and keyword assistant; only Rasa is left out, for its weight."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from bot.channels.web.limits import Limiter
from bot.channels.web.routes import router
from server.assembly import Service
from server.conversations.models import Conversation
from server.database.engine import reading
from server.http.deps import ChannelDeps
from server.settings import Settings


@dataclass
class Clock:
    """Seconds that only move when a test moves them."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Browser:
    """One browser with JavaScript, as far as the wire sees it."""

    http: httpx.AsyncClient
    deps: ChannelDeps
    sent: list[str] = field(default_factory=list)

    async def post(self, text: Any, *, client_id: str | None = None, lang: str = "en", **more: Any) -> httpx.Response:
        """Sends one message; a session is asked for first, as the page does."""
        if "spillway_chat" not in self.http.cookies:
            assert (await self.http.post("/chat/sessions")).status_code == 200
        name = client_id or uuid.uuid4().hex
        self.sent.append(name)
        return await self.http.post(f"/chat/messages?lang={lang}", json={"text": text, "client_id": name, **more})

    async def says(self, text: str, **more: Any) -> dict[str, Any]:
        """Sends one message and gives the reply."""
        response = await self.post(text, **more)
        assert response.status_code == 200, response.text
        reply: dict[str, Any] = response.json()
        return reply

    async def history(self, after: int = 0) -> dict[str, Any]:
        """What the page would show."""
        response = await self.http.get("/chat/messages", params={"after": after})
        assert response.status_code == 200, response.text
        talk: dict[str, Any] = response.json()
        return talk

    def conversations(self) -> list[Conversation]:
        """What is stored, the oldest first."""
        with reading(self.deps.sessions) as session:
            return list(session.scalars(select(Conversation).where(Conversation.channel == "web").order_by(Conversation.id)))


@pytest.fixture
def seconds() -> Clock:
    return Clock()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"chat_origins": ("https://www.harborcity.example",)})


@pytest.fixture
def deps(settings: Settings, menu_service: Service) -> ChannelDeps:
    service = menu_service
    return ChannelDeps(settings, service.spine, service.library, service.keys, service.sessions, service.wake)


@pytest.fixture
def chat_app(deps: ChannelDeps, seconds: Clock) -> FastAPI:
    app = FastAPI()
    app.include_router(router(deps, limiter=Limiter(time_of=seconds)))
    return app


@pytest.fixture
async def http(chat_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(chat_app, client=("203.0.113.7", 5555))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


@pytest.fixture
def browser(http: httpx.AsyncClient, deps: ChannelDeps) -> Browser:
    return Browser(http, deps)
