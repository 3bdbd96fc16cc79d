"""The packet in words, for a desk that shows text and no fields. Only their agents read it."""

from __future__ import annotations

from typing import Any

from console.catalogue import has, text
from desk.external.port import Kind, Parcel

_MOST = 40


def opened_words(parcel: Parcel, language: str) -> list[tuple[bool, str]]:
    """The notes and messages that a conversation begins with at their desk, each with whether it is private."""
    said = parcel.body.get("transcript") or []
    log = "\n".join(_line(line, language) for line in said[-_MOST:])
    found = [(True, _packet(parcel, language))]
    if log:
        found.append((True, f"{text('outside.said_before', language)}\n{log}"))
    last = next((line["text"] for line in reversed(said) if line["who"] == "resident" and line["text"].strip()), "")
    return [*found, (False, last)] if last else found


def in_words(parcel: Parcel, language: str) -> str:
    """A line of ours, a word about a refused message, or why a conversation is over."""
    match parcel.kind:
        case Kind.NOTE:
            return text("outside.refused", language, why=str(parcel.body.get("why", "")))
        case Kind.CLOSED:
            key = f"outside.closed_{parcel.body.get('reason')}"
            return text(key if has(key) else "outside.closed_other", language)
    return _line(parcel.body, language)


def _line(line: Any, language: str) -> str:
    danger = f" [{_danger(line['danger'], language)}]" if line.get("danger") else ""
    return f"{text('outside.who_' + line['who'], language)}{danger}: {line['text']}"


def _packet(parcel: Parcel, language: str) -> str:
    body, packet = parcel.body, parcel.body["packet"]
    told = dict.fromkeys(each["message"] for each in packet.get("told") or [])
    dangers = dict.fromkeys(_danger(each.get("category") or each["level"], language) for each in packet.get("emergency") or [])
    lines = [
        f"**{parcel.reference}**: {_reason(str(body['reason']), language)}",
        f"**{text('outside.emergency', language)}**" if body.get("emergency") else "",
        str(packet.get("summary") or ""),
        _field("danger", ", ".join(dangers), language),
        _field("needs", ", ".join(text(f"desk_agent.need_{each}", language) for each in packet.get("needs") or []), language),
        _field("place", packet.get("place"), language),
        _field("language", str(body.get("language", "")).upper(), language),
        _field("channel", str(body.get("channel", "")).upper(), language),
        _field("told", ", ".join(told), language),
        text("outside.rules", language),
    ]
    return "\n".join(line for line in lines if line)


def _reason(reason: str, language: str) -> str:
    keys = (f"desk.reason_{reason}", f"desk_agent.reason_{reason}")
    return next((text(key, language) for key in keys if has(key)), reason)


def _field(name: str, value: Any, language: str) -> str:
    return f"{text('outside.' + name, language)}: {value}" if value else ""


def _danger(category: str, language: str) -> str:
    return text(f"danger.{category}", language) if has(f"danger.{category}") else category.replace("_", " ")
