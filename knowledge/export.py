"""Writing what is published to files of the same format as a pack, to be kept, compared, or loaded elsewhere."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import yaml
from sqlalchemy.orm import Session

from knowledge import store
from knowledge.facts import STATUS
from knowledge.records import Contents, Fact, Published
from knowledge.topics import Topic
from server import clock

_COLUMNS: Final = (
    "key", "name", "address", "zip", "zone", "zips", "status", "phone", "hours_en", "hours_es", "note_en", "note_es", "text_en",
    "text_es", "visibility", "as_of", "expires", "source", "owner",
)  # fmt: skip


def export_packs(session: Session, *, target: Path) -> int:
    """Writes the topics, messages, facts and city values in force as one pack in the folder `target`; gives the number of files.
    Incidents are not part of a pack."""
    contents, now = store.read_contents(session), clock.now()
    return sum(
        (_topics(contents, target, now), _system(contents, target, now), _city(contents, target), _facts(contents, target, now))
    )


def _live(messages: Iterable[Published], now: datetime) -> list[Published]:
    newest: dict[str, Published] = {}
    for message in sorted(messages, key=lambda one: (one.position, one.version)):
        if message.live(now):
            newest[message.message_id] = message
    return list(newest.values())


def _topics(contents: Contents, target: Path, now: datetime) -> int:
    messages = defaultdict(list)
    for message in _live(contents.messages, now):
        if message.intent:
            messages[message.intent].append(message)
    written = 0
    for topic in contents.topics:
        if messages[topic.intent]:
            _write(target / "topics" / f"{topic.intent}.yml", _topic(topic, messages[topic.intent]))
            written += 1
    return written


def _topic(topic: Topic, messages: list[Published]) -> dict[str, Any]:
    variants = []
    for message in messages:
        phases = {"phases": list(message.phases)} if message.phases else {}
        variants.append({"variant": message.message_id.partition(".")[2], **phases, **_plain(message.texts)})
    return {**topic.data(), "messages": variants}


def _system(contents: Contents, target: Path, now: datetime) -> int:
    texts = {message.message_id: _plain(message.texts) for message in _live(contents.messages, now) if message.intent is None}
    if texts:
        _write(target / "system.yml", {"owner": "emergency_management", "source": "Exported from Spillway", "messages": texts})
    return bool(texts)


def _city(contents: Contents, target: Path) -> int:
    city = dict(contents.city)
    apart = {name: city.pop(name) for name in ("menus", "link_hosts") if name in city}
    files: dict[str, Any] = apart | ({"city": city} if city else {})
    for name, value in files.items():
        _write(target / f"{name}.yml", value)
    return len(files)


def _facts(contents: Contents, target: Path, now: datetime) -> int:
    tables: dict[str, list[Fact]] = defaultdict(list)
    for fact in sorted(contents.facts, key=lambda one: (one.position, one.key)):
        if fact.live(now):
            tables[fact.type].append(fact)
    status = tables.pop(STATUS, [])
    if status:
        _write(target / "status.yml", {fact.key: _line(fact, now) for fact in status})
    for type_, facts in tables.items():
        _table(target / "facts" / f"{type_}.csv", [_row(fact, now) for fact in facts])
    return len(tables) + bool(status)


def _line(fact: Fact, now: datetime) -> dict[str, str]:
    return {**fact.data["text"], **_times(fact, now), "source": fact.source, "owner": fact.owner}


def _row(fact: Fact, now: datetime) -> dict[str, str]:
    row = {"key": fact.key, "source": fact.source, "owner": fact.owner, **_times(fact, now)}
    for name, value in fact.data.items():
        if isinstance(value, Mapping):
            row.update({f"{name}_{language}": text for language, text in value.items()})
        else:
            row[name] = " ".join(value) if name == "zips" else str(value)
    return row | ({} if fact.public else {"visibility": "agents_only"})


def _times(fact: Fact, now: datetime) -> dict[str, str]:
    minutes = int((fact.as_of - now).total_seconds() // 60)
    return {"as_of": f"{minutes:+d}m", "expires": f"+{int((fact.expires_at - now).total_seconds() // 60)}m"}


def _table(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = [name for name in _COLUMNS if any(name in row for row in rows)]
    columns += sorted({name for row in rows for name in row} - set(columns))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _plain(texts: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return {language: dict(channels) for language, channels in texts.items()}


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=100000), "utf-8")
