"""`spillway replay`: a file of messages down the same way that a live one takes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from server.assembly import models_present, train_missing
from server.cli.console import Steps, err, progress_bar, quiet_libraries
from server.cli.replay_rows import read_rows
from server.cli.replay_workers import Replayed, beside_one_another, one_after_the_other, workers_for
from server.errors import BadInput
from server.settings import Settings, get_settings


def replay(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="TSV with a header, or JSONL: id, text or turns, lang, channel.")],
    output: Annotated[Path, typer.Option(help="The JSONL file to write, one line a turn.")],
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes that share the rows; one a core when there are many rows.")
    ] = None,
) -> None:
    """Send a file of messages through a scratch service and write what each turn led to."""
    settings = get_settings()
    quiet_libraries("ERROR")
    rows = list(read_rows(source))
    if not output.parent.is_dir():
        raise BadInput(f"There is no folder {output.parent} to write to.")
    if not models_present(settings.models_dir):
        with progress_bar() as bar:
            train_missing(settings, progress=Steps(bar))
    count = workers or workers_for(len(rows))
    with (
        output.open("w", encoding="utf-8", errors="backslashreplace") as file,
        _replaying(settings, count) as replayed,
        progress_bar() as bar,
    ):
        task = bar.add_task(f"Replaying {source.name}", total=len(rows))
        started, turns = time.perf_counter(), 0
        for lines in replayed(rows):
            for line in lines:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
            turns += len(lines)
            bar.advance(task)
        seconds = time.perf_counter() - started
    each = f", {count} processes" if count > 1 else ""
    err.print(f"{turns} turns in {seconds:.1f} s ({turns / max(seconds, 0.001):.0f} a second{each})")


@contextmanager
def _replaying(settings: Settings, count: int) -> Iterator[Replayed]:
    """What replays the rows, once everything is loaded."""
    with one_after_the_other(settings) if count == 1 else beside_one_another(settings, count) as replayed:
        yield replayed
