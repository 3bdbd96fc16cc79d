from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.keywords import KeywordAssistant
from knowledge.library import Library
from server.conversations.turn import Asked, Channel, Outcome

LIBRARY = Library.from_packs(names=("core", "harbor_city"))
ASKED = Asked(1, "HC-2222222", Channel.SMS, "text", "", "en", None, None, {}, b"kept")
MENU = [{"value": "shelter_locations", "label": "Where is an open shelter?"}, {"value": "sandbags", "label": "Sandbags"}]


async def answer(text: str, **more: Any) -> Any:
    return await KeywordAssistant(lambda: LIBRARY).respond(replace(ASKED, text=text, **more))


@pytest.mark.parametrize(
    ("text", "language", "topic"),
    [
        ("where is a shelter", "en", "shelter_locations"),
        ("dónde hay un refugio", "es", "shelter_locations"),
        ("SANDBAGS???", "en", "sandbags"),
        ("sacos de arena", "es", "sandbags"),
        ("refugio", "en", "shelter_locations"),
    ],
)
async def test_a_keyword_answers(text: str, language: str, topic: str) -> None:
    answered = await answer(text, language=language)
    assert (answered.outcome, answered.topic, answered.engine) == (Outcome.ANSWER, topic, "menu")
    assert answered.parts[0].language == language
    assert answered.tracker == b"kept", "the dialogue state waits for the model to come back"


@pytest.mark.parametrize(
    ("text", "topic"), [("2", "sandbags"), ("two", "sandbags"), ("1.", "shelter_locations"), ("Sandbags", "sandbags")]
)
async def test_a_number_chooses(text: str, topic: str) -> None:
    answered = await answer(text, memory={"options": MENU})
    assert (answered.outcome, answered.topic) == (Outcome.MENU_CHOICE, topic)
    assert answered.memory["options"] == []


@pytest.mark.parametrize("text", ["9", "qwerty", "", "🌊"])
async def test_everything_else_gets_the_list(text: str) -> None:
    answered = await answer(text, memory={"options": MENU})
    assert answered.outcome is Outcome.MENU
    assert answered.memory["options"] == [{"value": o.value, "label": o.label} for o in answered.options]


@pytest.mark.parametrize(
    "text",
    [
        "agent",
        "AGENTE",
        "0",
        " 0 ",
        "a person",
        "talk to a human",
        "quiero hablar con alguien",
        "operador",
        "una persona por favor",
    ],
)
async def test_a_person_is_one_word_away(text: str) -> None:
    assert (await answer(text)).handoff == "user_request"


@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("language", ["en", "es"])
async def test_a_list_is_never_cut_in_the_middle(channel: Channel, language: str) -> None:
    answered = await answer("qwerty", channel=channel, language=language)
    assert answered.parts[0].more == ()
    assert len(answered.options) >= 2


@given(st.text(max_size=80))
async def test_every_text_gets_something_to_say_or_a_person(text: str) -> None:
    answered = await answer(text)
    assert answered.parts or answered.handoff
