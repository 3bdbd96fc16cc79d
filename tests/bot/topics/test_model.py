from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.encoder import shared_encoder
from bot.topics.learner import Matrix
from bot.topics.model import Example, TopicModel, Understanding

ROOT = Path(__file__).resolve().parents[3]
TOPICS = (
    "shelter_locations", "shelter_pets", "boil_water_notice", "power_restoration_time", "curfew_info", "sandbags",
    "school_closure", "talk_to_agent", "fema_assistance", "food_safety", "evacuation_order_status", "evacuation_transport",
)  # fmt: skip
DIALOGUE = frozenset(
    {
        "greet", "goodbye", "thanks", "affirm", "deny", "repeat", "more", "menu", "language_en", "language_es", "give_place",
        "not_emergency", "bot_challenge", "complaint",
    }
)  # fmt: skip


def blocks(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((ROOT / "bot" / "data" / name).read_text("utf-8"))["nlu"]
    return found


def lines(block: dict[str, Any]) -> list[str]:
    return [line[2:] for line in block["examples"].splitlines()]


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    found: list[Example] = []
    for topic in TOPICS:
        path = ROOT / "knowledge" / "packs" / "core" / "topics" / f"{topic}.yml"
        for language, texts in yaml.safe_load(path.read_text("utf-8"))["examples"].items():
            found.extend(Example(text, topic, language) for text in texts)
    for block in [*blocks("dialogue.yml"), *blocks("out_of_scope.yml"), *blocks("more_examples.yml")]:
        if block["intent"] in {*TOPICS, *DIALOGUE, "out_of_scope"}:
            found.extend(Example(text, block["intent"], block["metadata"]["language"]) for text in lines(block))
    return found


@pytest.fixture(scope="module")
def model(examples: list[Example]) -> TopicModel:
    return TopicModel.train(examples, encoder=shared_encoder(), dialogue=DIALOGUE)


@pytest.mark.parametrize(
    ("text", "language", "intent"),
    [
        ("is there any shelter open on the east side tonight", "en", "shelter_locations"),
        ("shelter", "en", "shelter_locations"),
        ("shleter near me", "en", "shelter_locations"),
        ("dónde hay un refugio abierto para dormir hoy", "es", "shelter_locations"),
        ("refugio", "es", "shelter_locations"),
        ("do they take dogs at the shelter", "en", "shelter_pets"),
        ("aceptan perros en el albergue", "es", "shelter_pets"),
        ("do we need to boil our tap water", "en", "boil_water_notice"),
        ("when will they turn the electricity back on", "en", "power_restoration_time"),
        ("cuándo vuelve la luz en mi colonia", "es", "power_restoration_time"),
        ("where are sandbags given out", "en", "sandbags"),
        ("let me speak to a live person", "en", "talk_to_agent"),
        ("0", "en", "talk_to_agent"),
        ("quiero hablar con un agente", "es", "talk_to_agent"),
        ("hello", "en", "greet"),
        ("muchas gracias", "es", "thanks"),
        ("yes", "en", "affirm"),
        ("no", "es", "deny"),
        ("33139", "en", "give_place"),
        ("main menu", "en", "menu"),
        ("are you a robot", "en", "bot_challenge"),
        ("book a cheap flight to paris", "en", "out_of_scope"),
        ("cuéntame otro chiste de pepito", "es", "out_of_scope"),
    ],
)
def test_understands(model: TopicModel, text: str, language: str, intent: str) -> None:
    assert model.understand(text, language=language).intent == intent


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "…", "...", "?!", "👍", "🌀🌀🌀", "{}", "<br>", "{{ }}", "[ ]", "\u200b", "https://a.example/x"]
)
def test_nothing_to_read_is_out_of_scope(model: TopicModel, text: str) -> None:
    understood = model.understand(text, language="en")
    assert (understood.intent, understood.confidence) == ("out_of_scope", 1.0)
    assert len(understood.ranking) >= 5


@pytest.mark.parametrize(
    ("before", "text", "intent"),
    [
        ("shelter_locations", "and pets?", "shelter_pets"),
        ("shelter_locations", "y con mascotas?", "shelter_pets"),
        ("curfew_info", "what time", "curfew_info"),
        ("sandbags", "how many can i get", "sandbags"),
        ("school_closure", "a que hora abren", "school_closure"),
        ("fema_assistance", "what is the deadline", "fema_assistance"),
        ("evacuation_order_status", "and if i have no car", "evacuation_transport"),
    ],
)
def test_follow_up(model: TopicModel, before: str, text: str, intent: str) -> None:
    understood = model.understand(text, language="en", previous_topic=before)
    assert (understood.intent, understood.followed) == (intent, True)


@pytest.mark.parametrize("before", TOPICS)
@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("is there a curfew tonight", "curfew_info"),
        ("agent", "talk_to_agent"),
        ("thank you", "thanks"),
        ("sing me a song", "out_of_scope"),
        ("asdfghjkl", "out_of_scope"),
    ],
)
def test_clear_message_ignores_topic_before(model: TopicModel, before: str, text: str, intent: str) -> None:
    understood = model.understand(text, language="en", previous_topic=before)
    assert (understood.intent, understood.followed) == (intent, False)


