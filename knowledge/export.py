"""Writing what is published to files of the same format as a pack, to be kept, compared, or loaded elsewhere.

The files do not depend on the database or the moment: loading them into an empty one and exporting again gives the same bytes."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge import store
from knowledge.fact_rows import cells, columns, guard
from knowledge.facts import STATUS
from knowledge.incident_packs import PREFIX, parse_incident_pack
from knowledge.models import MessageVersion
from knowledge.pack_files import LISTED
from knowledge.plan import in_order, parse_fields, parse_template
from knowledge.records import Contents, Fact, Published
from knowledge.topics import CHANNELS, Topic
from server import clock

_PLAN: Final = "plan."


def export_packs(session: Session, *, target: Path) -> int:
    """Writes the topics, messages, facts, city values, plan templates and incident packs in force as one pack in the folder
    `target`; gives the number of files. Incidents that are going on are not part of a pack."""
    contents, now = store.read_contents(session), clock.now()
    city = dict(contents.city)
    return sum(
        (
            _topics(contents, target, now),
            _system(session, contents, target, now),
            _plan(city, target),
            _incident_packs(city, target),
            _city(city, target),
            _facts(contents, target, now),
        )
    )


def _live(messages: Iterable[Published], now: datetime) -> list[Published]:
    newest: dict[str, Published] = {}
    for message in sorted(messages, key=lambda one: (one.position, one.message_id, one.version)):
        if message.live(now):
            newest[message.message_id] = message
    return list(newest.values())


def _topics(contents: Contents, target: Path, now: datetime) -> int:
    messages = defaultdict(list)
    for message in _live(contents.messages, now):
        # A filled template or a wording for some zones answers for a while; it is no part of the topic.
        if message.intent and not message.zones and message.message_id.startswith(f"{message.intent}."):
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
        variant = message.message_id.partition(".")[2]
        limits = {"phases": message.phases, "hazards": topic.only.get(variant, ())}
        given = {name: list(limit) for name, limit in limits.items() if limit}
        variants.append({"variant": variant, **given, **_plain(message.texts)})
    by_language = {name: _ordered(getattr(topic, name)) for name in ("title", "keywords", "examples")}
    data = {name: value for name, value in topic.data().items() if name != "only"}
    return {**data, **by_language, "messages": variants}


def _system(session: Session, contents: Contents, target: Path, now: datetime) -> int:
    standing = (one for one in _live(contents.messages, now) if one.intent is None)
    messages = [one for one in standing if not one.message_id.startswith((_PLAN, "cap."))]
    if not messages:
        return 0
    told = session.execute(
        select(MessageVersion.owner, MessageVersion.source).where(
            MessageVersion.state == "published", MessageVersion.message_id.in_([one.message_id for one in messages])
        )
    )
    (owner, source), _ = Counter(sorted((row.owner, row.source) for row in told)).most_common(1)[0]
    texts = {one.message_id: _plain(one.texts) for one in messages}
    _write(target / "system.yml", {"owner": owner, "source": source, "messages": texts})
    return 1


def _plan(city: dict[str, Any], target: Path) -> int:
    listed = city.pop("plan_fields", None)
    if listed is None:
        return 0
    fields = parse_fields(listed, file="plan_fields")
    _write(target / "plan_fields.yml", {name: fields[name].data() for name in sorted(fields)})
    names = sorted(name for name in city if name.startswith(_PLAN))
    for name in names:
        template = parse_template(city.pop(name), fields=fields, file=name)
        _write(target / "plan" / f"{template.name}.yml", template.data())
    return len(names) + 1


def _incident_packs(city: dict[str, Any], target: Path) -> int:
    names = sorted(name for name in city if name.startswith(PREFIX))
    for name in names:
        pack = parse_incident_pack(city.pop(name), file=name)
        _write(target / "incidents" / f"{pack.name}.yml", pack.data())
    return len(names)


def _city(city: dict[str, Any], target: Path) -> int:
    files: dict[str, Any] = {name: city.pop(name) for name in LISTED if name in city}
    if city:
        files["city"] = city
    for name, value in files.items():
        _write(target / f"{name}.yml", _ordered(value) if isinstance(value, Mapping) else value)
    return len(files)


def _facts(contents: Contents, target: Path, now: datetime) -> int:
    tables: dict[str, list[Fact]] = defaultdict(list)
    for fact in sorted(contents.facts, key=lambda one: (one.type, one.position, one.key)):
        if fact.live(now):
            tables[fact.type].append(fact)
    status = tables.pop(STATUS, [])
    if status:
        _write(target / "status.yml", {fact.key: _line(fact) for fact in status})
    for type_, facts in tables.items():
        _table(target / "facts" / f"{type_}.csv", type_, facts)
    return len(tables) + bool(status)


def _line(fact: Fact) -> dict[str, str]:
    times = {"as_of": _fixed(fact.as_of), "expires": _fixed(fact.expires_at)}
    return {**_ordered(fact.data["text"]), **times, "source": fact.source, "owner": fact.owner}


def _fixed(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _table(path: Path, type_: str, facts: list[Fact]) -> None:
    rows = [
        cells(
            type=fact.type,
            key=fact.key,
            data=fact.data,
            source=fact.source,
            owner=fact.owner,
            visibility="public" if fact.public else "agents_only",
            as_of=_fixed(fact.as_of),
            expires=_fixed(fact.expires_at),
        )
        for fact in facts
    ]
    used = {name for row in rows for name in row}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [name for name in columns(type_, used) if name in used], lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: guard(text) for name, text in row.items()} for row in rows)


def _plain(texts: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return {
        language: {channel: texts[language][channel] for channel in CHANNELS if channel in texts[language]}
        for language in in_order(texts)
    }


def _ordered(value: Any) -> Any:
    """A value with its names in one order, whatever order the database kept; tuples become lists."""
    if isinstance(value, Mapping):
        return {name: _ordered(value[name]) for name in in_order(value)}
    return [_ordered(one) for one in value] if isinstance(value, list | tuple) else value


class _Dumper(yaml.SafeDumper):
    """Long texts as blocks, as writers keep them."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100000), "utf-8")
