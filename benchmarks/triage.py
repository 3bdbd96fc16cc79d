"""The triage beside another one of it: two models, or two states of the code with the model of each, in one run.

    uv run python benchmarks/triage.py MODEL [--against MODEL] [--against-code FOLDER] [--more FOLDER]

MODEL is a `triage.npz`. Each side is measured in a process of its own, one after the other, on the project's test set
(`bot/evaluation/triage.py`) and, with `--more`, on a folder of further TSV tables with the columns `text` and `our_label`
(`emergency`, `not_emergency`). `--against-code` is the root of another checkout, for a model that this code cannot read.
A table goes to standard output."""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
TEST_SET = ROOT / "tests" / "data" / "triage"


def measure(model: Path, more: Path | None) -> dict[str, Any]:
    """The figures of one model under the code that this process imports."""
    from bot.evaluation.triage import evaluate_triage
    from bot.triage.engine import TriageEngine

    engine = TriageEngine.load(model)
    if engine.degraded:
        raise SystemExit(f"{model} cannot be read by this code")
    figures = evaluate_triage(engine, folder=TEST_SET).as_json()
    shares = {
        f"{name}: {key}": value for name in ("recall", "heard", "false_hard", "false_soft") for key, value in figures[name].items()
    }
    shares["recall: words damaged"] = figures["noisy"]
    shares |= {f"category: {key}": value for key, value in figures["categories"].items()}
    slow: list[float] = []
    for path in sorted(more.glob("*.tsv")) if more is not None else ():
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                started = time.perf_counter()
                level = engine.assess(row["text"]).level.value
                slow.append((time.perf_counter() - started) * 1000)
                label = "emergency" if row["our_label"] == "emergency" else "other"
                for name, hit in (("HARD", level in ("hard", "crisis")), ("SOFT", level == "soft")):
                    count = shares.setdefault(f"{path.stem}: {label} {name}", [0, 0])
                    count[0] += hit
                    count[1] += 1
    return {"shares": shares, "milliseconds": figures["milliseconds"]}


def in_its_own_process(code: Path, model: Path, more: Path | None) -> dict[str, Any]:
    """Measure with the code of a checkout."""
    command = [sys.executable, str(Path(__file__).resolve()), str(model.resolve()), "--measure"]
    command += ["--more", str(more.resolve())] if more is not None else []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(code), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(command, cwd=code, env=environment, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure both sides and print them beside each other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--against-code", type=Path, default=ROOT)
    parser.add_argument("--more", type=Path)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.model, given.more)))
        return
    sides = {"now": in_its_own_process(ROOT, given.model, given.more)}
    if given.against is not None:
        sides["against"] = in_its_own_process(given.against_code.resolve(), given.against, given.more)
    from bot.evaluation.rows import Share

    table = Table("share", *sides, title="Triage")
    for name in sides["now"]["shares"]:
        table.add_row(name, *(str(Share(*side["shares"][name])) if name in side["shares"] else "-" for side in sides.values()))
    for name in sides["now"]["milliseconds"]:
        table.add_row(f"time a message, {name}", *(f"{side['milliseconds'][name]} ms" for side in sides.values()))
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
