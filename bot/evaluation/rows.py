"""The rows of a test set, and the interval that a measured share lies in."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server.errors import BadInput
from server.settings import ROOT

DATA: Final = ROOT / "tests" / "data"


@dataclass(frozen=True)
class Share:
    """How many of how many, with the Wilson score interval at 95 %."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        """The share, 0 when there is nothing to measure."""
        return self.hits / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper bound (Wilson 1927)."""
        if not self.total:
            return 0.0, 1.0
        z, n, p = 1.96, self.total, self.value
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{100 * self.value:.1f} % ({self.hits}/{self.total}; {100 * low:.1f}-{100 * high:.1f})"


def read_rows(path: Path, *needed: str) -> list[dict[str, str]]:
    """The rows of a TSV test set. Raises `BadInput` when it is missing or lacks a column."""
    if not path.is_file():
        raise BadInput(f"There is no test set {path}; run this from the repository.")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        missing = set(needed) - set(reader.fieldnames or ())
        if missing:
            raise BadInput(f"{path.name} lacks the columns {', '.join(sorted(missing))}.")
        return [row for row in reader if any(row.values())]
