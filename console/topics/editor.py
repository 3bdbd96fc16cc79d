"""A topic that staff add in a disaster: what they type, made into a topic, a draft of its text, and what is wrong with either."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from rapidfuzz import fuzz, process
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.topics.model import TopicModel
from knowledge import lifecycle
from knowledge.changes import bump_revision
from knowledge.facts import folded
from knowledge.library import Library
from knowledge.lifecycle import State, Wording
from knowledge.lint import Finding, check_texts
from knowledge.models import MessageVersion, TopicRow
from knowledge.topics import CHANNELS, LANGUAGES, Texts, Topic
from server import clock
from server.audit.service import record
from server.errors import BadInput, Conflict, NotFound
from server.settings import ROOT

PACKS: Final = ROOT / "knowledge" / "packs"
PREFIX: Final = "local_"
"""Begins the name of every topic made here, so that none is a step of the dialogue or a topic of a pack to come."""
VARIANT: Final = "answer"
LAST: Final = 1000
"""The position after every shipped topic."""
MOST_EXAMPLES: Final = 60
LONGEST_EXAMPLE: Final = 200
FEWEST_WORDS: Final = 2
HOURS: Final = (6, 12, 24, 72)
SURE: Final = 0.6
_NOTED: Final = "Nothing noted yet."


@dataclass(frozen=True)
class Typed:
    """The form as it was sent. Examples stand on lines of their own; `texts` are the fields `sms_en`, `web_es` and so on."""

    title: dict[str, str]
    examples: dict[str, tuple[str, ...]]
    texts: dict[str, str] = field(default_factory=dict)
    owner: str = ""
    source: str = ""

    @classmethod
    def of(cls, form: dict[str, str]) -> Typed:
        """What was typed, trimmed; bounded, so that nobody posts a book."""
        values = {name: value.strip()[:6000] for name, value in form.items()}
        return cls(
            title={code: values.get(f"title_{code}", "")[:80] for code in LANGUAGES},
            examples={code: lines(values.get(f"examples_{code}", "")) for code in LANGUAGES},
            texts={f"{channel}_{code}": values.get(f"{channel}_{code}", "") for channel in CHANNELS for code in LANGUAGES},
            owner=values.get("owner", ""),
            source=values.get("source", "")[:300],
        )

    def wording(self) -> Texts:
        """The text per language and channel; what was not typed for the web or the phone is that of the SMS."""
        return {
            code: {channel: self.texts.get(f"{channel}_{code}") or self.texts.get(f"sms_{code}", "") for channel in CHANNELS}
            for code in LANGUAGES
            if self.texts.get(f"sms_{code}")
        }


@dataclass(frozen=True)
class Collision:
    """An example that another topic has or is understood for. `sure` is how sure the assistant is of the other one."""

    text: str
    intent: str
    title: str
    sure: int | None
    alike: tuple[str, ...]


def lines(text: str) -> tuple[str, ...]:
    """The lines of a field, without empty ones and repetitions."""
    found = [line.strip(" -•\t")[:LONGEST_EXAMPLE] for line in text.splitlines()]
    return tuple(dict.fromkeys(line for line in found if line))[:MOST_EXAMPLES]


def gaps(typed: Typed, *, library: Library) -> list[str]:
    """What is missing, as the keys of the words that say so, in the order of the form."""
    missing = [f"need_title_{code}" for code in LANGUAGES if not typed.title.get(code)]
    missing += [f"need_examples_{code}" for code in LANGUAGES if not typed.examples.get(code)]
    if any(len(folded(text).split()) < FEWEST_WORDS for texts in typed.examples.values() for text in texts):
        missing.append("need_words")
    missing += [f"need_sms_{code}" for code in LANGUAGES if not typed.texts.get(f"sms_{code}")]
    if typed.owner not in library.owners:
        missing.append("need_owner")
    if not typed.source:
        missing.append("need_source")
    return missing


def findings(typed: Typed) -> list[Finding]:
    """What the linter says of the text, as far as there is one."""
    texts = typed.wording()
    if not texts:
        return []
    found = check_texts(texts, message_id=f"{PREFIX}new.{VARIANT}", packs_dir=PACKS)
    # A text that stands for all channels is told once what is wrong with it.
    first = {(finding.level, finding.field.partition(".")[0], finding.text): finding for finding in reversed(found)}
    return sorted(first.values(), key=lambda finding: (finding.level, finding.field))


def collisions(
    examples: Sequence[tuple[str, str]], *, library: Library, model: TopicModel | None, own: str | None = None
) -> list[Collision]:
    """The examples (text, language) that would meet another topic: in the same words, or because the assistant is sure of it."""
    found = []
    for text, language in examples:
        match = library.phrasings.match(text)
        other = match.intent if match is not None and match.intent != own else None
        sure: int | None = None
        if other is None and model is not None:
            understood = model.understand(text, language=language)
            if understood.intent in library.topics and understood.intent != own and understood.confidence >= SURE:
                other, sure = understood.intent, round(100 * understood.confidence)
        if other is not None:
            theirs = [each for texts in library.topics[other].examples.values() for each in texts]
            alike = tuple(choice for choice, _, _ in process.extract(text, theirs, scorer=fuzz.token_sort_ratio, limit=2))
            found.append(Collision(text, other, library.title(other, language), sure, alike))
    return found


def name_of(session: Session, *, title: str) -> str:
    """A name for a topic that no other has."""
    words = "_".join(folded(title).split())
    base = f"{PREFIX}{re.sub(r'[^a-z0-9_]', '', words)}"[:42].rstrip("_")
    taken = set(session.scalars(select(TopicRow.intent).where(TopicRow.intent.startswith(base, autoescape=True))))
    return next(name for number in range(1, 1000) if (name := base if number == 1 else f"{base}_{number}") not in taken)


def add_topic(session: Session, *, typed: Typed, library: Library, actor: str) -> tuple[Topic, MessageVersion]:
    """Stores the topic and its text as a draft. Residents are answered from the moment the text is published, and not before.

    Raises `BadInput` when something is missing."""
    if gaps(typed, library=library):
        raise BadInput("Fill in what is marked first.")
    intent = name_of(session, title=typed.title["en"])
    topic = Topic(
        intent=intent,
        title=typed.title,
        hazards=("all",),
        phases=("all",),
        owner=typed.owner,
        sources=(typed.source,),
        ask=(),
        complex=_NOTED,
        emergency=_NOTED,
        keywords={code: (title,) for code, title in typed.title.items()},
        examples=typed.examples,
    )
    session.add(
        TopicRow(intent=intent, title=dict(topic.title), data=topic.data(), position=LAST, active=True, updated_at=clock.now())
    )
    session.flush()
    record(session, actor=actor, action="topic.added", subject=f"topic:{intent}", detail={"examples": _count(topic)})
    wording = Wording(f"{intent}.{VARIANT}", typed.wording(), typed.owner, typed.source, intent)
    return topic, lifecycle.draft(session, wording=wording, author=actor)


def publish_at_once(session: Session, *, version_id: int, actor: str, hours: int) -> None:
    """Takes a draft through review and approval to publication in one act, as one person may in training mode."""
    if hours not in HOURS:
        raise BadInput("Choose how long the text may be said.")
    for to in (State.IN_REVIEW, State.APPROVED, State.PUBLISHED):
        lifecycle.transition(
            session,
            version_id=version_id,
            to=to,
            actor=actor,
            expires_at=clock.now() + timedelta(hours=hours),
            single_person_allowed=True,
        )


def put_examples(session: Session, *, intent: str, examples: dict[str, tuple[str, ...]], seen: str, actor: str) -> TopicRow:
    """Replaces the examples of a topic. `seen` is the time of the change that the person saw; a later one is not overwritten.

    Raises `NotFound`, `BadInput` and `Conflict`."""
    row = session.get(TopicRow, intent, with_for_update=True)
    if row is None:
        raise NotFound("There is no such topic.")
    if row.updated_at.isoformat() != seen:
        raise Conflict("Somebody else changed this topic meanwhile. Load the page again; nothing was overwritten.")
    if not examples.get("en"):
        raise BadInput("A topic needs at least one example in English.")
    before = _count(Topic.from_data(row.data))
    row.data = {**row.data, "examples": {code: list(texts) for code, texts in examples.items() if texts}}
    # From now on the topic is the city's own: a pack that is loaded again must not undo what staff wrote.
    row.pack, row.updated_at = None, clock.now()
    detail = {"before": before, "after": _count(Topic.from_data(row.data))}
    record(session, actor=actor, action="topic.examples", subject=f"topic:{intent}", detail=detail)
    bump_revision(session)
    return row


def newest_version(session: Session, *, intent: str) -> MessageVersion | None:
    """The latest version of a topic's texts."""
    newest = select(func.max(MessageVersion.id)).where(MessageVersion.intent == intent).scalar_subquery()
    return session.scalar(select(MessageVersion).where(MessageVersion.id == newest))


def _count(topic: Topic) -> dict[str, int]:
    return {code: len(texts) for code, texts in topic.examples.items()}
