"""A message that repeats an example of a published topic finds it; one that only resembles it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.library import Library
from knowledge.phrasings import Phrasings
from knowledge.topics import Topic
from server.settings import ROOT

LIBRARY = Library.from_packs()
BASE = next(iter(LIBRARY.topics.values()))


def topic(intent: str, *examples: str) -> Topic:
    return replace(BASE, intent=intent, examples={"en": examples}, messages=())


SMOKE = topic("local_smoke", "is the smoke from the plant toxic", "don't know if plant smoke is dangerous", "smoke?")
FIRE = topic("local_fire", "where is the fire at the plant", "is the water from the plant toxic")
PHRASINGS = Phrasings([SMOKE, FIRE])


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("is the smoke from the plant toxic", "local_smoke"),
        ("IS THE SMOKE FROM THE PLANT TOXIC???", "local_smoke"),
        ("Hi, is smoke from the plant toxic please", "local_smoke"),
        ("the plant smoke, is it toxic?", "local_smoke"),
        ("dont know if plant smoke is dangerous", "local_smoke"),
        ("dont know if plant smoke is dangerouss", "local_smoke"),
        ("don’t know if plant smoke is dangeorus", "local_smoke"),
        ("is the water from the plant toxic", "local_fire"),
        ("is the smoke from the plane toxic", None),
        ("is the smoke from the plant not toxic", None),
        ("is the smoke from the plant toxic and where is a shelter", None),
        ("is the smoke toxic", None),
        ("when is the fire at the plant", None),
        ("smoke", None),
        ("smoke?", None),
        ("", None),
        ("is the smoke from the plant toxic " * 20, None),
    ],
)
def test_what_matches(text: str, intent: str | None) -> None:
    match = PHRASINGS.match(text)
    assert (match.intent if match else None) == intent


def test_word_for_word_is_told_apart() -> None:
    exact, near = PHRASINGS.match("Is the smoke from the plant toxic?"), PHRASINGS.match("toxic plant smoke")
    assert exact is not None
    assert exact.exact
    assert near is not None
    assert not near.exact
    assert near.example == "is the smoke from the plant toxic"


def test_an_example_of_two_topics_finds_neither() -> None:
    both = Phrasings([SMOKE, topic("local_other", "is the smoke from the plant toxic")])
    assert both.match("is the smoke from the plant toxic") is None


@given(st.text(max_size=300))
def test_any_text_is_taken(text: str) -> None:
    PHRASINGS.match(text)


def test_no_test_question_is_taken_from_its_topic() -> None:
    lines = [line.split("\t") for line in (ROOT / "tests/data/topics/questions.tsv").read_text("utf-8").splitlines()]
    text, expected = lines[0].index("text"), lines[0].index("expected")
    wrong = [row for row in lines[1:] if (found := LIBRARY.phrasings.match(row[text])) and found.intent != row[expected]]
    assert wrong == []


@pytest.mark.parametrize("name", ["emergencies", "near_misses"])
def test_no_emergency_repeats_an_example(name: str) -> None:
    lines = [line.split("\t") for line in (ROOT / f"tests/data/triage/{name}.tsv").read_text("utf-8").splitlines()]
    assert [row for row in lines[1:] if LIBRARY.phrasings.match(row[lines[0].index("text")])] == []
