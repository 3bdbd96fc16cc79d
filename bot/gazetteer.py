"""The names of places that residents mention: streets, sites, zones and ZIP codes of the city's packs."""

from __future__ import annotations

import csv
from pathlib import Path


def place_names(packs: Path) -> dict[str, list[str]]:
    """The names by kind. Streets come from `streets.csv`, sites from the facts; a site that only agents may know is not a word
    that the assistant has to understand."""
    names: dict[str, set[str]] = {"street": set(), "site": set()}
    for path in sorted(packs.glob("*/streets.csv")):
        names["street"].update(row["street"] for row in _rows(path) if row.get("street"))
    for path in sorted(packs.glob("*/facts/*.csv")):
        names["site"].update(row["name"] for row in _rows(path) if row.get("name") and row.get("visibility", "public") == "public")
    return {kind: sorted(found) for kind, found in names.items() if found}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
