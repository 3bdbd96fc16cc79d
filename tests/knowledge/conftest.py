"""A database of its own for each test that wants one, and the shipped packs read once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import knowledge.models  # noqa: F401
import server.audit.models  # noqa: F401
from knowledge.library import PACKS, Library
from server.database.base import Base
from server.database.engine import Sessions, make_engine, make_sessions

NOW = datetime(2026, 9, 14, 19, 40, tzinfo=UTC)
"""3:40 in the afternoon in Harbor City."""


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def harbor() -> Library:
    """The shipped packs with the fictional city and its hurricane."""
    return Library.from_packs(PACKS, ("core", "harbor_city"), now=NOW)


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[Sessions]:
    """An empty database."""
    engine = make_engine(f"sqlite:///{tmp_path / 'knowledge.db'}")
    tables = [Base.metadata.tables[name] for name in (
        "topics", "message_versions", "message_finds", "facts", "incidents", "city_values", "knowledge_revision", "audit"
    )]  # fmt: skip
    Base.metadata.create_all(engine, tables=tables)
    yield make_sessions(engine)
    engine.dispose()
