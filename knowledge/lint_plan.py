"""Checks of plan templates, incident packs and owners: lengths at their worst, and that every name leads somewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from knowledge.city import PLACEHOLDERS
from knowledge.lint_text import MAX_VOICE_WORDS, Finding, Rules, check_wording
from knowledge.pack_files import Pack
from knowledge.plan import PlanField, PlanTemplate, city_length
from knowledge.plan_fill import MAX_SEGMENTS, worst_sms
from knowledge.rendering.placeholders import PLACEHOLDER
from knowledge.topics import CHANNELS, LANGUAGES

_LETTERS_A_WORD: Final = 6
_SPOKEN_PHONE: Final = 11


def check_plan(packs: Iterable[Pack], *, hosts: tuple[str, ...], numbers: frozenset[str]) -> Iterator[Finding]:
    """Everything to mend in templates, incident packs and the names of owners."""
    packs = list(packs)
    topics = {topic.intent for pack in packs for topic in pack.topics}
    templates = {template.name for pack in packs for template in pack.plan}
    for pack in packs:
        for template in pack.plan:
            yield from _template(template, topics, hosts, numbers)
        yield from _city(pack)
    yield from _incident_packs(packs, topics, templates)
    yield from _owners(packs)


def _template(template: PlanTemplate, topics: set[str], hosts: tuple[str, ...], numbers: frozenset[str]) -> Iterator[Finding]:
    file = f"plan/{template.name}.yml"
    if template.topic and template.topic not in topics:
        yield Finding("error", file, "topic", f"there is no topic {template.topic}")
    fields = {field.name: field for field in template.fields}
    rules = Rules(frozenset({*fields, *PLACEHOLDERS}), hosts, numbers)
    quoted = {}
    for language, channels in template.texts.items():
        for channel in CHANNELS:
            where = f"{language}.{channel}"
            for level, found in check_wording(channels[channel], channel=channel, language=language, rules=rules):
                yield Finding(level, file, where, found)
        size = worst_sms(channels["sms"], fields)
        if size.segments > MAX_SEGMENTS or size.encoding != "GSM-7":
            worst = f"{size.units} units of {size.encoding}, {size.segments} texts, when every gap is filled to its limit"
            yield Finding("error", file, f"{language}.sms", f"{worst}; at most {MAX_SEGMENTS} of GSM-7")
        words = worst_words(channels["voice"], fields)
        if words > MAX_VOICE_WORDS:
            yield Finding("warning", file, f"{language}.voice", f"{words} words when every gap is filled to its limit")
        quoted[language] = {name for text in channels.values() for name in PLACEHOLDER.findall(text)} & set(fields)
    for language in LANGUAGES[1:]:
        apart = sorted(quoted[LANGUAGES[0]] ^ quoted[language])
        if apart:
            yield Finding("error", file, language, f"does not have the same gaps as English: {', '.join(apart)}")
    if len({len(items) for items in template.guidance.values()}) != 1:
        yield Finding("error", file, "guidance", "must have the same points in English and Spanish")


def worst_words(text: str, fields: Mapping[str, PlanField]) -> int:
    """The words that are heard when every gap in a spoken text is as long as it may be."""
    words = len(PLACEHOLDER.sub("", text).split())
    for name in PLACEHOLDER.findall(text):
        field = fields.get(name)
        phone = field.type == "phone" if field else PLACEHOLDERS[name] == "phone"
        words += _SPOKEN_PHONE if phone else -(-(field.max if field else city_length(name)) // _LETTERS_A_WORD)
    return words


def _city(pack: Pack) -> Iterator[Finding]:
    for name, value in pack.city.items():
        if name not in PLACEHOLDERS:
            continue
        texts = value.values() if isinstance(value, Mapping) else (value,)
        for text in map(str, texts):
            length = len(text.removeprefix("https://").removeprefix("www.").rstrip("/"))
            if length > city_length(name):
                room = f"{length} characters; plan templates keep room for {city_length(name)}"
                yield Finding("warning", f"{pack.name}/city.yml", name, room)


def _incident_packs(packs: list[Pack], topics: set[str], templates: set[str]) -> Iterator[Finding]:
    prepared = [one for pack in packs for one in pack.incident_packs]
    for one in prepared:
        file = f"incidents/{one.name}.yml"
        for name in one.all_topics:
            if name not in topics:
                yield Finding("error", file, "topics", f"there is no topic {name}")
        for name in one.templates:
            if name not in templates:
                yield Finding("error", file, "templates", f"there is no plan template {name}")
        for question in one.questions:
            if question.topic not in one.all_topics:
                yield Finding("error", file, "questions", f"{question.topic} is not among the topics of the pack")
        if one.phase not in one.menu:
            yield Finding("error", file, "opens", f"there is no menu for the phase {one.phase}")
    named = {name for one in prepared for name in one.all_topics}
    for name in sorted(topics - named) if prepared else ():
        yield Finding("error", f"{name}.yml", "intent", "is in no incident pack; name it in one, or in incidents/everyday.yml")


def _owners(packs: list[Pack]) -> Iterator[Finding]:
    owners = {name: text for pack in packs for name, text in (pack.city.get("owners") or {}).items()}
    if not owners:
        return
    for name, text in owners.items():
        if not isinstance(text, Mapping) or any(not text.get(language) for language in LANGUAGES):
            yield Finding("error", "owners.yml", str(name), "needs a description in en and es")
    named = [
        *((f"{one.intent}.yml", one.owner) for pack in packs for one in pack.topics),
        *((f"plan/{one.name}.yml", one.owner) for pack in packs for one in pack.plan),
        *((f"{pack.name}/system.yml", one.owner) for pack in packs for one in pack.system[:1]),
        *((f"{pack.name}/{one.type}:{one.key}", one.owner) for pack in packs for one in pack.facts),
    ]
    for file, owner in named:
        if owner not in owners:
            yield Finding("error", file, "owner", f"{owner} is not in owners.yml")
