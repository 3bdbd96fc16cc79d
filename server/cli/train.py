"""`spillway train`: learn from the packs and the dialogue data."""

from __future__ import annotations

import time

from server.cli.console import Steps, out, progress_bar, quiet_libraries
from server.settings import get_settings


def train() -> None:
    """Train the triage and the assistant; the next start answers with them."""
    # Deferred: every command reads this module, and only training needs scikit-learn.
    from bot.training import train_all

    settings = get_settings()
    quiet_libraries(settings.log_level)
    started = time.monotonic()
    with progress_bar() as bar:
        trained = train_all(models_dir=settings.models_dir, progress=Steps(bar))
    out.print(f"Trained in {time.monotonic() - started:.0f} s: {trained.assistant.name} and {trained.triage.name}")
