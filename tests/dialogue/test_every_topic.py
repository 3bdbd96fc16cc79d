"""Each of the topics, asked in each language in each phase of the sample hurricane, through the whole way of a turn: the message
that the coverage table of docs/knowledge.md names is what comes back.

The questions are the topics' own examples: what is tested is the choice of the message, not the understanding."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from knowledge.changes import change_incident
from knowledge.models import IncidentRow
from knowledge.report import SAMPLE_PHASES
from server.assembly import Service, assemble
from server.conversations.turn import Outcome, Reply
from server.settings import ROOT, Settings
from tests.server.harness import OURS, Resident

LANGUAGES = ("en", "es")
TRIES = 15
"""So many examples of a topic are tried until one is taken for an ordinary question about it: others may read as emergencies, and
get the 911 line instead."""
_ROW = re.compile(r"^\| `(\w+)` \| " + r" \| ".join([r"(\w+)"] * len(SAMPLE_PHASES)) + r" \|$", re.MULTILINE)


def coverage() -> dict[str, tuple[str, ...]]:
    """The variants by topic, in the order of the phases, as the report tells them."""
    report = (ROOT / "docs" / "knowledge.md").read_text("utf-8")
    part = report.partition("## Coverage: topic and phase")[2].partition("\n## ")[0]
    return {found[1]: found.groups()[1:] for found in _ROW.finditer(part)}


@pytest.fixture(scope="module")
def own_service(tmp_path_factory: pytest.TempPathFactory, seed: Path, models: Path) -> Iterator[Service]:
    """A service whose hurricane may be moved from phase to phase."""
    folder = tmp_path_factory.mktemp("hurricane")
    shutil.copy(seed, folder / "spillway.db")
    (folder / "models").symlink_to(models, target_is_directory=True)
    service = assemble(Settings(data_dir=folder, twilio_number=OURS))
    assert service.assistant is not None
    yield service
    service.close()


def move(service: Service, phase: str) -> None:
    """Brings the hurricane into a phase."""
    with service.sessions.begin() as session:
        incident = session.scalar(select(IncidentRow).where(IncidentRow.closed_at.is_(None)))
        assert incident is not None
        change_incident(session, incident_id=incident.id, phase=phase, actor="test")


async def ask(service: Service, text: str, language: str) -> Reply:
    return await Resident(service.spine, language=language).says(text)


async def question(service: Service, topic: str, language: str) -> str | None:
    """An example of a topic that is taken for an ordinary question about it."""
    for text in service.library.get().topics[topic].examples[language][:TRIES]:
        reply = await ask(service, text, language)
        if reply.topic == topic and reply.outcome is Outcome.ANSWER and not reply.topics:
            return text
    return None


async def test_every_topic_in_every_phase_and_language(own_service: Service) -> None:
    wanted = coverage()
    topics = sorted(own_service.library.get().topics)
    assert sorted(wanted) == topics
    assert len(topics) == 103
    wrong = []
    asked = {}
    for topic in topics:
        for language in LANGUAGES:
            if topic == "talk_to_agent":
                continue
            asked[topic, language] = await question(own_service, topic, language)
            if asked[topic, language] is None:
                wrong.append(f"{topic} {language}: none of its examples is taken for a question about it")
    for number, phase in enumerate(SAMPLE_PHASES):
        move(own_service, phase)
        for (topic, language), text in asked.items():
            if text is None:
                continue
            reply = await ask(own_service, text, language)
            said = [part.message_id for part in reply.parts if part.role == "answer"]
            if (said, reply.language) != ([f"{topic}.{wanted[topic][number]}"], language):
                wrong.append(f"{topic} {language} {phase}: {text!r} got {said}, {reply.outcome} in {reply.language}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_who_asks_for_a_person_is_put_in_line_in_every_phase(own_service: Service, language: str) -> None:
    text = own_service.library.get().topics["talk_to_agent"].examples[language][0]
    for phase in SAMPLE_PHASES:
        move(own_service, phase)
        reply = await ask(own_service, text, language)
        assert (reply.outcome, reply.topic, reply.owner) == (Outcome.AGENT, "talk_to_agent", "queued")
