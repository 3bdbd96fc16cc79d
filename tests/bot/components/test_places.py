"""Places in messages, through the trained model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from bot.components.places import Message, PlaceExtractor, fold
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


SITES = ("Lincoln High School", "St. Mary's Hall", "Centro Año Nuevo", "Pier 4-B", "J.F.K. Library")


@pytest.mark.parametrize("name", SITES)
@pytest.mark.parametrize(
    "told",
    ["{}", "is {} open?", "¿Está abierto {}, por favor?", "from {}  to {}\n", "the{}", "{}s", "(\t{})", "nothing of the kind"],
)
@pytest.mark.parametrize("written", [str, str.upper, str.lower, lambda name: name.replace(" ", "  "), lambda name: name[:-1]])
def test_a_conversation_finds_the_sites_that_the_ruler_finds(name: str, told: str, written: Callable[[str], str]) -> None:
    extractor = PlaceExtractor(cast(Any, None), cast(Any, None), {"site": list(SITES), "street": ["Oak Street"]})
    text = told.format(*[written(name)] * 2)
    outside, inside = Message.build(text), Message.build(text)
    inside.set("metadata", {"named": None})
    extractor.process([outside, inside])
    assert inside.get("entities") == [entity for entity in outside.get("entities") if entity["entity"] == "site"]


@pytest.mark.parametrize("text", ["Año Nuevo", "ÁÉÍÓÚ", "ñandú", "İstanbul", "ﬁre", "🌊 a"])
def test_folding_keeps_every_letter_in_its_place(text: str) -> None:
    assert len(fold(text)) == len(text.lower())
