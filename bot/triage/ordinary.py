"""Ordinary questions for training: the example phrasings of topics, without the topics whose examples are emergencies."""

from __future__ import annotations

from pathlib import Path

import yaml

MIXED_TOPICS: frozenset[str] = frozenset({
    "active_threat_area", "downed_power_line", "earthquake_now", "flood_driving", "gas_leak", "generator_co", "hazmat_report",
    "heat_illness", "hurricane_during", "medical_equipment_power", "medicine_dialysis", "mental_health", "poison_help",
    "report_street_flooding", "reunification", "sewer_backup", "shelter_in_place", "text_to_911", "tornado_warning",
    "when_to_call_911_or_311", "wildfire_evacuation_level",
})  # fmt: skip
"""Topics whose example phrasings hold real emergencies, so that they cannot serve as harmless examples."""


def ordinary_examples(topics: Path) -> list[str]:
    """Collect the examples of all other topics in a folder of topic files, in a stable order."""
    texts: list[str] = []
    for path in sorted(topics.glob("*.yml")):
        with path.open(encoding="utf-8") as file:
            topic = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  (safe, and fast where libyaml is there)
        if not isinstance(topic, dict) or topic.get("intent", path.stem) in MIXED_TOPICS:
            continue
        examples = topic.get("examples") or {}
        texts.extend(str(text) for language in ("en", "es") for text in examples.get(language) or ())
    return list(dict.fromkeys(texts))
