"""The training in a process of its own, at the lowest priority, so that residents' turns go first.

Run as `python -m bot.learning.worker FOLDER`. The folder holds `learning.json` and, where there is one, `live.tar.gz`; a folder
with `check` in `task` is only tested. It leaves `report.json` and the candidate, and tells how far it is in lines of JSON."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

from bot.learning.answers import Answers
from bot.learning.data import LearningData
from bot.learning.gate import Understood, compare
from bot.learning.replay import cases_of, topic_model

LOWEST: Final = 15
LIVE: Final = "live.tar.gz"
CANDIDATE: Final = "candidate.tar.gz"
LEARNING: Final = "learning.json"
REPORT: Final = "report.json"
TASK: Final = "task"
KEPT: Final = "vectors.npz"
ANSWERS: Final = "answers.json"


class Told:
    """Tells the process above how far the work is."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self.started = time.monotonic()
        self.seconds: dict[str, float] = {}
        self._speaking = threading.Lock()

    @contextmanager
    def meanwhile(self, step: str, *, begin: float, end: float, usual: float = 60.0, every: float = 5.0) -> Iterator[None]:
        """Tells of a step that cannot say how far it is: a sign of life every few seconds, and a bar that nears `end` by the time
        that the step usually takes. Without one, other processes would take a long training for a dead one."""
        over, started = threading.Event(), time.monotonic()

        def tell() -> None:
            while not over.wait(every):
                gone = time.monotonic() - started
                self(step, begin + (end - begin) * gone / (gone + usual))

        self(step, begin)
        thread = threading.Thread(target=tell, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def __call__(self, step: str, progress: float) -> None:
        """The step that is being done, and the part of the whole that is behind; when each step began, and the
        seconds of computing, which do not depend on who else uses the machine, stand in `seconds`."""
        self.seconds.setdefault(step, round(time.monotonic() - self.started, 1))
        self.seconds["computing"] = round(time.process_time(), 1)
        with self._speaking:
            self._out.write(json.dumps({"step": step, "progress": round(progress, 3)}) + "\n")
            self._out.flush()


def work(folder: Path, *, told: Told) -> None:
    """Trains a candidate, or takes the live model for one, and compares it with the live model."""
    from bot.encoder import shared_encoder
    from bot.vectors import KeptVectors

    data = LearningData.read(folder / LEARNING)
    kept = KeptVectors(folder.parent / KEPT)
    shared_encoder().kept = kept
    live = topic_model(folder / LIVE) if (folder / LIVE).exists() else None
    check = (folder / TASK).read_text("utf-8") == "check"
    if not check:
        with told.meanwhile("learning", begin=0.03, end=0.6):
            _train(folder, calibration=live.gate.data() if live is not None else None)
            kept.save()
    cases = cases_of(data)
    told("replaying", 0.6)
    before: list[Understood] | None = None
    if live is not None:
        known_of = Answers(folder.parent / ANSWERS, folder / LIVE)
        before = known_of.all(live, cases, progress=lambda part: told("replaying", 0.6 + 0.2 * part))
    if check:
        after, before = before or [], None
    else:
        candidate = topic_model(folder / CANDIDATE)
        known_of = Answers(folder.parent / ANSWERS, folder / CANDIDATE)
        after = known_of.all(candidate, cases, progress=lambda part: told("replaying", 0.8 + 0.2 * part))
    kept.save()
    told("done", 1.0)
    known = frozenset(live.intents) if live is not None else frozenset()
    report: dict[str, Any] = compare(cases, before, after, known_before=known, seconds=told.seconds).as_json()
    (folder / REPORT).write_text(json.dumps(report, ensure_ascii=False), "utf-8")


def _train(folder: Path, *, calibration: dict[str, float] | None) -> None:
    from bot.runtime.training import train_assistant

    made = train_assistant(out=folder / "made", learning=folder / LEARNING, calibration=calibration)
    made.rename(folder / CANDIDATE)


def main() -> None:
    """Runs one task."""
    os.nice(LOWEST)
    # Libraries write to standard output as they please; only our own lines may reach the process above.
    told, sys.stdout = Told(sys.stdout), sys.stderr
    work(Path(sys.argv[1]), told=told)


if __name__ == "__main__":
    main()
