"""Rows that people reviewed, as examples for the triage beside the shipped ones. They come from the table that the review page
gives (`/console/review/`), in a folder that is named when training; what stands in a test set is left out."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bot.evaluation.rows import DATA, read_rows
from bot.triage.classifier import LEVELS
from bot.triage.decision import CATEGORIES, CODES
from server.errors import BadInput

COLUMNS: Final = ("lang", "level", "category", "text")
_CATEGORIES: Final = frozenset({"", "C00", *CODES, *CATEGORIES})


def reviewed_rows(folder: Path) -> list[dict[str, str]]:
    """The rows of every table in a folder, fit for training. Raises `BadInput`, naming the file and the row."""
    if not folder.is_dir():
        raise BadInput(f"There is no folder {folder}.")
    tested = _tested()
    return [row for path in sorted(folder.glob("*.tsv")) for row in _rows(path) if _plain(row["text"]) not in tested]


def _rows(path: Path) -> Iterator[dict[str, str]]:
    for number, row in enumerate(read_rows(path, *COLUMNS), 2):
        if row["level"] not in LEVELS or (row["category"] or "") not in _CATEGORIES or not (row["text"] or "").strip():
            raise BadInput(f"{path.name}, row {number}: the level or the category is none of ours, or the text is empty.")
        # The apostrophe that keeps a spreadsheet from calculating is no part of what was said.
        text = row["text"].removeprefix("'") if row["text"][1:2] in tuple("=+-@|%'") else row["text"]
        yield {**{name: row[name] or "" for name in COLUMNS}, "text": text}


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _tested() -> frozenset[str]:
    return frozenset(_plain(row["text"]) for path in sorted((DATA / "triage").glob("*.tsv")) for row in read_rows(path, "text"))


@contextmanager
def with_reviewed(shipped: Path, reviewed: Path | None) -> Iterator[Path]:
    """A folder with the shipped tables and, when there are some, the reviewed rows."""
    if reviewed is None:
        yield shipped
        return
    rows = reviewed_rows(reviewed)
    with TemporaryDirectory(prefix="spillway-reviewed-") as scratch:
        folder = Path(scratch)
        for path in shipped.glob("*.tsv"):
            shutil.copy(path, folder)
        with (folder / "reviewed.tsv").open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, COLUMNS, delimiter="\t", quoting=csv.QUOTE_NONE, lineterminator="\n", quotechar=None)
            table.writeheader()
            table.writerows(rows)
        yield folder
