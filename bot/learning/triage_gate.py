"""The gate for the triage: no category of emergencies may be heard less often than before, be it by model or by pattern."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.evaluation.rows import DATA, read_rows
from bot.learning.gate import CERTAIN_EMERGENCY, fell
from bot.triage.decision import Level
from bot.triage.engine import Context, TriageEngine

PACKAGED: Final = Path(__file__).parent / "emergencies.tsv"
"""The emergencies of an installation that has no checkout."""
BASELINE: Final = "triage_heard.json"
"""Which test emergencies the triage that was last let through heard, with the patterns of then."""
ALL: Final = "all"
_LOUD: Final = (Level.HARD, Level.CRISIS)

Heard = Mapping[str, bool]
"""For each emergency by its id, whether the 911 or the 988 line comes first."""


@dataclass(frozen=True)
class CategoryChange:
    """One category, or all of them together."""

    category: str
    before: int
    after: int
    total: int
    lost: int
    won: int

    @property
    def fell(self) -> bool:
        """Whether more emergencies were lost than chance explains."""
        return fell(self.lost, self.won, certain=CERTAIN_EMERGENCY)


def emergencies() -> list[dict[str, str]]:
    """The test emergencies: of the checkout, else the packaged ones."""
    path = DATA / "triage" / "emergencies.tsv"
    return read_rows(path if path.is_file() else PACKAGED, "id", "category", "text")


def heard(engine: TriageEngine, rows: Sequence[Mapping[str, str]]) -> dict[str, bool]:
    """Which emergencies an engine hears, with the patterns as they are."""
    context = {channel: Context(channel=channel) for channel in ("sms", "web", "ivr")}
    return {row["id"]: engine.assess(row["text"], context=context[row.get("channel") or "sms"]).level in _LOUD for row in rows}


def compare_triage(rows: Sequence[Mapping[str, str]], before: Heard, after: Heard) -> list[CategoryChange]:
    """All categories together first, then each; only emergencies that both sides know count."""
    known = [row for row in rows if row["id"] in before and row["id"] in after]
    changes = []
    for category in (ALL, *sorted({row["category"] for row in known})):
        pairs = [(before[row["id"]], after[row["id"]]) for row in known if category in (ALL, row["category"])]
        changes.append(
            CategoryChange(
                category,
                before=sum(was for was, _ in pairs),
                after=sum(now for _, now in pairs),
                total=len(pairs),
                lost=sum(was and not now for was, now in pairs),
                won=sum(now and not was for was, now in pairs),
            )
        )
    return changes


def read_baseline(models_dir: Path) -> dict[str, bool] | None:
    """What was heard when a triage was last let through; nothing before the first time."""
    try:
        found: dict[str, bool] = json.loads((models_dir / BASELINE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found


def write_baseline(models_dir: Path, heard_now: Heard) -> None:
    """Notes what is heard, for the next comparison."""
    made = models_dir / f"{BASELINE}.new"
    made.write_text(json.dumps(dict(heard_now)), "utf-8")
    made.replace(models_dir / BASELINE)
