"""The topic model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A training example."""

    text: str
    intent: str
    language: str | None = None


@dataclass(frozen=True)
class Understanding:
    """What a message asks about."""

    intent: str
    confidence: float
    ranking: tuple[tuple[str, float], ...]
    offered: tuple[str, ...] = ()
    also: str | None = None
    followed: bool = False
