"""A topic that staff add is answered by its own examples from the moment its text is published, and never before an emergency."""

from __future__ import annotations

import pytest

from console.topics import editor
from console.topics.editor import Typed
from knowledge.lifecycle import State, transition
from server.assembly import Service
from server.conversations.turn import Channel, Outcome
from tests.server.harness import Resident

FORM = {
    "title_en": "County fair",
    "title_es": "Feria del condado",
    "examples_en": "is the county fair still on this weekend\nmy house is on fire and we cannot get out\ntalk to an agent",
    "examples_es": "sigue la feria del condado este sábado",
    "sms_en": "The fair is moved to next week. Tickets stay good.",
    "sms_es": "La feria pasa a la próxima semana. Los boletos valen.",
    "owner": "special_events",
    "source": "Events office, 2:10 a.m.",
}
QUESTION = "Is the county fair still on this weekend?"


def added(service: Service) -> tuple[str, int]:
    with service.sessions.begin() as session:
        topic, version = editor.add_topic(session, typed=Typed.of(FORM), library=service.library.get(), actor="ana")
        return topic.intent, version.id


def published(service: Service) -> tuple[str, int]:
    intent, version = added(service)
    with service.sessions.begin() as session:
        editor.publish_at_once(session, version_id=version, actor="ana", hours=12)
    return intent, version


async def test_a_draft_is_not_said(menu_service: Service) -> None:
    intent, _ = added(menu_service)
    reply = await Resident(menu_service.spine).says(QUESTION)
    assert reply.topic != intent
    assert intent not in menu_service.library.get().topics


@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize(
    ("text", "words"), [(QUESTION, "The fair is moved"), ("¿Sigue la feria del condado este sábado?", "La feria pasa")]
)
async def test_it_is_answered_at_once(menu_service: Service, channel: Channel, text: str, words: str) -> None:
    intent, _ = published(menu_service)
    resident = Resident(menu_service.spine, channel=channel, language="es" if "feria" in text else "en")
    reply = await resident.says(text)
    assert (reply.outcome, reply.topic) == (Outcome.ANSWER, intent)
    assert words in reply.text
    assert resident.turns()[-1].message_ids[0] == f"{intent}.answer@1"


async def test_an_emergency_stays_one_whatever_is_written_as_an_example(menu_service: Service) -> None:
    published(menu_service)
    reply = await Resident(menu_service.spine).says("my house is on fire and we cannot get out")
    assert reply.outcome is Outcome.EMERGENCY_911
    assert "911" in reply.parts[0].text


async def test_the_way_to_a_person_stays_open(menu_service: Service) -> None:
    published(menu_service)
    assert (await Resident(menu_service.spine).says("talk to an agent")).outcome is Outcome.AGENT


async def test_the_number_of_an_option_is_a_choice(menu_service: Service) -> None:
    published(menu_service)
    resident = Resident(menu_service.spine, language="en")
    await resident.says("xyzzy plugh")
    assert (await resident.says("1")).outcome is Outcome.MENU_CHOICE


async def test_who_speaks_with_a_person_is_not_answered(menu_service: Service) -> None:
    published(menu_service)
    resident = Resident(menu_service.spine)
    await resident.says("agent")
    reply = await resident.says(QUESTION)
    assert reply.outcome is Outcome.AGENT
    assert "The fair is moved" not in reply.text


async def test_withdrawn_it_is_not_said_any_more(menu_service: Service) -> None:
    intent, version = published(menu_service)
    with menu_service.sessions.begin() as session:
        transition(session, version_id=version, to=State.WITHDRAWN, actor="ana", reason="It is over.")
    reply = await Resident(menu_service.spine).says(QUESTION)
    assert "The fair is moved" not in reply.text
    assert menu_service.library.get().topics[intent], "a model that has learned it can still name it"
