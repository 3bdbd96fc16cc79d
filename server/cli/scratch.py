"""A service on a scratch database with the shipped packs published and the sample incident active: for replay, chat and
evaluation, which must touch nothing real."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from server.assembly import Service, assemble, models_present, prepare
from server.cli.console import Steps, progress_bar
from server.settings import Mode, Settings

PATIENCE: Final = 60.0
"""Seconds that the assistant may take for a turn here."""


@contextmanager
def scratch_service(settings: Settings, *, with_assistant: bool = True) -> Iterator[Service]:
    """The service, gone with its database afterwards. Models are trained first when there are none."""
    with tempfile.TemporaryDirectory(prefix="spillway-") as folder:
        scratch = settings.model_copy(
            update={
                "mode": Mode.TRAINING,
                "database_url": f"sqlite:///{Path(folder) / 'scratch.db'}",
                "twilio_api_base": "",
                # Nobody waits for these replies: a busy machine must not turn them into the menu's.
                "assistant_timeout": PATIENCE,
            }
        )
        if models_present(settings.models_dir) or not with_assistant:
            prepare(scratch)
        else:
            with progress_bar() as bar:
                prepare(scratch, progress=Steps(bar))
        service = assemble(scratch, with_assistant=with_assistant)
        try:
            yield service
        finally:
            service.close()
