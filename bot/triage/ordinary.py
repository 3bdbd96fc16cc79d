"""Ordinary questions for training: the example phrasings of topics, without the topics whose examples are emergencies."""

from __future__ import annotations

from pathlib import Path

import yaml

MIXED_TOPICS: frozenset[str] = frozenset({
    "gas_leak", "downed_power_line", "heat_illness", "poison_help", "active_threat_area", "medical_equipment_power", "generator_co",
    "mental_health", "hazmat_report", "earthquake_now", "reunification", "emergency_911", "crisis_988", "domestic_violence",
    "carbon_monoxide", "flood_rescue", "water_rescue", "missing_person", "fire_now", "smoke_inside", "building_damage_report",
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
