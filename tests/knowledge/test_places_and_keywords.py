from __future__ import annotations

import pytest

from knowledge.incident_packs import menus_of
from knowledge.keywords import tokens
from knowledge.library import PACKS, Library
from knowledge.records import ALWAYS, NEVER, Contents, Fact


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


@pytest.mark.parametrize(
    ("text", "asked", "kind", "zone", "alone"),
    [
        ("do i have to evacuate i live at 00402", False, "zip", "B", False),
        ("my zip is 00402", False, "zip", "B", True),
        ("0 0 4 0 2", False, "zip", "B", True),
        ("im in zone D", False, "zone", "D", True),
        ("no sorry zone A", False, "zone", "A", True),
        ("zone bee", False, "zone", "B", True),
        ("vivo en la zona c, ¿me voy?", False, "zone", "C", False),
        ("is Oak St flooded", False, "street", "C", False),
        ("450 oak street", False, "street", "C", True),
        ("calle Oak", False, "street", "C", True),
        ("B", True, "zone", "B", True),
        ("oak", True, "street", "C", True),
        ("99999", False, "zip", None, True),
        ("my zip code is 99999, do i have to leave", False, "zip", None, False),
    ],
)
def test_a_place_is_found_in_a_message(harbor: Library, text: str, asked: bool, kind: str, zone: str | None, alone: bool) -> None:
    named = harbor.place_in(text, asked=asked)
    assert named is not None
    assert (named.kind, named.zone and named.zone.name, named.known, named.alone) == (kind, zone, zone is not None, alone)


@pytest.mark.parametrize(
    "text",
    ["B", "oak", "12500 homes have no power", "la zona de peligro", "which zone is mine", "the street is flooded", "", "call 311"],
)
def test_what_is_no_place_is_taken_for_none(harbor: Library, text: str) -> None:
    assert harbor.place_in(text) is None


def test_a_zip_code_in_two_zones_is_known_and_guesses_none() -> None:
    zones = [Fact("zone", name, {"name": name, "zips": ("00401",)}, ALWAYS, NEVER) for name in "AB"]
    named = Library(Contents(1, facts=tuple(zones))).place_in("00401")
    assert named is not None
    assert (named.known, named.zone, named.kept) == (True, None, "00401")
