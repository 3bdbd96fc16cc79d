"""Ordinary messages for training: what residents ask and say when nothing is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

MIXED_TOPICS: frozenset[str] = frozenset({
    "active_threat_area", "downed_power_line", "earthquake_now", "flood_driving", "gas_leak", "generator_co", "hazmat_report",
    "heat_illness", "hurricane_during", "medical_equipment_power", "medicine_dialysis", "mental_health", "poison_help",
    "report_street_flooding", "reunification", "sewer_backup", "shelter_in_place", "text_to_911", "tornado_warning",
    "when_to_call_911_or_311", "wildfire_evacuation_level",
})  # fmt: skip
"""Topics whose example phrasings hold real emergencies, so that they cannot serve as harmless examples."""


def ordinary_examples(topics: Path, *dialogue: Path) -> list[str]:
    """The examples of all other topics in a folder of topic files, and those of dialogue files in Rasa's format, in a stable
    order: greetings, thanks, and everything that is none of the city's business."""
    texts: list[str] = []
    for path in sorted(topics.glob("*.yml")):
        topic = _read(path)
        if topic.get("intent", path.stem) not in MIXED_TOPICS:
            examples = topic.get("examples") or {}
            texts.extend(str(text) for language in ("en", "es") for text in examples.get(language) or ())
    for path in dialogue:
        texts.extend(_dialogue_examples(path))
    return list(dict.fromkeys(texts))


def _dialogue_examples(path: Path) -> Iterator[str]:
    for entry in _read(path).get("nlu") or ():
        if entry.get("intent") not in MIXED_TOPICS:
            for line in str(entry.get("examples") or "").splitlines():
                yield line.removeprefix("- ").strip()


def _read(path: Path) -> dict[str, Any]:
    with path.open(encoding="utf-8") as file:
        found = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  (safe, and fast where libyaml is there)
    return found if isinstance(found, dict) else {}
