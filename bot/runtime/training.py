"""Training the assistant's model with Rasa, into one file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

from bot.runtime import adapter
from server.errors import NotReady

ROOT: Final = Path(__file__).resolve().parent.parent.parent
CONFIG: Final = ROOT / "config.yml"
DOMAIN: Final = ROOT / "bot" / "domain.yml"
DATA: Final = ROOT / "bot" / "data"
IMPORTER: Final = "bot.importer.KnowledgeImporter"
CLASSIFIER: Final = "bot.components.topics.TopicClassifier"


def train_assistant(
    *, out: Path, config: Path = CONFIG, learning: Path | None = None, calibration: Mapping[str, float] | None = None
) -> Path:
    """Trains on the knowledge base and the dialogue data; gives the path of the model file. `learning` is what was taken from the
    database; without it the shipped packs are read. `calibration` is that of an earlier model, kept to save time.

    Raises `NotReady` when the configuration cannot be trained here."""
    components = yaml.safe_load(config.read_text("utf-8"))
    adapter.refuse_absent_components(entry["name"] for key in ("pipeline", "policies") for entry in components.get(key, []))
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as cache:
        # Rasa caches graph results by fingerprint; a training of seconds gains nothing from it and could be given stale data.
        os.environ["RASA_CACHE_DIRECTORY"] = cache
        os.environ["RASA_MAX_CACHE_SIZE"] = "0"
        from rasa.model_training import train

        for entry in components["importers"]:
            if entry["name"] == IMPORTER and learning is not None:
                entry["learning"] = str(learning)
        for entry in components["pipeline"]:
            if entry["name"] == CLASSIFIER and calibration is not None:
                entry["calibration"] = dict(calibration)
        used = Path(cache) / "config.yml"
        used.write_text(yaml.safe_dump(components, sort_keys=False, allow_unicode=True), "utf-8")
        result = train(str(DOMAIN), str(used), [str(DATA)], output=str(out), force_training=True)
    if not result.model:
        raise NotReady("Rasa could not train a model; the lines above say why.")
    return Path(result.model)


def newest_model(folder: Path) -> Path | None:
    """The newest model file of a folder, or nothing."""
    models = sorted(folder.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    return models[-1] if models else None
