"""`spillway evaluate`: the project's own test sets, and a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from bot.evaluation.topics import TopicReport, evaluate_topics
from bot.evaluation.triage import TriageReport, evaluate_triage
from bot.triage.engine import TriageEngine
from server.cli.console import out, quiet_libraries
from server.cli.scratch import scratch_service
from server.errors import NotReady
from server.settings import get_settings


def evaluate(
    triage: Annotated[bool, typer.Option("--triage", help="Only the triage.")] = False,
    topics: Annotated[bool, typer.Option("--topics", help="Only the understanding of topics.")] = False,
    report: Annotated[Path | None, typer.Option(help="Also write the figures to this JSON file.")] = None,
) -> None:
    """Measure triage and understanding on the test sets in tests/data, with 95 % intervals."""
    quiet_libraries("ERROR")
    settings = get_settings()
    both = triage == topics
    figures: dict[str, Any] = {}
    if triage or both:
        engine = TriageEngine.load(settings.models_dir / "triage.npz")
        if engine.degraded:
            raise NotReady("The triage is not trained here; run `spillway train`.")
        measured = evaluate_triage(engine)
        _show_triage(measured)
        figures["triage"] = measured.as_json()
    if topics or both:
        with scratch_service(settings) as service:
            if service.assistant is None:
                raise NotReady("There is no trained model; run `spillway train`.")
            understood = evaluate_topics(service.assistant.agent.parse)
        _show_topics(understood)
        figures["topics"] = understood.as_json()
    if report is not None:
        report.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _show_triage(report: TriageReport) -> None:
    table = Table("Triage", "share (hits/total; 95 % interval)", title="Triage")
    for language, share in report.recall.items():
        table.add_row(f"emergencies, HARD, {language}", str(share))
    for language, share in report.heard.items():
        table.add_row(f"emergencies, HARD or SOFT, {language}", str(share))
    table.add_row("emergencies, HARD, 15 % of words damaged", str(report.noisy))
    for name, share in report.false_hard.items():
        table.add_row(f"{name.replace('_', ' ')}, HARD", str(share))
    for name, share in report.false_soft.items():
        table.add_row(f"{name.replace('_', ' ')} without danger, SOFT", str(share))
    out.print(table)
    weakest = sorted(report.categories.items(), key=lambda item: item[1].value)
    by_category = Table("category", "HARD", title="By category, weakest first")
    for category, share in weakest:
        by_category.add_row(category, str(share))
    out.print(by_category)
    out.print(f"Time a message: median {report.milliseconds['p50']} ms, p99 {report.milliseconds['p99']} ms")


def _show_topics(report: TopicReport) -> None:
    table = Table("Topics", "share (hits/total; 95 % interval)", title="Understanding")
    for label, shares in (
        ("first choice right", report.first),
        ("right one in the first three", report.three),
        ("answered, but wrong", report.wrong),
        ("asked back", report.clarified),
        ("out of scope not answered", report.refused),
    ):
        for language, share in shares.items():
            table.add_row(f"{label}, {language}", str(share))
    table.add_row("follow-ups", str(report.follow_ups))
    table.add_row("both of two questions", str(report.two_questions))
    out.print(table)
    for expected, got, count in report.confusions:
        out.print(f"  {expected} taken for {got}: {count}", highlight=False)
