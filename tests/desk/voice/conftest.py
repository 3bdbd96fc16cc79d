from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from server.assembly import Service
from tests.server.twilio.room import Room, open_room


@pytest.fixture
async def room(client: httpx.AsyncClient, app: FastAPI, menu_service: Service) -> Room:
    """A desk with an agent who takes calls, and the telephone network."""
    return await open_room(client, app, menu_service)
