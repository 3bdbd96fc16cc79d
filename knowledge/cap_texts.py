"""The words of a CAP alert as the texts of a draft, for a person to mend and approve; and the incident that it suggests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from knowledge.cap import CapInfo
from knowledge.editing import MAX_TEXT
from knowledge.facts import folded
from knowledge.incident_packs import IncidentPack
from knowledge.lint_text import MAX_SMS
from knowledge.records import Zone
from knowledge.rendering import web
from knowledge.rendering.placeholders import clean
from knowledge.rendering.sentences import cut
from knowledge.rendering.sms import fits, fold, plain
from knowledge.topics import FALLBACK_LANGUAGE

_LEVELS: Final = {"Extreme": "full", "Severe": "partial"}
_PHASES: Final = {"Immediate": "during", "Expected": "before", "Future": "before", "Past": "after"}


@dataclass(frozen=True)
class SuggestedIncident:
    """What the alert would open, if a person agrees. `pack` and `hazard` are empty when its event is not known."""

    name: str
    pack: str | None
    hazard: str | None
    phase: str
    level: str
    zones: tuple[str, ...]
    expires_at: datetime | None


def language_of(info: CapInfo) -> str:
    """The language of an info block as Spillway names it: `en-US` is `en`."""
    return info.language.split("-")[0].casefold()


def together(infos: Sequence[CapInfo]) -> tuple[list[dict[str, CapInfo]], list[CapInfo]]:
    """The info blocks that say the same in several languages, and those that belong to no English one.

    Blocks of equal number belong together in their order; otherwise those with the same areas and expiry."""
    by_language: dict[str, list[CapInfo]] = {}
    for info in infos:
        by_language.setdefault(language_of(info), []).append(info)
    english = by_language.pop(FALLBACK_LANGUAGE, [])
    groups = [{FALLBACK_LANGUAGE: info} for info in english]
    alone: list[CapInfo] = []
    for language, others in by_language.items():
        for position, info in enumerate(others):
            home = position if len(others) == len(english) else _same_place(info, english)
            if home is None or home >= len(groups) or language in groups[home]:
                alone.append(info)
            else:
                groups[home][language] = info
    return groups, alone


def _same_place(info: CapInfo, english: Sequence[CapInfo]) -> int | None:
    matching = [
        index
        for index, other in enumerate(english)
        if info.expires == other.expires and {a.codes for a in info.areas} == {a.codes for a in other.areas}
    ]
    return matching[0] if len(matching) == 1 else None


def texts_of(info: CapInfo) -> dict[str, str] | None:
    """The texts for each channel; nothing when the block says nothing."""
    areas = ", ".join(area.description for area in info.areas if area.description)
    headline = _line(info.headline) or ": ".join(part for part in (_line(info.event), _line(areas)) if part)
    told = [part for part in (headline, _line(info.instruction) or _line(info.description)) if part]
    if not told:
        return None
    if info.sender_name and folded(info.sender_name) not in folded(headline):
        told[0] = f"{_line(info.sender_name)}: {told[0]}"
    spoken = " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in told)
    paragraphs = [f"**{web.escape(headline)}**"] if headline else []
    for text in (info.instruction, info.description):
        paragraphs.extend(web.escape(line) for line in _paragraphs(text))
    if areas:
        paragraphs.append(web.escape(_line(areas)))
    return {
        "sms": cut(plain(_short(spoken)), lambda text: len(text) <= MAX_SMS and fits(fold(text)))[0],
        "web": _short("\n\n".join(paragraphs) or web.escape(spoken)),
        "voice": _short(spoken),
    }


def _short(text: str) -> str:
    """A text no longer than the editor takes, ended with a whole sentence where there is one."""
    if len(text) <= MAX_TEXT:
        return text
    kept = text[:MAX_TEXT]
    end = max(kept.rfind(mark) for mark in (". ", ".\n", "! ", "? "))
    return kept[: end + 1] if end > 0 else kept


def _line(text: str) -> str:
    return clean(" ".join(text.split()))


def _paragraphs(text: str) -> list[str]:
    return [line for line in (_line(part) for part in re.split(r"\n\s*\n|\n(?=\s*\*)", text)) if line]


def suggest(info: CapInfo, *, packs: Iterable[IncidentPack], zones: Iterable[Zone]) -> SuggestedIncident:
    """The incident that an alert suggests. Zones are named only by an order to leave that names them."""
    pack = _pack(info.event, packs)
    over = "AllClear" in info.responses
    return SuggestedIncident(
        name=_line(info.event)[:100],
        pack=pack.name if pack else None,
        hazard=pack.hazard if pack and pack.hazard != "all" else None,
        phase="after" if over else _PHASES.get(info.urgency, pack.phase if pack else "during"),
        level=_LEVELS.get(info.severity, "monitor"),
        zones=_zones(info, zones) if "Evacuate" in info.responses else (),
        expires_at=info.expires,
    )


def _pack(event: str, packs: Iterable[IncidentPack]) -> IncidentPack | None:
    said = f" {folded(event)} "
    found = [(len(word), pack) for pack in packs for word in pack.cap_events if f" {folded(word)} " in said]
    return max(found, key=lambda one: one[0])[1] if found else None


def _zones(info: CapInfo, zones: Iterable[Zone]) -> tuple[str, ...]:
    told = " ".join(folded(area.description) for area in info.areas)
    named = {name for run in re.findall(r"\bzones? ((?:(?:and |y )?[a-z0-9]{1,3}\b ?)+)", told) for name in run.split()}
    codes = {code for area in info.areas for _, code in area.codes}
    return tuple(zone.name for zone in zones if folded(zone.name) in named or zone.name in codes)
