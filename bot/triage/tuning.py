"""Chooses the thresholds on messages the learners had not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from bot.triage.combine import Scores, Thresholds, combine
from bot.triage.decision import Level
from bot.triage.reading import Reading

MISSED_AS_NONE = 10.0
MISSED_AS_SOFT = 5.0
NEAR_ALARM = 1.0
ORDINARY_ALARM = 2.5
"""What each kind of mistake costs: a missed emergency weighs far more than a needless 911 line. What costs nothing here,
the safety line, is limited by the share of ordinary questions that may get it."""

ORDINARY_SAFETY_LINES = 0.055
"""The share of ordinary training questions that may get a safety line. They stand nearer to danger than what residents ask: on the
test set the share is about two thirds of it, and is to stay under 0.04."""

_SOFT = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)
_GRID: dict[str, tuple[float, ...]] = {
    "cue": (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5),
    "alone": (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6),
    "doubted": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
    "vetoed": (0.2, 0.3, 0.4, 0.5, 0.6, 0.7),
    "sure": (0.02, 0.05, 0.1),
    "crisis": (0.3, 0.4, 0.5, 0.6),
}

_ALWAYS = max(max(_GRID[name]) for name in ("cue", "alone", "doubted", "vetoed", "sure"))
"""A chance from which on every threshold that is tried makes the message HARD."""


@dataclass(frozen=True)
class Judged:
    """One example with what the patterns and the out-of-fold learners say about it."""

    language: str
    level: str
    category: str
    kind: str
    reading: Reading
    scores: Scores

    def decide(self, thresholds: Thresholds) -> str:
        """The level it would get."""
        return combine(self.reading, self.scores, thresholds).level.value

    @cached_property
    def easy(self) -> bool:
        """Whether any threshold that is tried gives the right level, so that tuning need not look again."""
        if self.level == "none":
            return self.scores.danger < 0.1 and not self.reading.hits
        return self.level == "hard" and self.scores.hard >= _ALWAYS and not self.reading.of("soft")

    def cost(self, thresholds: Thresholds) -> float:
        """What the decision on it costs."""
        decided = Level(self.decide(thresholds))
        if self.level == "hard":
            return {Level.NONE: MISSED_AS_NONE, Level.SOFT: MISSED_AS_SOFT, Level.CRISIS: MISSED_AS_SOFT}.get(decided, 0.0)
        if self.level == "crisis":
            return {Level.NONE: MISSED_AS_NONE, Level.SOFT: MISSED_AS_SOFT, Level.HARD: NEAR_ALARM / 2}.get(decided, 0.0)
        if decided is Level.HARD:
            return ORDINARY_ALARM if self.kind == "ordinary" else NEAR_ALARM
        if decided is Level.CRISIS:
            return ORDINARY_ALARM / 2 if self.kind == "ordinary" else NEAR_ALARM
        return 0.0


def choose(judged: Sequence[Judged]) -> Thresholds:
    """Improve one threshold after the other, twice around, to the lowest total cost."""
    hard_ones = [item for item in judged if not item.easy]
    best = _with_safety_lines(judged, Thresholds())
    for _ in range(2):
        for name, values in _GRID.items():
            tried = {value: replace(best, **{name: value}) for value in values}
            lowest, highest = tried[min(values)], tried[max(values)]
            # A threshold divides the chances in two: where both ends cost the same, so does all between.
            moved = [item for item in hard_ones if item.cost(lowest) != item.cost(highest)]
            costs = {value: sum(item.cost(thresholds) for item in moved) for value, thresholds in tried.items()}
            best = tried[min(values, key=costs.__getitem__)]
    return _with_safety_lines(judged, best)


def _with_safety_lines(judged: Sequence[Judged], thresholds: Thresholds) -> Thresholds:
    """Set the lowest threshold of SOFT that leaves most ordinary questions without a safety line."""
    ordinary = [item for item in judged if item.kind == "ordinary"]
    allowed = ORDINARY_SAFETY_LINES * len(ordinary)
    for value in _SOFT:
        thresholds = replace(thresholds, soft=value)
        if sum(item.decide(thresholds) in ("soft", "crisis") for item in ordinary) <= allowed:
            break
    return thresholds
