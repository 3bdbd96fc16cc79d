"""How the commands speak to the person at the terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

out = Console()
err = Console(stderr=True)

_STEPS: Final = {
    "database": "Preparing the database",
    "packs": "Loading the approved messages",
    "triage": "Training the triage and the assistant",
    "assistant": "Training the triage and the assistant",
    "done": "Ready",
}


def quiet_libraries(level: str = "INFO") -> None:
    """Keeps the libraries' chatter off the terminal; ours goes to standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    for name in ("rasa", "alembic", "httpx", "matplotlib", "twilio", "apscheduler"):
        logging.getLogger(name).setLevel(logging.ERROR)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A progress bar on standard error."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        yield bar


class Steps:
    """Shows the steps of a preparation as they begin."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("Starting", total=len(_STEPS))

    def __call__(self, step: str) -> None:
        """The step that begins now."""
        self._bar.update(self._task, description=_STEPS.get(step, step), advance=1)
