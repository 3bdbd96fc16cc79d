from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from server.assembly import Service
from tests.server.twilio.house import House, open_house
from tests.server.twilio.room import Room, open_room


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The whole program short of Rasa, and a stand-in for Twilio."""
    with open_house(tmp_path) as house:
        yield house


@pytest.fixture
async def room(client: httpx.AsyncClient, app: FastAPI, menu_service: Service) -> Room:
    """A desk with an agent who takes calls, and the telephone network."""
    return await open_room(client, app, menu_service)
