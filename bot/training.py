"""Training everything that is learned: the triage classifier and the assistant's model, side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from bot.reviewed import with_reviewed
from bot.triage import training as triage_training
from bot.triage.ordinary import ordinary_examples

ROOT: Final = Path(__file__).resolve().parent
TRIAGE_DATA: Final = ROOT / "triage" / "data"
DIALOGUE: Final = ROOT / "data"
TOPICS: Final = ROOT.parent / "knowledge" / "packs" / "core" / "topics"
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """The files that a training made."""

    triage: Path
    assistant: Path


def train_triage(out: Path, reviewed: Path | None = None) -> None:
    """Trains the triage on its examples, with the ordinary questions of the topics as what is none; `reviewed` is a folder of rows
    that people reviewed."""
    with with_reviewed(TRIAGE_DATA, reviewed) as folder:
        triage_training.train(data_dir=folder, out=out, ordinary=ordinary_examples(TOPICS, *sorted(DIALOGUE.glob("*.yml"))))


def train_all(
    *,
    models_dir: Path,
    progress: Progress = lambda _step: None,
    learning: Path | None = None,
    reviewed: Path | None = None,
) -> Trained:
    """Trains both, each on a core of its own. `progress` is told each step's name as it begins; `learning` is what the assistant
    learns from besides its dialogue, where there is a database; `reviewed` is as for the triage."""
    from bot.runtime.training import train_assistant

    models_dir.mkdir(parents=True, exist_ok=True)
    triage = models_dir / "triage.npz"
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as beside:
        progress("triage")
        hearing = beside.submit(train_triage, triage, reviewed)
        progress("assistant")
        assistant = train_assistant(out=models_dir, learning=learning)
        hearing.result()
    progress("done")
    return Trained(triage, assistant)
