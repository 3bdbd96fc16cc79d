"""What the triage says about a message."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much danger a message speaks of."""

    NONE = "none"
    SOFT = "soft"
    CRISIS = "crisis"
    HARD = "hard"


CATEGORIES: tuple[str, ...] = (
    "cardiac", "breathing", "stroke", "bleeding", "poisoning", "childbirth", "seizure", "drowning", "trapped", "fire",
    "smoke", "gas", "explosion", "wire", "carbon_monoxide", "vehicle_water", "collapse", "assault", "weapon",
    "shooting", "intruder", "domestic_violence", "kidnapping", "missing_person", "suicide", "self_harm", "hazmat",
    "medical_power", "asks_911", "unclear", "silent_danger",
)  # fmt: skip
"""Every category a decision can carry; the first 28 are those of the training data, in their order."""

CODES: dict[str, str] = {f"C{number:02d}": name for number, name in enumerate(CATEGORIES[:28], start=1)}
"""The short codes used in the training data, C01 to C28."""

EMERGENCY_CARD = "emergency"
SAFETY_LINE = "safety_line"

_HARD_CARDS: dict[str, str] = {
    "gas": "gas",
    "carbon_monoxide": "carbon_monoxide",
    "wire": "wire",
    "suicide": "suicide_now",
    "self_harm": "suicide_now",
    "silent_danger": "silent",
}
_SOFT_CARDS: dict[str, str] = {"unclear": "unclear", "poisoning": "poison"}


def card_for(level: Level, category: str | None) -> str | None:
    """Name the approved card that is said for a level and category; an ordinary message has none."""
    if level is Level.NONE:
        return None
    if level is Level.CRISIS:
        return "crisis_988"
    if level is Level.HARD:
        return _HARD_CARDS.get(category or "", EMERGENCY_CARD)
    return _SOFT_CARDS.get(category or "", SAFETY_LINE)


@dataclass(frozen=True)
class Decision:
    """The level of one message, what kind of danger, and why.

    `evidence` and `vetoes` name the rules that spoke, for the agent's packet and for review. `score` is the
    classifier's probability of an emergency, and not a number when the classifier did not run.
    """

    level: Level
    category: str | None = None
    card: str | None = None
    evidence: tuple[str, ...] = ()
    vetoes: tuple[str, ...] = ()
    score: float = math.nan
