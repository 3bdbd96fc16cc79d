"""Training everything that is learned: the triage classifier and the assistant's model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.triage import training as triage_training

TRIAGE_DATA: Final = Path(__file__).resolve().parent / "triage" / "data"
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """The files that a training made."""

    triage: Path
    assistant: Path


def train_all(*, models_dir: Path, progress: Progress = lambda _step: None) -> Trained:
    """Trains the triage and the assistant. `progress` is told each step's name as it begins."""
    from bot.importer import PACKS
    from bot.runtime.training import train_assistant
    from knowledge.topics import read_topic

    progress("triage")
    triage = models_dir / "triage"
    topics = [read_topic(path) for path in sorted(PACKS.glob("*/topics/*.yml"))]
    ordinary = [text for topic in topics for texts in topic.examples.values() for text in texts if topic.intent not in DANGEROUS]
    triage_training.train(data_dir=TRIAGE_DATA, out=triage, ordinary=ordinary)
    progress("assistant")
    assistant = train_assistant(out=models_dir)
    progress("done")
    return Trained(triage, assistant)


DANGEROUS: Final = frozenset(
    {
        "active_threat_area",
        "downed_power_line",
        "earthquake_now",
        "flood_driving",
        "gas_leak",
        "generator_co",
        "hazmat_report",
        "heat_illness",
        "hurricane_during",
        "medical_equipment_power",
        "medicine_dialysis",
        "mental_health",
        "poison_help",
        "report_street_flooding",
        "reunification",
        "sewer_backup",
        "shelter_in_place",
        "text_to_911",
        "tornado_warning",
        "when_to_call_911_or_311",
        "wildfire_evacuation_level",
    }
)
"""Topics whose example questions may describe a real danger, so that none of them is taken as an example of an ordinary one."""
