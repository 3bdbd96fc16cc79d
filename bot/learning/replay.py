"""Asking a model of the assistant every sentence whose topic is known."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bot.evaluation.rows import DATA, read_rows
from bot.learning.data import LearningData
from bot.learning.gate import Case, Understood
from bot.topics.choices import asks_for_person
from bot.topics.model import TopicModel
from server.errors import NotReady

PACKAGED: Final = Path(__file__).parent / "questions.tsv"
"""The test questions of an installation that has no checkout."""
_PART: Final = "TopicClassifier"
_BATCH: Final = 256


def topic_model(path: Path) -> TopicModel:
    """The topic model inside a model file of Rasa. Raises `NotReady` when the file holds none that can be read."""
    try:
        with tempfile.TemporaryDirectory() as folder, tarfile.open(path, "r:gz") as archive:
            parts = [member for member in archive.getmembers() if _PART in member.name and member.isfile()]
            for member in parts:
                member.name = Path(member.name).name
                archive.extract(member, folder, filter="data")
            return TopicModel.load(Path(folder))
    except (OSError, tarfile.TarError, KeyError, ValueError) as error:
        raise NotReady(f"The model {path.name} cannot be read.") from error


def cases_of(data: LearningData) -> list[Case]:
    """Every published topic's own examples, the project's test questions on published topics, and the city's own tests."""
    known = {topic.intent for topic in data.topics}
    examples = [
        Case("examples", text, language, topic.intent)
        for topic in data.topics
        for language, texts in topic.examples.items()
        for text in texts
    ]
    path = DATA / "topics" / "questions.tsv"
    rows = read_rows(path if path.is_file() else PACKAGED, "lang", "text", "expected")
    questions = [Case("questions", row["text"], row["lang"], row["expected"]) for row in rows if row["expected"] in known]
    city = [Case("city", one.text, one.language, one.intent) for one in data.tests]
    return [*examples, *questions, *city]


def understand_all(
    model: TopicModel, cases: Sequence[Case], *, progress: Callable[[float], None] = lambda _part: None
) -> list[Understood]:
    """What the model makes of each case, asked alone."""
    found: list[Understood] = []
    for number, case in enumerate(cases):
        if number % _BATCH == 0:
            progress(number / max(len(cases), 1))
        if asks_for_person(case.text):
            found.append(Understood("talk_to_agent"))
            continue
        result = model.understand(case.text, language=case.language)
        second = (result.also,) if result.also else ()
        intent = case.intent if case.intent in second else result.intent
        found.append(Understood(intent, tuple(result.offered)))
    return found
