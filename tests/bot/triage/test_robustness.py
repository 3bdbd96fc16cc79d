from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.triage import Context, Decision, Level, TriageEngine
from bot.triage.rules import shipped_rules

EMERGENCIES = (
    "my grandmother is not breathing",
    "the kitchen is on fire",
    "there is a gas leak in our building",
    "he has a gun",
    "mi esposo no respira",
    "hay un incendio en el edificio",
    "my son fell in the canal",
    "we are trapped in the attic",
    "estan disparando",
    "she took a whole bottle of pills",
)
DECORATIONS = (
    "{} please", "please {}", "hi {}", "{} at 1200 maple street", "{}!!!", "{} \U0001f62d\U0001f64f", "{} por favor",
    "um {}", "{} thanks", "hola {}", "hello. {}. bye",
    "sorry to bother you {}", "{} zip 77002", "ok so {}", "{} \U0001f198",
)  # fmt: skip
RELAXED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@RELAXED
@given(text=st.text(max_size=400))
def test_no_text_breaks_the_patterns(patterns_only: TriageEngine, text: str) -> None:
    assert isinstance(patterns_only.assess(text), Decision)


@RELAXED
@given(
    text=st.text(alphabet=st.characters(), max_size=200),
    latched=st.booleans(),
    keys=st.booleans(),
    before=st.none() | st.text(max_size=50),
)
def test_no_context_breaks_the_model(with_model: TriageEngine, text: str, latched: bool, keys: bool, before: str | None) -> None:
    decision = with_model.assess(text, context=Context(latched=latched, keys=keys, previous_text=before, asked="unclear"))
    assert "triage failed" not in decision.evidence


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "fire " * 20_000,
        "/restart",
        "{}",
        "{{7*7}}",
        "<b>hi</b>",
        "\x00" * 500,
        "9" * 5000,
        "\n" * 3000,
        "' OR 1=1 --",
        "(((((" * 500,
    ],
)
def test_odd_texts_get_a_decision(with_model: TriageEngine, text: str) -> None:
    assert "triage failed" not in with_model.assess(text).evidence


@RELAXED
@given(text=st.sampled_from(EMERGENCIES), shape=st.sampled_from(DECORATIONS), upper=st.booleans())
def test_decoration_keeps_an_emergency_hard(patterns_only: TriageEngine, text: str, shape: str, upper: bool) -> None:
    decorated = shape.format(text.upper() if upper else text)
    assert patterns_only.assess(decorated).level is Level.HARD


@RELAXED
@given(text=st.sampled_from(EMERGENCIES), shape=st.sampled_from(DECORATIONS))
def test_decoration_keeps_an_emergency_hard_with_a_model(with_model: TriageEngine, text: str, shape: str) -> None:
    assert with_model.assess(shape.format(text)).level is Level.HARD


@RELAXED
@given(
    data=st.data(),
    text=st.sampled_from(
        ["she is unconscious", "hes having a seizure", "estoy atrapada en el techo con agua", "we are trapped in the house"]
    ),
)
def test_one_typing_error_in_a_long_word_keeps_it_hard(patterns_only: TriageEngine, data: st.DataObject, text: str) -> None:
    words = text.split()
    long = max(range(len(words)), key=lambda index: len(words[index]))
    word = words[long]
    at = data.draw(st.integers(1, len(word) - 2))
    words[long] = data.draw(
        st.sampled_from(
            [
                word[:at] + word[at + 1 :],
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                word[:at] + word[at] * 2 + word[at + 1 :],
            ]
        )
    )
    assert patterns_only.assess(" ".join(words)).level is Level.HARD


VETOES = ["what if ", "what do i do if ", "the news said ", "is it true that ", "false alarm, ", "last year ", "my dog: "]


@pytest.mark.parametrize("veto", VETOES)
@pytest.mark.parametrize("text", EMERGENCIES)
def test_a_veto_never_silences(patterns_only: TriageEngine, veto: str, text: str) -> None:
    assert patterns_only.assess(veto + text).level is not Level.NONE


@pytest.mark.parametrize("veto", VETOES)
def test_present_danger_stops_most_vetoes(patterns_only: TriageEngine, veto: str) -> None:
    assert patterns_only.assess(veto + "he cant breathe right now help").level is Level.HARD


@pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04broken"])
def test_a_broken_model_leaves_the_patterns(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "triage.npz"
    path.write_bytes(content)
    engine = TriageEngine.load(path)
    assert engine.degraded
    assert engine.assess("my house is on fire").level is Level.HARD


def test_a_missing_model_leaves_the_patterns(tmp_path: Path) -> None:
    assert TriageEngine.load(tmp_path / "none.npz").degraded


def test_a_failing_classifier_leaves_the_patterns(with_model: TriageEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no vectors")

    monkeypatch.setattr("bot.triage.classifier.Classifier.score", fail)
    assert with_model.assess("my house is on fire").level is Level.HARD


def test_failing_patterns_end_in_caution(patterns_only: TriageEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no patterns")

    monkeypatch.setattr("bot.triage.engine.normalise", fail)
    decision = patterns_only.assess("hello")
    assert (decision.level, decision.card) == (Level.SOFT, "safety_line")


def test_every_shipped_pattern_compiles() -> None:
    assert shipped_rules().veto_names
