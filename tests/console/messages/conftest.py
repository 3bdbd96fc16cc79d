"""An office in training mode and one that serves residents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from console.home.routes import router as home_router
from console.messages.routes import router as messages_router
from server.assembly import Service
from server.http.deps import ChannelDeps
from server.settings import Mode, Settings
from tests.console.messages.writers import Office
from tests.server.harness import running


@pytest.fixture
async def office(client: httpx.AsyncClient, menu_service: Service) -> Office:
    """Training mode: a single person may approve."""
    return Office(client, menu_service)


@pytest.fixture
async def live_office(app: FastAPI, settings: Settings, menu_service: Service) -> AsyncIterator[Office]:
    """The same program, its pages of messages by the rules of live service."""
    live: Any = settings.model_copy(update={"mode": Mode.LIVE})
    served = {"/console/", "/console/messages"}
    inner = [route for route in app.router.routes if not _is_ours(route)]
    app.router.routes[:] = inner
    deps = ChannelDeps(
        settings=live,
        spine=menu_service.spine,
        library=menu_service.library,
        keys=menu_service.keys,
        sessions=menu_service.sessions,
        wake=menu_service.wake,
    )
    app.include_router(home_router(deps))
    app.include_router(messages_router(deps))
    assert served
    async with running(app) as client:
        yield Office(client, replace(menu_service))


def _is_ours(route: Any) -> bool:
    return str(getattr(route, "path", "")).startswith("/console/")
