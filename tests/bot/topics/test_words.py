from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.topics.clauses import MOST_CLAUSES, clauses, joined_on, leans, names_nothing
from bot.topics.confidence import Gate
from bot.topics.spelling import Speller
from bot.topics.words import Concepts, readable, words


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Where’s the SHELTER??", ["wheres", "the", "shelter"]),
        ("¿Dónde está?", ["donde", "esta"]),
        ("r u open 2", ["are", "you", "open", "5"]),
        ("zip 33139, call 911 or 0", ["zip", "55555", "call", "911", "or", "0"]),
        ("heeeelp", ["heelp"]),
        ("<b>agua</b> {x} https://a.example/b", ["agua", "por"]),
        ("👍 …", []),
    ],
)
def test_plain_words(text: str, plain: list[str]) -> None:
    assert words(text) == plain


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("my puppy", "pet"),
        ("mis mascotas", "pet"),
        ("sign language interpreter", "deaf"),
        ("no tengo carro", "ride"),
        ("911", "nine11"),
    ],
)
def test_concepts(text: str, concept: str) -> None:
    assert concept in Concepts.shipped().of(words(text))


def test_concepts_are_plain_words() -> None:
    for name, phrases in Concepts.shipped().table.items():
        for phrase in phrases:
            assert isinstance(phrase, str), name
            assert phrase == phrase.lower().strip(), (name, phrase)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("sheltter", "shelter"),
        ("shetler", "shelter"),
        ("evacuaton", "evacuation"),
        ("gun", "gun"),
        ("fun", "fun"),
        ("xyzzyq", "xyzzyq"),
    ],
)
def test_spelling(typed: str, meant: str) -> None:
    assert Speller({"shelter": 40, "evacuation": 30, "gun": 2, "water": 50}).correct([typed]) == (meant,)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("is there a shelter near me and can i bring my dog", ["is there a shelter near me", "can i bring my dog"]),
        ("¿Hay clases mañana? ¿Y pasa la basura?", ["Hay clases mañana", "pasa la basura"]),
        ("where can i get food and water", []),
        ("shelter", []),
    ],
)
def test_clauses(text: str, parts: list[str]) -> None:
    assert clauses(text) == parts


@given(st.text(max_size=400))
def test_reading_never_fails(text: str) -> None:
    plain = readable(text)
    tokens = words(plain)
    assert len(clauses(plain)) <= MOST_CLAUSES
    assert all(token for token in tokens)
    assert isinstance(leans(tokens), bool)
    assert isinstance(joined_on(tokens), bool)
    assert isinstance(names_nothing(tokens), bool)


@pytest.mark.parametrize(
    ("text", "expected"), [("what time does it close", True), ("a que hora abren", True), ("and pets", False), ("", False)]
)
def test_names_nothing(text: str, expected: bool) -> None:
    assert names_nothing(words(text)) is expected


@given(st.lists(st.lists(st.floats(-5, 5, width=32), min_size=6, max_size=6), min_size=1, max_size=40), st.integers(0, 1000))
def test_gate_is_usable_whatever_it_was_fitted_on(rows: list[list[float]], seed: int) -> None:
    scores = np.array(rows, dtype=np.float32)
    labels = np.random.default_rng(seed).integers(0, 6, len(rows))
    gate = Gate.fit(scores, labels, topics=np.array([True, True, True, True, False, False]))
    shares = gate.probabilities(scores)
    assert np.allclose(shares.sum(axis=1), 1, atol=1e-4)
    assert all(0 <= gate.confidence(row) <= 1 for row in shares)
    assert np.isfinite([gate.answer_at, gate.offer_at, gate.offset, gate.slope, gate.margin]).all()
