"""The names of places that residents mention: streets, sites, zones and ZIP codes of the city's packs."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

_NO_PLACES: Final = frozenset({"zone", "evacuation_order", "evacuation_route", "event", "rumor", "road_closure"})
"""Facts whose name is no place: a zone is called by a letter, which is a word in both languages, and is found by its pattern."""


def place_names(packs: Path) -> dict[str, list[str]]:
    """The names by kind. Streets come from `streets.csv`, sites from the facts; a site that only agents may know is not a word
    that the assistant has to understand."""
    names: dict[str, set[str]] = {"street": set(), "site": set()}
    for path in sorted(packs.glob("*/streets.csv")):
        names["street"].update(row["street"] for row in _rows(path) if row.get("street"))
    for path in sorted(packs.glob("*/facts/*.csv")):
        if path.stem not in _NO_PLACES:
            kind = "street" if path.stem == "street" else "site"
            names[kind].update(
                row["name"] for row in _rows(path) if row.get("name") and (row.get("visibility") or "public") == "public"
            )
    return {kind: sorted(found) for kind, found in names.items() if found}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
