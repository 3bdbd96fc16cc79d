"""Checking packs before they are loaded, and drafts before they are approved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from knowledge.city import PLACEHOLDERS, RUNTIME
from knowledge.facts import LISTS, STATUS_LINES, folded
from knowledge.lint_plan import check_plan
from knowledge.lint_text import Finding, Level, Rules, check_wording, known_numbers
from knowledge.lint_words import Remark
from knowledge.pack_files import FLOOR, Pack, SystemText, read_pack
from knowledge.rendering.placeholders import ASOF, PLACEHOLDER
from knowledge.topics import CHANNELS, LANGUAGES, Texts, Topic, read_topic
from knowledge.yaml_files import misnamed, read_yaml
from server.errors import SpillwayError

__all__ = ["Finding", "check_packs", "check_texts"]

FACTS: Final = frozenset({*LISTS, *STATUS_LINES})
_KNOWN: Final = frozenset({*PLACEHOLDERS, *FACTS, ASOF})
_CARRIER_TEXTS: Final = frozenset({"system.stop", "system.start", "system.help", "system.first_contact"})
_ONE_SEGMENT: Final = frozenset({"safety_line", "system.help"})
_FIRST_CONTACT: Final = 100
_MIN_EXAMPLES: Final = {"en": 40, "es": 25}


def check_packs(packs_dir: Path) -> list[Finding]:
    """Everything to mend in the packs of a folder, errors first."""
    findings: list[Finding] = []
    packs: list[Pack] = []
    for folder in sorted(path for path in packs_dir.iterdir() if path.is_dir() and not path.name.startswith((".", "_"))):
        unread = list(_unreadable(folder))
        findings.extend(unread)
        if not unread:
            packs.append(read_pack(folder))
    hosts = _hosts(packs)
    numbers = known_numbers(_numbers(packs_dir))
    for pack in packs:
        for text in pack.system:
            findings.extend(_system(text, pack.name, hosts, numbers))
        for topic in pack.topics:
            findings.extend(_topic(topic, hosts, numbers))
    findings.extend(check_plan(packs, hosts=hosts, numbers=numbers))
    findings.extend(_together([topic for pack in packs for topic in pack.topics]))
    return sorted(findings, key=lambda finding: (finding.level, finding.file, finding.field))


def check_texts(texts: Texts, *, message_id: str, hosts: Iterable[str] = (), packs_dir: Path | None = None) -> list[Finding]:
    """What is to mend in the wording of one message, for the page where it is edited."""
    numbers = known_numbers(_numbers(packs_dir)) if packs_dir else frozenset()
    rules = _rules(message_id, tuple(hosts), numbers)
    return list(_wordings(texts, file=message_id, field="", rules=rules))


def _unreadable(folder: Path) -> Iterator[Finding]:
    """One finding for each file that cannot be read, so that one slip does not hide the others."""
    broken = False
    for part in ("topics", "plan", "incidents"):
        for path in misnamed(folder / part):
            broken = True
            yield Finding("error", path.name, "file", f"is never read; name it {path.name.split('.')[0]}.yml.")
    for path in sorted((folder / "topics").glob("*.yml")):
        try:
            read_topic(path)
        except SpillwayError as error:
            broken = True
            yield Finding("error", path.name, "file", error.safe_text.replace(f"{path.name}: ", ""))
    if broken:
        return
    try:
        read_pack(folder)
    except SpillwayError as error:
        yield Finding("error", folder.name, "file", error.safe_text)


def _hosts(packs: list[Pack]) -> tuple[str, ...]:
    listed = [host for pack in packs for host in pack.city.get("link_hosts", ())]
    pages = [value for pack in packs for value in pack.city.values() if isinstance(value, str) and value.startswith("https://")]
    return tuple(dict.fromkeys([*listed, *(urlsplit(page).hostname or "" for page in pages)]))


@lru_cache(maxsize=4)
def _numbers(packs_dir: Path) -> tuple[object, ...]:
    path = packs_dir / "core" / "national_numbers.yml"
    return tuple(read_yaml(path) or ()) if path.exists() else ()


def _rules(message_id: str, hosts: tuple[str, ...], numbers: frozenset[str]) -> Rules:
    card = message_id.startswith("card.")
    system = card or message_id.startswith("system.") or message_id == "safety_line"
    names = frozenset() if card or message_id in FLOOR else _KNOWN | RUNTIME if system else _KNOWN
    return Rules(names, hosts, numbers, message_id in _CARRIER_TEXTS, card or message_id in _ONE_SEGMENT, system)


def _system(text: SystemText, pack: str, hosts: tuple[str, ...], numbers: frozenset[str]) -> Iterator[Finding]:
    file = f"{pack}/system.yml"
    yield from _wordings(text.texts, file=file, field=text.message_id, rules=_rules(text.message_id, hosts, numbers))
    for language, channels in text.texts.items():
        if text.message_id == "system.first_contact" and len(channels["sms"]) > _FIRST_CONTACT:
            yield Finding("error", file, f"{text.message_id}.{language}", f"longer than {_FIRST_CONTACT} characters")


def _topic(topic: Topic, hosts: tuple[str, ...], numbers: frozenset[str]) -> Iterator[Finding]:
    file = f"{topic.intent}.yml"
    for language in LANGUAGES:
        if language not in topic.title:
            yield Finding("error", file, "title", f"has no {language}")
        if not topic.keywords.get(language):
            yield Finding("error", file, "keywords", f"has no {language}")
        examples = topic.examples.get(language, ())
        if len(examples) < _MIN_EXAMPLES[language]:
            yield Finding("warning", file, f"examples.{language}", f"{len(examples)} of {_MIN_EXAMPLES[language]}")
    for message in topic.messages:
        rules = _rules(f"{topic.intent}.{message.variant}", hosts, numbers)
        yield from _wordings(message.texts, file=file, field=message.variant, rules=rules)
    last = topic.messages[-1]
    quoted = {name for channels in last.texts.values() for text in channels.values() for name in PLACEHOLDER.findall(text)}
    if quoted & {*FACTS, ASOF}:
        yield Finding("error", file, last.variant, f"the last message quotes {sorted(quoted & {*FACTS, ASOF})}, which can expire")
    if last.phases or last.hazards:
        yield Finding("error", file, last.variant, "the last message is limited to phases or hazards; there may be none to say")


def _wordings(texts: Texts, *, file: str, field: str, rules: Rules) -> Iterator[Finding]:
    for language in LANGUAGES:
        if language not in texts:
            yield Finding("error", file, field or language, Remark("no_language", language=language))
    quoted = {
        language: {name for text in channels.values() for name in PLACEHOLDER.findall(text)} for language, channels in texts.items()
    }
    for language, channels in texts.items():
        for channel in CHANNELS:
            where = ".".join(part for part in (field, language, channel) if part)
            text = channels.get(channel, "").strip()
            if not text:
                yield Finding("error", file, where, Remark("missing"))
                continue
            for level, found in check_wording(text, channel=channel, language=language, rules=rules):
                yield Finding(level, file, where, found)
        apart = sorted((quoted.get("en", set()) ^ quoted[language]) & FACTS)
        if apart:
            remark = Remark("other_facts", names=", ".join(apart))
            yield Finding("warning", file, f"{field}.{language}".strip("."), remark)


def _together(topics: list[Topic]) -> Iterator[Finding]:
    for kind in ("keywords", "examples"):
        seen: dict[tuple[str, str], list[str]] = defaultdict(list)
        for topic in topics:
            for language, texts in getattr(topic, kind).items():
                for text in dict.fromkeys(folded(text) for text in texts):
                    seen[(language, text)].append(topic.intent)
        for (language, text), intents in sorted(seen.items()):
            if len(intents) > 1:
                level: Level = "error" if kind == "examples" else "warning"
                yield Finding(level, f"{intents[0]}.yml", f"{kind}.{language}", f"{text!r} is also in {', '.join(intents[1:])}")
