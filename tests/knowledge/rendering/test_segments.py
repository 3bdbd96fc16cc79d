from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.rendering.segments import GSM_BASIC, GSM_EXTENSION, foreign_to_gsm, measure


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "GSM-7", 0, 0),
        ("a", "GSM-7", 1, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("a" * 459, "GSM-7", 459, 3),
        ("a" * 460, "GSM-7", 460, 4),
        ("ñéÉÑü¿¡", "GSM-7", 7, 1),
        ("€", "GSM-7", 2, 1),
        ("[]{}~^|\\€\f", "GSM-7", 20, 1),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 80 + "a", "GSM-7", 161, 2),
        ("a" * 152 + "€" * 77, "GSM-7", 306, 3),
        ("á", "UCS-2", 1, 1),
        ("í" * 70, "UCS-2", 70, 1),
        ("í" * 71, "UCS-2", 71, 2),
        ("í" * 134, "UCS-2", 134, 2),
        ("í" * 135, "UCS-2", 135, 3),
        ("’", "UCS-2", 1, 1),
        ("😀", "UCS-2", 2, 1),
        ("😀" * 35, "UCS-2", 70, 1),
        ("😀" * 35 + "a", "UCS-2", 71, 2),
        ("😀" * 66, "UCS-2", 132, 2),
        ("😀" * 67, "UCS-2", 134, 3),
        ("ç", "UCS-2", 1, 1),
        ("Ç", "GSM-7", 1, 1),
        ("`", "UCS-2", 1, 1),
    ],
)
def test_counting(text: str, encoding: str, units: int, segments: int) -> None:
    size = measure(text)
    assert (size.encoding, size.units, size.segments) == (encoding, units, segments)


def test_the_alphabet_has_its_size() -> None:
    # 128 positions, less the escape; the extension table of 3GPP TS 23.038 has ten characters.
    assert len(GSM_BASIC) == 127
    assert len(GSM_EXTENSION) == 10
    assert not GSM_BASIC & GSM_EXTENSION


@pytest.mark.parametrize("letter", "áíóúÁÍÓÚ“”’–—…«»\u00a0")
def test_what_costs_double(letter: str) -> None:
    assert foreign_to_gsm(f"a{letter}b") == [letter]


@given(st.text(max_size=700))
def test_segments_hold_the_units(text: str) -> None:
    size = measure(text)
    single, joined = (160, 153) if size.encoding == "GSM-7" else (70, 67)
    if size.units <= single:
        assert size.segments == (1 if text else 0)
    else:
        # A character of two units leaves at most one unit of a segment empty.
        assert -(-size.units // joined) <= size.segments <= -(-size.units // (joined - 1))
