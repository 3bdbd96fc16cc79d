"""Each of the topics, asked in each language in each phase of the sample hurricane, by the way that `spillway replay` sends a
message: the message that the coverage table of docs/knowledge.md names is what comes back.

The questions stand in topic_questions.tsv. None of them is an example that the model learned, and the model must be sure of each by
a margin, since one that was trained on another machine differs a little."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.assistant import RasaAssistant
from bot.topics.model import TopicModel
from knowledge.changes import change_incident
from knowledge.models import IncidentRow
from knowledge.report import SAMPLE_PHASES
from server.assembly import Service
from server.cli.replay_rows import Row
from server.cli.replay_workers import Line, conversation
from server.cli.scratch import scratch_service
from server.conversations.turn import Channel
from server.settings import ROOT, Settings
from tests.server.harness import OURS

LANGUAGES = ("en", "es")
MARGIN = 0.07
"""How far above the point from which it answers the model must be sure of a question."""
_ROW = re.compile(r"^\| `(\w+)` \| " + r" \| ".join([r"(\w+)"] * len(SAMPLE_PHASES)) + r" \|$", re.MULTILINE)


def questions() -> dict[tuple[str, str], str]:
    """The question by topic and language."""
    with (Path(__file__).parent / "topic_questions.tsv").open(encoding="utf-8", newline="") as file:
        return {
            (row["topic"], language): row[language]
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            for language in LANGUAGES
        }


def coverage() -> dict[str, tuple[str, ...]]:
    """The variants by topic, in the order of the phases, as the report tells them."""
    report = (ROOT / "docs" / "knowledge.md").read_text("utf-8")
    part = report.partition("## Coverage: topic and phase")[2].partition("\n## ")[0]
    return {found[1]: found.groups()[1:] for found in _ROW.finditer(part)}


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Service]:
    """The service of a replay, whose hurricane may be moved from phase to phase."""
    folder = tmp_path_factory.mktemp("replay")
    (folder / "models").symlink_to(models, target_is_directory=True)
    with scratch_service(Settings(data_dir=folder, twilio_number=OURS)) as service:
        assert service.assistant is not None
        yield service


def model_of(service: Service) -> TopicModel:
    """What tells topics apart."""
    assert isinstance(service.assistant, RasaAssistant)
    model = service.assistant.topic_model
    assert model is not None
    return model


def move(service: Service, phase: str) -> None:
    """Brings the hurricane into a phase."""
    with service.sessions.begin() as session:
        incident = session.scalar(select(IncidentRow).where(IncidentRow.closed_at.is_(None)))
        assert incident is not None
        change_incident(session, incident_id=incident.id, phase=phase, actor="test")


async def ask(service: Service, number: int, topic: str, language: str, text: str) -> Line:
    """The line that a replay writes for a question."""
    row = Row(id=f"{topic} {language}", turns=(text,), several=False, language=None, channel=Channel.SMS)
    return (await conversation(service, row, number))[0]


def test_there_is_one_question_for_each_topic_and_none_was_learned(replayed: Service) -> None:
    asked, model = questions(), model_of(replayed)
    topics = replayed.library.get().topics
    assert len(topics) == 103
    assert set(asked) == {(topic, language) for topic in topics for language in LANGUAGES}
    assert len(set(asked.values())) == len(asked)
    assert not [text for (topic, _), text in asked.items() if any(model.knows(intent, text) for intent in model.intents)]


def test_the_model_is_sure_of_every_question(replayed: Service) -> None:
    model = model_of(replayed)
    wrong = []
    for (topic, language), text in questions().items():
        understood = model.understand(text, language=language)
        if (understood.intent, understood.also) != (topic, None) or understood.confidence < model.gate.answer_at + MARGIN:
            wrong.append(f"{topic} {language}: {text!r} is {understood.intent} {understood.also} {understood.confidence:.2f}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("phase", SAMPLE_PHASES)
async def test_every_topic_in_each_language(replayed: Service, phase: str) -> None:
    wanted = coverage()
    move(replayed, phase)
    place = SAMPLE_PHASES.index(phase)
    wrong = []
    for number, ((topic, language), text) in enumerate(questions().items()):
        line = await ask(replayed, number + place * 1000, topic, language, text)
        said = [one.partition("@")[0] for one in line["message_ids"] if not one.startswith(("system.", "card.", "safety_line"))]
        outcome, messages = ("agent", []) if topic == "talk_to_agent" else ("answer", [f"{topic}.{wanted[topic][place]}"])
        if (line["outcome"], line["topic"], line["lang"], said) != (outcome, topic, language, messages):
            wrong.append(f"{topic} {language} {phase}: {text!r} got {line['outcome']} {said} in {line['lang']}, not {messages}")
    assert not wrong, "\n".join(wrong)
