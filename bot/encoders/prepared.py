"""Files made once from what a package ships, so that a process opens them instead of making them at every start."""

from __future__ import annotations

import logging
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from server.settings import get_settings

LAYOUT = 2
"""What the files look like; another number makes them anew."""

DAMAGED = (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile)
"""What reading a file that was cut short may raise."""

Opened = TypeVar("Opened")

_log = logging.getLogger(__name__)


def folder() -> Path:
    """Where this installation keeps them. Raises `ValueError` where the settings cannot be read."""
    return get_settings().data_dir / "encoders"


def opened(
    name: str, version: str, *, make: Callable[[Path], None], read: Callable[[Path], Opened], base: Path | None = None
) -> Opened:
    """What `read` finds in the folder of an encoder's files, for one version of its package. `make` writes them where they are
    missing, and again where they are damaged. Raises what those raise, and `OSError` where nothing can be written."""
    base = base or folder()
    wanted = base / f"{name}-{version}-{LAYOUT}"
    if wanted.is_dir():
        try:
            return read(wanted)
        except DAMAGED as error:
            _log.warning("encoder: %s is made anew: %s", wanted.name, error)
            shutil.rmtree(wanted, ignore_errors=True)
    _put(wanted, make)
    for old in base.glob(f"{name}-*"):
        if old != wanted:
            shutil.rmtree(old, ignore_errors=True)
    return read(wanted)


def _put(wanted: Path, make: Callable[[Path], None]) -> None:
    """Makes the files beside their place and moves them there. Several processes may do so at once; the first one stands."""
    wanted.parent.mkdir(parents=True, exist_ok=True)
    made = wanted.with_name(f".{wanted.name}-{uuid4().hex}")
    made.mkdir()
    try:
        make(made)
        try:
            os.replace(made, wanted)
        except OSError:
            if not wanted.is_dir():
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)