def test_unknown_topic_before_is_ignored(model: TopicModel) -> None:
    plain = model.understand("and pets?", language="en")
    assert model.understand("and pets?", language="en", previous_topic="withdrawn_topic") == plain


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("is there a shelter near me and can i bring my dog to the shelter", "shelter_locations", "shelter_pets"),
        ("When will the power come back? Also is there a curfew tonight?", "power_restoration_time", "curfew_info"),
        ("¿Dónde dan costales de arena? ¿Hay clases mañana en las escuelas?", "sandbags", "school_closure"),
    ],
)
def test_two_questions(model: TopicModel, text: str, first: str, second: str) -> None:
    understood = model.understand(text, language="en")
    assert (understood.intent, understood.also) == (first, second)


def test_one_question_has_no_second(model: TopicModel) -> None:
    text = "my lights went out and my phone is nearly dead, when is the power coming back on"
    understood = model.understand(text, language="en")
    assert (understood.intent, understood.also) == ("power_restoration_time", None)


def holds(model: TopicModel, understood: Understanding) -> None:
    assert understood.intent in {*model.intents, "clarify"}
    assert 0 <= understood.confidence <= 1
    assert len(understood.ranking) >= 5
    assert len({name for name, _ in understood.ranking}) == len(understood.ranking)
    topics = {name for name, topic in zip(model.intents, model.topics, strict=True) if topic}
    assert set(understood.offered) <= topics
    assert (len(understood.offered) in (2, 3)) == (understood.intent == "clarify")
    assert understood.also is None or (understood.also in topics and understood.also != understood.intent)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=300), before=st.sampled_from([None, *TOPICS, "greet", "gone"]))
def test_any_text_is_taken(model: TopicModel, text: str, before: str | None) -> None:
    holds(model, model.understand(text, language="en", previous_topic=before))


@settings(max_examples=60, deadline=None)
@given(
    tokens=st.lists(st.sampled_from("shelter and pets water ? , y power 33139 < {} /x \U0001f600 donde when".split()), max_size=80)
)
def test_any_words_are_taken(model: TopicModel, tokens: list[str]) -> None:
    holds(model, model.understand(" ".join(tokens), language="es"))


def test_very_long_text(model: TopicModel) -> None:
    holds(model, model.understand("where is the shelter " * 2000, language="en"))


def test_save_and_load(model: TopicModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    loaded = TopicModel.load(tmp_path)
    for text in ("and pets?", "shelter or curfew", "water", "hola", "", "when will the power be back and is there school monday"):
        for before in (None, "shelter_locations"):
            assert loaded.understand(text, language="en", previous_topic=before) == model.understand(
                text, language="en", previous_topic=before
            )


def test_thresholds_are_stored_with_the_model(model: TopicModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    stored = json.loads((tmp_path / "model.json").read_text("utf-8"))["gate"]
    assert stored == asdict(model.gate)
    assert 0 < stored["answer_at"] <= 0.9
    assert 0 < stored["offer_at"] <= 0.6
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".npz"}


class Remembering:
    """The encoder of the process, with every vector kept: its last digit depends on which texts are encoded together."""

    def __init__(self) -> None:
        self._rows: dict[str, Matrix] = {}

    def encode(self, texts: Sequence[str]) -> Matrix:
        missing = [text for text in texts if text not in self._rows]
        self._rows.update(zip(missing, shared_encoder().encode(missing), strict=True))
        return np.stack([self._rows[text] for text in texts])


def test_training_is_deterministic(examples: list[Example]) -> None:
    some = [example for example in examples if example.intent in {"sandbags", "curfew_info", "greet", "out_of_scope"}]
    told: list[float] = []
    encoder = Remembering()
    first = TopicModel.train(some, encoder=encoder, dialogue=DIALOGUE, progress=told.append)
    second = TopicModel.train(some, encoder=encoder, dialogue=DIALOGUE)
    assert np.array_equal(first.linear.sparse, second.linear.sparse)
    assert np.array_equal(first.linear.dense, second.linear.dense)
    assert first.gate == second.gate
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_dialogue_examples_are_whole() -> None:
    counts: dict[tuple[str, str], int] = {}
    owners: dict[str, str] = {}
    for block in [*blocks("dialogue.yml"), *blocks("out_of_scope.yml")]:
        assert all(line.startswith("- ") for line in block["examples"].splitlines())
        key = (block["intent"], block["metadata"]["language"])
        counts[key] = counts.get(key, 0) + len(lines(block))
        for text in lines(block):
            assert owners.setdefault(text, block["intent"]) == block["intent"], text
    assert {intent for intent, _ in counts} == DIALOGUE | {"out_of_scope"}
    for (intent, language), count in counts.items():
        needed = {"en": 250, "es": 120} if intent == "out_of_scope" else {"en": 40, "es": 25}
        assert count >= needed[language], (intent, language)
