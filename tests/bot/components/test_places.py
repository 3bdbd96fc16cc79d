"""Places in messages, through the trained model."""

from __future__ import annotations

import pytest

from bot.components.places import fold
from server.assembly import Service


async def places(service: Service, text: str) -> set[tuple[str, str]]:
    assert service.assistant is not None
    parsed = await service.assistant.agent.parse(text, {"language": "en"})
    return {(entity["entity"], entity["value"]) for entity in parsed["entities"]}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("my zip is 00402", ("zip", "00402")),
        ("00402-1234", ("zip", "00402")),
        ("I am in zone B", ("zone", "zone B")),
        ("estoy en la zona c", ("zone", "zona c")),
        ("is lincoln high school open", ("site", "lincoln high school")),
        ("¿está abierto LINCOLN HIGH SCHOOL?", ("site", "LINCOLN HIGH SCHOOL")),
        ("is Shore Drive closed", ("street", "Shore Drive")),
    ],
)
async def test_a_place_is_found(service: Service, text: str, found: tuple[str, str]) -> None:
    assert found in await places(service, text)


@pytest.mark.parametrize(
    "text",
    [
        "where is a shelter",
        "en qué zona de evacuación estoy",
        "quiero saber mi zona",
        "what zone am I in",
        "a b c d",
        "call 555",
        "123456",
    ],
)
async def test_where_there_is_no_place_none_is_found(service: Service, text: str) -> None:
    assert await places(service, text) == set()


@pytest.mark.parametrize("text", ["Año Nuevo", "ÁÉÍÓÚ", "ñandú", "İstanbul", "ﬁre", "🌊 a"])
def test_folding_keeps_every_letter_in_its_place(text: str) -> None:
    assert len(fold(text)) == len(text.lower())
