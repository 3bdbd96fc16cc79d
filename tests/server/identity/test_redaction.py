from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.identity.redaction import redacted


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("call me at 212-555-0123", "0123"),
        ("mi número es (212) 555 0123 gracias", "555"),
        ("i live at 450 Oak St apt 3", "Oak"),
        ("vivo en calle Luna 123", "Luna"),
        ("write ana.b@example.org please", "example"),
        ("my name is Maria Lopez and i need help", "Lopez"),
        ("Me llamo José Pérez", "Pérez"),
        ("ssn 123456789", "1234"),
        ("see https://x.example/a?b=c", "x.example"),
    ],
)
def test_what_tells_who_somebody_is_goes(text: str, gone: str) -> None:
    assert gone not in redacted(text)


@pytest.mark.parametrize("text", ["is 911 down", "what does 311 do", "is 988 free 24/7", "zone B or C?", "¿hay agua?"])
def test_ordinary_words_stay(text: str) -> None:
    assert redacted(text) == text


@given(st.text(max_size=400))
def test_any_text_is_cut_and_has_no_long_number(text: str) -> None:
    shown = redacted(text)
    assert len(shown) <= 140
    assert not any(part.isascii() and part.isdigit() and len(part) > 6 for part in shown.split())
