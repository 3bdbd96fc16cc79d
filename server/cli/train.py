"""`spillway train`: learn from the knowledge base and the dialogue data, and pass the gate."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.table import Table

from bot.learning import service, worker
from bot.learning.answers import Answers
from bot.learning.data import learning_data
from bot.learning.files import live_copy
from bot.learning.gate import Report, compare
from bot.learning.models import ModelRow
from bot.learning.replay import cases_of, topic_model
from bot.learning.states import State
from bot.learning.triage_gate import CategoryChange, compare_triage, emergencies, heard, read_baseline, write_baseline
from bot.triage.engine import TriageEngine
from server import clock
from server.assembly import models_present
from server.audit.service import record
from server.cli.console import Steps, out, progress_bar, quiet_libraries
from server.cli.open import open_database
from server.errors import NotReady
from server.settings import Settings, get_settings

if TYPE_CHECKING:
    from bot.training import Trained

ACTOR: Final = "spillway train"
PREVIOUS: Final = "triage.previous.npz"

_REVIEWED = typer.Option(help="A folder of tables from the review page, to learn from besides the shipped examples.")


def train(
    reason: Annotated[str, typer.Option(help="Why the result should be used although the gate is closed.")] = "",
    reviewed: Annotated[Path | None, _REVIEWED] = None,
) -> None:
    """Train the triage and the assistant, and use them if no emergency and no published topic is lost by it.

    The assistant answers in every running process within two seconds; the triage is loaded at the next start."""
    from bot.training import train_all  # deferred: every command reads this module, and only training needs scikit-learn

    if reviewed is not None:
        from bot.reviewed import reviewed_rows

        out.print(f"{len(reviewed_rows(reviewed))} reviewed rows")
    settings = get_settings()
    quiet_libraries(settings.log_level)
    started = time.monotonic()
    if not models_present(settings.models_dir):
        with progress_bar() as bar:
            trained = train_all(models_dir=settings.models_dir, progress=Steps(bar), reviewed=reviewed)
        write_baseline(settings.models_dir, heard(TriageEngine.load(trained.triage), emergencies()))
        out.print(f"Trained in {time.monotonic() - started:.0f} s: {trained.assistant.name} and {trained.triage.name}")
        return
    base = settings.models_dir / "work"
    base.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=base) as name:
        _train_and_compare(settings, Path(name), reason.strip(), reviewed)
    out.print(f"Done in {time.monotonic() - started:.0f} s. Restart the processes to load the triage.")


def _train_and_compare(settings: Settings, folder: Path, reason: str, reviewed: Path | None) -> None:
    from bot.runtime.training import newest_model
    from bot.training import train_all

    with open_database() as session:
        data = learning_data(session)
        live = live_copy(session, models_dir=settings.models_dir)
    before = live[1] if live is not None else newest_model(settings.models_dir)
    data.write(folder / worker.LEARNING)
    with progress_bar() as bar:
        trained = train_all(models_dir=folder / "made", progress=Steps(bar), learning=folder / worker.LEARNING, reviewed=reviewed)
    rows = emergencies()
    after = heard(TriageEngine.load(trained.triage), rows)
    known = read_baseline(settings.models_dir) or heard(TriageEngine.load(settings.models_dir / "triage.npz"), rows)
    changes = compare_triage(rows, known, after)
    _show_triage(changes)
    report = None
    if before is not None:
        cases, kept = cases_of(data), settings.models_dir / "work" / worker.ANSWERS
        models = [(topic_model(path), Answers(kept, path)) for path in (before, trained.assistant)]
        was, now = (answers.all(model, cases, progress=lambda _part: None) for model, answers in models)
        report = compare(cases, was, now, known_before=frozenset(models[0][0].intents))
        _show_topics(report)
    closed = [f"emergencies: {change.category}" for change in changes if change.fell] + list(report.reasons if report else ())
    if closed and not reason:
        raise NotReady(f"The gate is closed ({', '.join(closed)}). Nothing was changed. Use it all the same with --reason WHY.")
    _use(settings, trained, report, closed, reason)
    write_baseline(settings.models_dir, after)


def _use(settings: Settings, trained: Trained, report: Report | None, closed: list[str], reason: str) -> None:
    from bot.runtime.training import newest_model

    old = newest_model(settings.models_dir)
    content = trained.assistant.read_bytes()
    with open_database() as session:
        row = ModelRow(kind="manual", state=State.WORKING.value, asked_by=ACTOR, asked_at=clock.now(), beat_at=clock.now())
        session.add(row)
        session.flush()
        found: dict[str, Any] = report.as_json() if report is not None else {"open": True, "reasons": [], "figures": {}}
        service.finish(session, model_id=row.id, report=found, content=content)
        beginning = old.read_bytes() if old is not None else None
        service.promote(session, model_id=row.id, actor=ACTOR, reason=reason, beginning=beginning)
        record(session, actor=ACTOR, action="triage.trained", subject="triage", detail={"closed": closed, "reason": reason or None})
        # Before the commit: a database that says so and a file that is not there would be worse than the reverse.
        current = settings.models_dir / "triage.npz"
        shutil.copyfile(current, settings.models_dir / PREVIOUS)
        made = settings.models_dir / "triage.new.npz"
        shutil.copyfile(trained.triage, made)
        made.replace(current)


def _show_triage(changes: list[CategoryChange]) -> None:
    table = Table("Emergencies", "before", "after", "of", "lost", "won", "", title="Triage")
    for one in changes:
        if one.category == "all" or one.lost or one.won:
            mark = "FELL" if one.fell else ""
            table.add_row(one.category, *(str(n) for n in (one.before, one.after, one.total, one.lost, one.won)), mark)
    out.print(table)


def _show_topics(report: Report) -> None:
    table = Table("Sentences", "found before", "found after", title="Topics")
    for kind, sides in report.figures.items():
        table.add_row(kind, str(sides.get("before", {}).get("found", 0)), str(sides["after"].get("found", 0)))
    out.print(table)
    for intent in report.topics_lost:
        out.print(f"Lost: {intent}")
