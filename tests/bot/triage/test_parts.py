from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bot.encoder import DIMENSIONS, SentenceEncoder
from bot.triage.classifier import Classifier
from bot.triage.normalise import normalise
from bot.triage.ordinary import ordinary_examples
from bot.triage.phrases import PhraseError, PhraseIndex, compile_phrase
from bot.triage.reading import read
from bot.triage.rules import shipped_rules
from bot.triage.second import SecondEncoder
from bot.triage.training import train


@pytest.mark.parametrize(
    ("phrase", "text", "matches"),
    [
        ("(he|she) is .. hurt", "she is really badly hurt", True),
        ("(he|she) is .. hurt", "she is one two three four hurt", False),
        ("burn* down", "burning down", True),
        ("the? house", "house", True),
        ("^ help $", "help", True),
        ("^ help $", "help me", False),
        ("# kids", "three kids", True),
        ("# kids", "14 kids", True),
        ("{kin} fell", "grandma fell", True),
        ("gas", "gasket", False),
    ],
)
def test_phrases(phrase: str, text: str, matches: bool) -> None:
    index: PhraseIndex[str] = PhraseIndex()
    index.add(compile_phrase(phrase, {"kin": ["grandma"]}), phrase)
    assert bool(index.find(tuple(text.split()))) is matches


@pytest.mark.parametrize("phrase", ["", "..", "{nobody} fell", "(a|) b", "ab*"])
def test_a_phrase_that_cannot_be_read_is_refused(phrase: str) -> None:
    with pytest.raises(PhraseError):
        compile_phrase(phrase, {})


def test_a_match_says_where() -> None:
    index: PhraseIndex[int] = PhraseIndex()
    index.add(compile_phrase("not breathing", {}), 7)
    (match,) = index.find(("he", "is", "not", "breathing", "well"))
    assert (match.payload, match.begin, match.end) == (7, 2, 4)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("He’s NOT breathing", "he is not breathing"),
        ("cannot can't cant kant", "cant cant cant cant"),
        ("nine one one", "911"),
        ("9-1-1", "911"),
        ("pleaseeee h3lp", "please help"),
        ("c p r", "cpr"),
        ("¡Auxilio, no puedo respirar!", "auxilio no puedo respirar"),
        ("unconsious", "unconscious"),
        ("cooking", "cooking"),
        ("see https://example.org/fire", "see"),
    ],
)
def test_normalising(written: str, plain: str) -> None:
    assert normalise(written, shipped_rules().spelling).text == plain


def test_speech_is_cut_where_it_turns() -> None:
    normal = normalise("the trash was missed but my mom is not waking up", shipped_rules().spelling)
    assert len(normal.sentences) == 2


def test_september_11_is_no_call() -> None:
    assert "911" not in normalise("the 9/11 memorial", shipped_rules().spelling).words


def test_a_figure_of_speech_masks_only_itself() -> None:
    rules = shipped_rules()
    reading = read(normalise("this line is killing me and the roof is on fire", rules.spelling), rules)
    masked = {hit.rule.category for hit in reading.of("sure") if hit.masked}
    firm = {hit.rule.category for hit in reading.of("sure") if hit.firm}
    assert "assault" in masked
    assert "fire" in firm


def test_vectors_have_length_one_and_are_remembered() -> None:
    encoder = SentenceEncoder()
    rows = encoder.encode(["where is the shelter", "", "where is the shelter"])
    assert rows.shape == (3, DIMENSIONS)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-4)
    assert np.array_equal(rows[0], encoder.encode(["where is the shelter"])[0])
    assert encoder.encode([]).shape == (0, DIMENSIONS)


def test_training_is_the_same_every_time(small_model: Path, second_encoder: SecondEncoder, tmp_path: Path) -> None:
    report = train(data_dir=small_model.parent / "data", out=tmp_path / "again.npz", second=second_encoder)
    assert report.examples > 300
    first, second = np.load(small_model, allow_pickle=False), np.load(tmp_path / "again.npz", allow_pickle=False)
    assert all(np.allclose(first[name], second[name], atol=1e-3) for name in first.files if name != "meta")


def test_a_saved_model_scores_the_same(small_model: Path, tmp_path: Path) -> None:
    rules = shipped_rules()
    text = "somebody come quick my neighbor is down"
    reading = read(normalise(text, rules.spelling), rules)
    model = Classifier.load(small_model)
    model.save(tmp_path / "copy.npz")
    assert Classifier.load(tmp_path / "copy.npz").score(reading, text).hard == pytest.approx(
        model.score(reading, text).hard, abs=1e-3
    )


def test_topics_about_danger_are_no_harmless_examples(tmp_path: Path) -> None:
    (tmp_path / "gas_leak.yml").write_text("intent: gas_leak\nexamples: {en: [i smell gas], es: []}\n", encoding="utf-8")
    (tmp_path / "hours.yml").write_text(
        "intent: hours\nexamples: {en: [when do you open], es: [a que hora abren]}\n", encoding="utf-8"
    )
    assert ordinary_examples(tmp_path) == ["when do you open", "a que hora abren"]
