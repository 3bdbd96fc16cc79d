from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.rendering.segments import GSM_BASIC, measure
from knowledge.rendering.sentences import cut, sentences
from knowledge.rendering.sms import MAX_SEGMENTS, fold, plain, render_sms


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Información: está aquí, ¿sí?", "Informacion: esta aqui, ¿si?"),
        ("Ándele, niño, café, pingüino", "Andele, niño, café, pingüino"),
        ("ÁÉÍÓÚÑ", "AÉIOUÑ"),
        ("n\u0303 e\u0301", "ñ é"),
        ("有人", "有人"),
    ],
)
def test_folding_keeps_what_the_alphabet_has(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_accents_stay_where_folding_saves_nothing() -> None:
    assert render_sms("Có 有", fold_accents=True) == ("Có 有",)
    assert render_sms("Ahí está", fold_accents=True) == ("Ahi esta",)
    assert render_sms("Ahí está", fold_accents=False) == ("Ahí está",)


def test_typographic_marks_become_plain() -> None:
    assert plain("“Don’t” – wait…\u00a0now • a") == '"Don\'t" - wait... now - a'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Open at 8 a.m. Bring ID.", ["Open at 8 a.m. Bring ID."]),
        ("Vaya a 12 St. Mark. ¿Y luego?", ["Vaya a 12 St. Mark.", "¿Y luego?"]),
        ("Line one\nline two", ["Line one", "line two"]),
        ("See x.gov. Then go.", ["See x.gov.", "Then go."]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_a_cut_keeps_911_in_the_first_text() -> None:
    text = " ".join(f"Sentence number {number} tells about one more thing." for number in range(14)) + " Trapped? Call 911."
    first, *rest = render_sms(text, fold_accents=False)
    assert "Call 911." in first
    assert rest
    assert all(measure(piece).segments <= MAX_SEGMENTS for piece in (first, *rest))


def test_a_word_longer_than_a_piece_is_not_lost() -> None:
    assert cut("aaaa bbbbbbbbbb c", lambda piece: len(piece) <= 5) == ("aaaa", "bbbbbbbbbb", "c")


@given(st.text(alphabet=st.sampled_from([*GSM_BASIC, *"áíó. ."]), max_size=1500), st.booleans())
def test_every_piece_fits_and_no_word_is_lost(text: str, fold_accents: bool) -> None:
    pieces = render_sms(text, fold_accents=fold_accents)
    longest = max(map(len, text.split()), default=0)
    if longest < 60:
        assert all(measure(piece).segments <= MAX_SEGMENTS for piece in pieces)
    whole = fold(plain(text)) if fold_accents else plain(text)
    assert sorted("".join("".join(pieces).split())) == sorted("".join(whole.split()))
