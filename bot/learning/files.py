"""Model files on this machine, as copies of those in the database.

The database holds the files because it is the one thing that all processes share: they may run on several machines, and a backup
of it brings the model along. A copy is checked against the digest of its row before it is loaded."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from bot.learning import service
from bot.learning.models import ModelFile, ModelRow
from server.errors import NotReady

FOLDER: Final = "learned"
_KEPT: Final = 3


def local_copy(session: Session, *, row: ModelRow, models_dir: Path) -> Path:
    """The file of a model on this machine, fetched from the database where it is not there. Raises `NotReady` when it is in
    neither place or is not what was stored."""
    path = models_dir / FOLDER / f"{row.digest}.tar.gz"
    if path.exists() and _digest(path.read_bytes()) == row.digest:
        os.utime(path)
        return path
    stored = session.get(ModelFile, row.id)
    if stored is None or _digest(stored.content) != row.digest:
        raise NotReady(f"The file of model {row.id} is missing or damaged.")
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_suffix(f".{os.getpid()}")
    made.write_bytes(stored.content)
    made.replace(path)
    for old in sorted(path.parent.glob("*.tar.gz"), key=lambda each: each.stat().st_mtime)[:-_KEPT]:
        old.unlink(missing_ok=True)
    return path


def live_copy(session: Session, *, models_dir: Path) -> tuple[int, Path] | None:
    """The model that the database says should answer, with its file here; nothing when it says none. Raises `NotReady`."""
    row = service.live(session)
    return None if row is None else (row.id, local_copy(session, row=row, models_dir=models_dir))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
