from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.twilio.house import House, open_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The whole program short of Rasa, and a stand-in for Twilio."""
    with open_house(tmp_path) as house:
        yield house
