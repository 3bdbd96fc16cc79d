"""Training everything that is learned: the triage classifier and the assistant's model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.triage import training as triage_training
from bot.triage.ordinary import ordinary_examples

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

    progress("triage")
    triage = models_dir / "triage.npz"
    triage_training.train(data_dir=TRIAGE_DATA, out=triage, ordinary=ordinary_examples(PACKS / "core" / "topics"))
    progress("assistant")
    assistant = train_assistant(out=models_dir)
    progress("done")
    return Trained(triage, assistant)
