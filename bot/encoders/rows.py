"""Rows of a table that stays in its file."""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class Rows:
    """A table of bytes that is read a row at a time. A mapped file would soon lie in the memory of every process, since the system
    maps the neighbours of what is touched; a row of a file that the system keeps takes a microsecond. Raises `ValueError` where a
    file is too short."""

    def __init__(self, path: Path, *, rows: int, size: int, begin: int = 0) -> None:
        self._rows, self._size, self._begin = rows, size, begin
        self._file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)
        if os.fstat(self._file).st_size < begin + rows * size:
            raise ValueError(f"{path.name} is cut short")

    def take(self, numbers: Sequence[int]) -> NDArray[np.uint8]:
        """These rows, in this order."""
        file, size, begin = self._file, self._size, self._begin
        if not all(0 <= number < self._rows for number in numbers):
            raise ValueError("there is no such row")
        read = b"".join([os.pread(file, size, begin + number * size) for number in numbers])
        return np.frombuffer(read, dtype=np.uint8).reshape(len(numbers), size)
