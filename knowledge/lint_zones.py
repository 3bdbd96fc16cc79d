"""Checking for whom a message is: every text must name each of its zones, and nobody may be left without an answer by them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from knowledge.approval import rule_for
from knowledge.library import Library
from knowledge.lifecycle import unnamed_zones
from knowledge.lint_text import Finding
from knowledge.lint_words import Remark
from knowledge.topics import PHASES, Texts


@dataclass(frozen=True)
class Meant:
    """For whom a wording is: the topic it answers, the phases and the zones. Without phases or zones it is for all of them."""

    intent: str | None
    phases: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()


def check_meant(library: Library, *, texts: Texts, message_id: str, meant: Meant, now: datetime) -> Iterator[Finding]:
    """What is wrong with the zones of a wording, and whom a protective one would leave without an answer."""
    for zone in unnamed_zones(texts, meant.zones):
        yield Finding("error", message_id, "zones", Remark("zone_unnamed", zone=zone))
    if meant.intent is None or not meant.zones or rule_for(message_id, meant.intent).people == 1:
        return
    left: dict[str, None] = {}
    for phase in meant.phases or PHASES[1:]:
        left |= dict.fromkeys(
            library.unanswered(meant.intent, phase=phase, now=now, without=message_id, zones=meant.zones),
        )
    if left:
        yield Finding("warning", message_id, "zones", Remark("zones_left", zones=", ".join(left)))
