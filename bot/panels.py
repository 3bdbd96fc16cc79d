"""A weight matrix in narrow panels, with which one short text is multiplied several times faster."""

from __future__ import annotations

import logging
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

WIDTH: Final = 32
SMALL: Final = 1_000_000
"""Multiplications up to which OpenBLAS multiplies without copying the matrix first (its small-matrix kernels, AVX-512 builds)."""
MOST_ROWS: Final = 96
"""Tokens from which on the matrix in one piece is the faster one: a training's batches."""
KERNELS: Final = frozenset({"SkylakeX", "Cooperlake", "SapphireRapids"})
"""The cores for which OpenBLAS has these kernels, as threadpoolctl names them."""

_log = logging.getLogger(__name__)


class Panels:
    """Stands on the right of `@` in place of a matrix: same numbers, but for the last bits of rounding."""

    __array_ufunc__ = None

    def __init__(self, whole: NDArray[np.float32]) -> None:
        depth, columns = whole.shape
        if columns % WIDTH:
            raise ValueError(f"{columns} columns do not make panels of {WIDTH}")
        self._whole = whole
        self._panels = np.ascontiguousarray(whole.reshape(depth, columns // WIDTH, WIDTH).transpose(1, 0, 2))
        self._rows = max(1, SMALL // (depth * WIDTH))

    def __rmatmul__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        count = len(rows)
        if count > MOST_ROWS:
            return np.asarray(rows @ self._whole)
        made = np.empty((count, self._whole.shape[1]), dtype=np.float32)
        for start in range(0, count, self._rows):
            part = rows[start : start + self._rows]
            made[start : start + len(part)] = np.matmul(part[None], self._panels).transpose(1, 0, 2).reshape(len(part), -1)
        return made


def lay_out(backend: Any) -> bool:
    """Put the encoder's wide matrices in panels where this processor gains by it; otherwise the package's own stay. Says which."""
    try:
        from threadpoolctl import threadpool_info  # type: ignore[import-untyped]  # deferred: the encoder can do without it

        if not any(each.get("architecture") in KERNELS for each in threadpool_info()):
            return False
        laid: dict[str, Any] = {name: [Panels(one) for one in getattr(backend, name)] for name in ("w1", "w2")}
        laid["proj_W"] = Panels(backend.proj_W)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        _log.warning("encoder: its matrices stay as they are: %s", error)
        return False
    vars(backend).update(laid)
    return True
