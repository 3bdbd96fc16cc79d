"""What the assistant learns from and is tested on, taken from the database at one moment, as values and as a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.learning.models import LearningRow
from knowledge.places import Places
from knowledge.store import read_facts, read_topics
from knowledge.topics import Topic


@dataclass(frozen=True)
class Sentence:
    """One sentence that staff took from a conversation, with its topic."""

    text: str
    intent: str
    language: str


@dataclass(frozen=True)
class LearningData:
    """The published topics with their examples, the sentences to learn from, those to test with, and the names of places."""

    topics: tuple[Topic, ...]
    sentences: tuple[Sentence, ...]
    tests: tuple[Sentence, ...]
    places: Mapping[str, tuple[str, ...]]

    def as_json(self) -> str:
        """All of it, the same text for the same data."""
        data: dict[str, Any] = {
            "topics": [topic.data() for topic in self.topics],
            "sentences": [vars(one) for one in self.sentences],
            "tests": [vars(one) for one in self.tests],
            "places": {kind: list(names) for kind, names in self.places.items()},
        }
        return json.dumps(data, ensure_ascii=False)

    def write(self, path: Path) -> None:
        """Writes it for the training, which runs in a process of its own and sees no database."""
        path.write_text(self.as_json(), "utf-8")

    def mark(self, *, live: int | None) -> str:
        """Tells whether another training would be made of the same, and be compared with the same model."""
        return hashlib.sha256(f"{live}\n{self.as_json()}".encode()).hexdigest()

    @classmethod
    def read(cls, path: Path) -> LearningData:
        """What `write` wrote."""
        data = json.loads(path.read_text("utf-8"))
        return cls(
            topics=tuple(Topic.from_data(topic) for topic in data["topics"]),
            sentences=tuple(Sentence(**one) for one in data["sentences"]),
            tests=tuple(Sentence(**one) for one in data["tests"]),
            places={kind: tuple(names) for kind, names in data["places"].items()},
        )


def learning_data(session: Session) -> LearningData:
    """What is published now, and every sentence whose topic is published."""
    topics = {topic.intent: topic for topic in read_topics(session)}
    rows = session.scalars(select(LearningRow).order_by(LearningRow.id)).all()
    known = {use: tuple(Sentence(r.text, r.intent, r.language) for r in rows if r.use == use) for use in ("train", "test")}
    kept = {use: tuple(one for one in found if one.intent in topics) for use, found in known.items()}
    names = Places(read_facts(session)).gazetteer
    places = {"street": tuple(sorted(names.streets)), "site": tuple(sorted({*names.shelters, *names.sites}))}
    return LearningData(
        topics=tuple(topics[intent] for intent in sorted(topics)),
        sentences=kept["train"],
        tests=kept["test"],
        places={kind: found for kind, found in places.items() if found},
    )
