"""What one act changed in a fact, field by field, as people read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from console.catalogue import text
from console.facts.cards import state_words
from knowledge.fact_reader import CLOCK
from knowledge.fact_rows import cells, columns
from knowledge.facts import STATUSES

Difference = tuple[str, str, str]
_SHOWN: Final = ("en", "es")


def differences(type_: str, key: str, language: str, zone: ZoneInfo) -> Callable[[Mapping[str, Any]], list[Difference]]:
    """For the acts on one fact: each field that differs, in words, with what it was and what it became."""

    def differ(detail: Mapping[str, Any]) -> list[Difference]:
        before, after = (_cells(type_, key, detail.get(name), zone) for name in ("before", "after"))
        names = [name for name in columns(type_, (*before, *after)) if name != "key"]
        return [
            (_label(name, language), _value(type_, name, before, language), _value(type_, name, after, language))
            for name in names
            if before.get(name, "") != after.get(name, "")
        ]

    return differ


def _cells(type_: str, key: str, seen: Mapping[str, Any] | None, zone: ZoneInfo) -> dict[str, str]:
    if seen is None or "as_of" not in seen:
        return {}
    as_of, expires = (datetime.fromisoformat(seen[name]).astimezone(zone).strftime(CLOCK) for name in ("as_of", "expires_at"))
    return cells(
        type=type_,
        key=key,
        data=seen["data"],
        source=seen["source"],
        owner=seen["owner"],
        visibility=seen["visibility"],
        as_of=as_of,
        expires=expires,
    )


def _label(name: str, language: str) -> str:
    base, _, own = name.partition("_")
    if base in ("hours", "note", "text"):
        where = text(f"facts.in_{own}", language) if own in _SHOWN else own
        return f"{text(f'facts.field_{base}', language)} ({where})"
    return text(f"facts.field_{name}", language)


def _value(type_: str, name: str, held: Mapping[str, str], language: str) -> str:
    value = held.get(name, "")
    if not value:
        return ""
    if name == "status" and value in STATUSES.get(type_, ()):
        return text(state_words(type_, value), language)
    return text(f"facts.visibility_{value}", language) if name == "visibility" else value
