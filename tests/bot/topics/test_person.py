"""The way to a person in so many words, which never depends on the model."""

from __future__ import annotations

import pytest

from bot.topics.choices import asks_for_person


@pytest.mark.parametrize(
    "text",
    [
        "agent",
        "AGENT!!",
        "agente",
        "persona",
        "0",
        " 0 ",
        "a person please",
        "Talk to a person",
        "Hablar con una persona",
        "quiero hablar con una persona por favor",
        "get me a human",
        "operator",
        "Representative.",
        "necesito hablar con alguien",
        "let me speak to a real person now",
        "agent please my fema claim was denied twice",
        "my claim was denied twice agent please",
        "My claim was denied. Agent.",
        "Agente por favor mi casa se inundo ayer",
        "nadie me contesta, persona",
        "i need to talk to a real person about my claim",
        "can i speak to a human about this",
        "quiero hablar con un agente por favor, me cobraron dos veces",
    ],
)
def test_asked_in_so_many_words(text: str) -> None:
    assert asks_for_person(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        "10",
        "insurance agent number",
        "a person is hurt",
        "can a person in a wheelchair use the shelter",
        "persona mayor sola",
        "agent orange",
        "the agent at fema said i need a permit",
        "agent said wait",
        "can i talk to a person at the red cross",
        "is there a person at the shelter who speaks spanish",
        "habla una persona mayor",
        "no, people, water",
        "i saw a person on the roof",
        "un agente de seguros me llamo",
    ],
)
def test_not_a_wish(text: str) -> None:
    assert not asks_for_person(text)
