"""A whole program of the test's own: these tests change which model answers and what is published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.assembly import Service, assemble
from server.settings import Settings


@pytest.fixture
def service(tmp_path: Path, sqlite_url: str, shared_data_dir: Path) -> Iterator[Service]:
    """The program with the trained model, on a database of its own."""
    (tmp_path / "models").mkdir()
    for path in (shared_data_dir / "models").iterdir():
        if path.is_file():
            (tmp_path / "models" / path.name).symlink_to(path.resolve())
    made = assemble(Settings(data_dir=tmp_path, database_url=sqlite_url))
    assert made.assistant is not None, "the trained model does not load"
    yield made
    made.close()
