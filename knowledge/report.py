"""The report on everything that ships: which words answer which topic in which phase, how hard they read and how long they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from knowledge.library import Library
from knowledge.lint_plan import worst_words
from knowledge.pack_files import contents_of, read_pack, shipped_floor
from knowledge.plan_fill import worst_sms
from knowledge.readability import grade
from knowledge.records import Channel, Said, Situation
from knowledge.rendering.segments import measure
from knowledge.rendering.voice import WORDS_A_MINUTE, seconds
from knowledge.topics import CHANNELS, LANGUAGES, PHASES, Topic

MOMENT: Final = datetime(2026, 9, 14, 19, 40, tzinfo=UTC)
"""The moment at which the sample city is looked at, so that the report is the same on every day."""
SAMPLE_PHASES: Final = PHASES[1:]

_Key = tuple[str, str, str, Channel]
Spoken = Mapping[_Key, Said]
"""What is said by topic, phase, language and channel."""


def libraries(packs_dir: Path, names: Iterable[str] = ("core", "harbor_city")) -> dict[str, Library]:
    """The library of the sample city in each phase of its incident."""
    contents = contents_of([read_pack(packs_dir / name) for name in names], now=MOMENT)
    return {
        phase: Library(
            replace(contents, incidents=tuple(replace(one, phase=phase) for one in contents.incidents)), floor=shipped_floor()
        )
        for phase in SAMPLE_PHASES
    }


def spoken(libraries_: Mapping[str, Library]) -> dict[_Key, Said]:
    """Everything that is said on every topic."""
    return {
        (intent, phase, language, channel): library.answer(intent, Situation(language, channel, MOMENT))
        for phase, library in libraries_.items()
        for intent in library.topics
        for language in LANGUAGES
        for channel in CHANNELS
    }


def holes(said: Spoken) -> list[_Key]:
    """Where nothing of the topic is said, or not in the language that was asked for."""
    return [key for key, one in said.items() if one.missing or one.language != key[2]]


def knowledge_report(packs_dir: Path) -> str:
    """The report as Markdown."""
    by_phase = libraries(packs_dir)
    library, said = by_phase[SAMPLE_PHASES[0]], spoken(by_phase)
    found = holes(said)
    lines = [
        "# What Spillway may say",
        "",
        "Written by `spillway packs report --write`; a test holds it to the packs. It looks at the sample city in each phase of",
        "its hurricane, without a place known.",
        "",
        f"- {len(library.topics)} topics with {sum(len(one.messages) for one in library.topics.values())} messages in "
        f"{len(LANGUAGES)} languages and {len(CHANNELS)} channels",
        *(f"- at least {_examples(library, language)} example phrasings of each in `{language}`" for language in LANGUAGES),
        f"- {len(library.message_ids) - sum(len(one.messages) for one in library.topics.values())} cards and system texts, "
        f"{len(library.plan)} plan templates, {len(library.incident_packs)} incident packs",
        f"- {len(said):,} answers looked at, **{len(found)} holes**",
        *(f"  - {' / '.join(key)}" for key in found),
        "",
        *_coverage(library, said),
        *_sizes(library, said),
        *_system(library),
        *_plan(library),
        *_packs(library),
    ]
    return "\n".join(lines) + "\n"


def _examples(library: Library, language: str) -> int:
    return min(len(topic.examples.get(language, ())) for topic in library.topics.values())


def _table(title: str, intro: str, head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    names = list(head)
    yield from (f"## {title}", "", intro, "", f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}")
    yield from (f"| {' | '.join(map(str, row))} |" for row in rows)
    yield ""


def _coverage(library: Library, said: Spoken) -> Iterator[str]:
    intro = "The message that answers in each phase, the same in both languages and on all channels unless it is told."
    rows = ([f"`{intent}`", *(_cell(intent, phase, said) for phase in SAMPLE_PHASES)] for intent in sorted(library.topics))
    return _table("Coverage: topic and phase", intro, ("topic", *SAMPLE_PHASES), rows)


def _cell(intent: str, phase: str, said: Spoken) -> str:
    variants: dict[str, list[str]] = {}
    for language in LANGUAGES:
        for channel in CHANNELS:
            one = said[intent, phase, language, channel]
            name = "**HOLE**" if one.missing else one.message_id.partition(".")[2]
            variants.setdefault(name, []).append(f"{language} {channel}")
    if len(variants) == 1:
        return next(iter(variants))
    return "; ".join(f"{name} ({', '.join(where)})" for name, where in variants.items())


def _sizes(library: Library, said: Spoken) -> Iterator[str]:
    intro = (
        "The worst of all phases. Grade: the school grade of web and voice texts. SMS: text messages sent at once, and + when more "
        "waits for MORE. Voice: seconds heard at once, and + when more waits."
    )
    head = ("topic", *(f"{what} {language}" for what in ("grade", "SMS", "voice") for language in LANGUAGES))
    rows = []
    for intent, topic in sorted(library.topics.items()):
        grades = [_grade(topic, language) for language in LANGUAGES]
        texts = [_sms(intent, language, said) for language in LANGUAGES]
        heard = [_voice(intent, language, said) for language in LANGUAGES]
        rows.append([f"`{intent}`", *grades, *texts, *heard])
    return _table("Reading grade, segments and seconds", intro, head, rows)


def _grade(topic: Topic, language: str) -> str:
    texts = [message.texts[language][channel] for message in topic.messages for channel in ("web", "voice")]
    return f"{max(grade(text, language) for text in texts):.0f}"


def _sms(intent: str, language: str, said: Spoken) -> str:
    answers = [said[intent, phase, language, "sms"] for phase in SAMPLE_PHASES]
    return f"{max(measure(one.text).segments for one in answers)}{'+' if any(one.more for one in answers) else ''}"


def _voice(intent: str, language: str, said: Spoken) -> str:
    answers = [said[intent, phase, language, "voice"] for phase in SAMPLE_PHASES]
    return f"{max(seconds(one.text) for one in answers):.0f}{'+' if any(one.more for one in answers) else ''}"


def _system(library: Library) -> Iterator[str]:
    rows = []
    for name in sorted(library.message_ids):
        if name.partition(".")[0] in library.topics:
            continue
        sizes = []
        for language in LANGUAGES:
            # A placeholder that the assistant fills is short; a word stands in for it.
            one = library.say(name, Situation(language, "sms", MOMENT), **dict.fromkeys(_RUNTIME, "12"))
            sizes.append("hole" if one.missing else measure(one.text).segments)
        rows.append([f"`{name}`", *sizes])
    head = ("text", *(f"SMS {language}" for language in LANGUAGES))
    return _table("Cards and system texts", "Text messages each is sent in.", head, rows)


_RUNTIME: Final = ("options", "position", "minutes", "place", "reference", "number", "agent", "reason", "language", "since")


def _plan(library: Library) -> Iterator[str]:
    intro = "Units and text messages, and seconds heard, when every gap is filled to its limit and accents are folded."
    rows = []
    for name, template in library.plan.items():
        fields = {field.name: field for field in template.fields}
        row: list[object] = [f"`{name}`", template.phase]
        for language in LANGUAGES:
            size = worst_sms(template.texts[language]["sms"], fields)
            heard = worst_words(template.texts[language]["voice"], fields) * 60 / WORDS_A_MINUTE
            row.extend((f"{size.units} ({size.segments})", f"{heard:.0f}"))
        rows.append(row)
    head = ("template", "plan phase", *(f"{what} {language}" for language in LANGUAGES for what in ("SMS", "voice s")))
    return _table("Plan templates", intro, head, rows)


def _packs(library: Library) -> Iterator[str]:
    rows = (
        [
            f"`{name}`",
            pack.hazard,
            ", ".join(pack.menu),
            len(pack.all_topics),
            len(pack.templates),
            len(pack.questions),
            len(pack.facts),
            len(pack.checklist[LANGUAGES[0]]),
        ]
        for name, pack in library.incident_packs.items()
    )
    head = ("pack", "hazard", "menus", "topics", "templates", "questions", "kinds of facts", "first-hour steps")
    return _table("Incident packs", "What is prepared for each hazard (docs/packs.md).", head, rows)
