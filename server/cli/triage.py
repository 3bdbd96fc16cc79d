"""`spillway triage`: what the triage says about a text, and why."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from bot.triage.engine import TriageEngine
from server.cli.console import out
from server.settings import get_settings


def triage(text: Annotated[str, typer.Argument(help="The message.")]) -> None:
    """Show level, category, evidence and vetoes of a message."""
    engine = TriageEngine.load(get_settings().models_dir / "triage.npz")
    decision = engine.assess(text)
    out.print(f"level     [bold]{decision.level.value}[/]")
    out.print(f"category  {decision.category or '-'}")
    out.print(f"card      {decision.card or '-'}")
    out.print(f"score     {'no classifier' if math.isnan(decision.score) else f'{decision.score:.3f}'}")
    for name, found in (("evidence", decision.evidence), ("vetoes", decision.vetoes)):
        for item in found or ("-",):
            out.print(f"{name:9} {item}", markup=False)
    if engine.degraded:
        out.print("[yellow]The classifier is not trained here; the patterns alone decided. Run `spillway train`.[/]")
