"""Trained models for tests: made once for each state of what they learn from."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from filelock import FileLock

from server.assembly import models_present
from server.settings import ROOT

_LEARNED_FROM: Final = (
    "config.yml",
    "bot/**/*.py",
    "bot/**/*.yml",
    "bot/**/*.tsv",
    "knowledge/topics.py",
    "knowledge/packs/*/topics/*.yml",
    "knowledge/packs/**/*.yml",
)
KEPT: Final = 2


def learned_from() -> Iterator[Path]:
    """Every file that a training reads or runs."""
    found = {path for pattern in _LEARNED_FROM for path in ROOT.glob(pattern) if "channels" not in path.parts}
    yield from sorted(found)


def fingerprint() -> str:
    """What the files hold, in few letters."""
    digest = hashlib.sha256()
    for path in learned_from():
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def trained_models(cache: Path) -> Path:
    """The models for the files as they are: a developer's own when they are newer than every file, else from the cache, else
    trained now. `SPILLWAY_TEST_MODELS` names a folder to use whatever its age."""
    if given := os.environ.get("SPILLWAY_TEST_MODELS"):
        return Path(given)
    own = ROOT / "var" / "models"
    if models_present(own) and _age(own) > max(path.stat().st_mtime for path in learned_from()):
        return own
    wanted = cache / fingerprint()
    # Tests that run side by side wait for the one of them that trains.
    with FileLock(cache / "training.lock"):
        if not models_present(wanted):
            _train(wanted)
    os.utime(wanted)
    for old in sorted((path for path in cache.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return wanted


def _age(models: Path) -> float:
    return min(
        path.stat().st_mtime for path in (models / "triage.npz", max(models.glob("*.tar.gz"), key=lambda p: p.stat().st_mtime))
    )


def _train(target: Path) -> None:
    made = Path(tempfile.mkdtemp(dir=target.parent, prefix="training-"))
    # By the command that a person runs, in a process of its own: Rasa warns about its own code while it trains.
    environment = {**os.environ, "SPILLWAY_DATA_DIR": str(made), "SPILLWAY_MODE": "training"}
    subprocess.run([sys.executable, "-m", "server.cli", "train"], cwd=ROOT, env=environment, check=True)
    (made / "models").rename(target)
    shutil.rmtree(made, ignore_errors=True)
