"""Engines for the triage tests: patterns alone, and with a classifier trained on a small part of the data."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.triage import TriageEngine
from bot.triage.training import train

DATA = Path(__file__).parents[3] / "bot" / "triage" / "data"


@pytest.fixture(scope="session")
def patterns_only() -> TriageEngine:
    return TriageEngine.load(None)


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model trained on every tenth example: enough to run every path, quick enough for every test run."""
    folder = tmp_path_factory.mktemp("triage")
    data = folder / "data"
    data.mkdir()
    for table in sorted(DATA.glob("*.tsv")):
        header, *rows = table.read_text(encoding="utf-8").splitlines()
        (data / table.name).write_text("\n".join([header, *rows[::10]]) + "\n", encoding="utf-8")
    train(data_dir=data, out=folder / "triage.npz")
    return folder / "triage.npz"


@pytest.fixture(scope="session")
def with_model(small_model: Path) -> TriageEngine:
    return TriageEngine.load(small_model)
