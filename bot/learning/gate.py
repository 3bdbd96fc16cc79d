"""The gate: what a candidate understands against what the live model does, and whether it may answer. Values in, values out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import comb
from typing import Any, Final

CERTAIN: Final = 0.05
"""The one-sided error of calling a difference in understanding a loss."""
CERTAIN_EMERGENCY: Final = 0.1
"""The same for emergencies, where missing a loss costs more than a needless look: four lost and none won closes the gate."""
LOST_UNDER: Final = 0.5
"""A topic that fewer than half of its own examples find is lost."""
MOST_LISTED: Final = 200


@dataclass(frozen=True)
class Case:
    """One sentence whose topic is known. `kind` is `examples` (a published topic's own), `questions` (the project's test set) or
    `city` (what staff took from conversations)."""

    kind: str
    text: str
    language: str
    intent: str


@dataclass(frozen=True)
class Understood:
    """What a model made of a case: the intent it would answer, and what it would offer."""

    intent: str
    offered: tuple[str, ...] = ()

    def how(self, wanted: str) -> str:
        """`found`, `offered`, `wrong` (another topic is answered) or `missed` (nothing is)."""
        if self.intent == wanted:
            return "found"
        if self.intent == "clarify":
            return "offered" if wanted in self.offered else "missed"
        return "missed" if self.intent == "out_of_scope" else "wrong"


@dataclass(frozen=True)
class Change:
    """A case that was found before and is not now."""

    kind: str
    text: str
    language: str
    intent: str
    how: str
    now: str


@dataclass(frozen=True)
class Report:
    """What the gate found. `reasons` is empty when it is open."""

    figures: Mapping[str, Mapping[str, Mapping[str, int]]]
    """For each kind of case, before and after: how many were found, offered, wrong, missed."""
    lost: tuple[Change, ...]
    lost_count: int
    won_count: int
    topics_lost: tuple[str, ...]
    topics_new: tuple[str, ...]
    weak: tuple[str, ...]
    """Topics that fewer than half of their own examples find, before as well as after."""
    reasons: tuple[str, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The report as it is stored with the model."""
        return {**asdict(self), "open": not self.reasons}


def fell(lost: int, won: int, *, certain: float = CERTAIN) -> bool:
    """Whether more was lost than chance explains: the one-sided sign test on the cases that differ."""
    differing = lost + won
    if lost <= won or not differing:
        return False
    return bool(sum(comb(differing, k) for k in range(lost, differing + 1)) / 2**differing < certain)


def compare(
    cases: Sequence[Case],
    before: Sequence[Understood] | None,
    after: Sequence[Understood],
    *,
    known_before: frozenset[str],
    seconds: Mapping[str, float] | None = None,
) -> Report:
    """Compares two models on the same cases. Without a model before, only what the one after understands is told."""
    hows = [result.how(case.intent) for case, result in zip(cases, after, strict=True)]
    were = [result.how(case.intent) for case, result in zip(cases, before, strict=True)] if before is not None else None
    figures: dict[str, dict[str, dict[str, int]]] = {}
    for kind in dict.fromkeys(case.kind for case in cases):
        places = [place for place, case in enumerate(cases) if case.kind == kind]
        figures[kind] = {"after": dict(Counter(hows[place] for place in places))}
        if were is not None:
            figures[kind]["before"] = dict(Counter(were[place] for place in places))
    lost = _lost(cases, were, hows, after)
    shares, earlier = _shares(cases, hows), _shares(cases, were) if were is not None else {}
    weak = tuple(sorted(intent for intent, share in shares.items() if share < LOST_UNDER))
    new = tuple(sorted(intent for intent in shares if intent not in known_before)) if were is not None else ()
    topics_lost = tuple(intent for intent in weak if intent in new or earlier.get(intent, 0.0) >= LOST_UNDER)
    won = sum(how == "found" != was for how, was in zip(hows, were, strict=True)) if were is not None else 0
    return Report(
        figures=figures,
        lost=tuple(lost[:MOST_LISTED]),
        lost_count=len(lost),
        won_count=won,
        topics_lost=topics_lost,
        topics_new=new,
        weak=weak,
        reasons=_reasons(cases, were, hows, topics_lost),
        seconds=dict(seconds or {}),
    )


def _lost(cases: Sequence[Case], were: Sequence[str] | None, hows: Sequence[str], after: Sequence[Understood]) -> list[Change]:
    if were is None:
        places = [place for place, how in enumerate(hows) if how != "found"]
    else:
        places = [place for place, how in enumerate(hows) if how != "found" and were[place] == "found"]
    return [
        Change(case.kind, case.text, case.language, case.intent, hows[place], after[place].intent)
        for place in places
        for case in (cases[place],)
    ]


def _shares(cases: Sequence[Case], hows: Sequence[str]) -> dict[str, float]:
    """The part of each published topic's own examples that find it."""
    found: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for case, how in zip(cases, hows, strict=True):
        if case.kind == "examples":
            total[case.intent] += 1
            found[case.intent] += how == "found"
    return {intent: found[intent] / count for intent, count in total.items()}


def _reasons(cases: Sequence[Case], were: Sequence[str] | None, hows: Sequence[str], topics_lost: Sequence[str]) -> tuple[str, ...]:
    """Why the gate is closed, as the keys of the words that say so."""
    reasons = ["topics_lost"] if topics_lost else []
    if were is None:
        return tuple(reasons)
    for kind in dict.fromkeys(case.kind for case in cases):
        pairs = [(were[place], hows[place]) for place, case in enumerate(cases) if case.kind == kind]
        if fell(sum(was == "found" != now for was, now in pairs), sum(now == "found" != was for was, now in pairs)):
            reasons.append(f"{kind}_fell")
        if fell(sum(now == "wrong" != was for was, now in pairs), sum(was == "wrong" != now for was, now in pairs)):
            reasons.append(f"{kind}_wrong")
    return tuple(reasons)
