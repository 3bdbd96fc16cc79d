from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.messages.diff import word_diff

WORDS = st.lists(st.sampled_from(["go", "stay", "now", "\n\n", " ", "zone A.", "é"]), max_size=12).map(" ".join)


@given(before=WORDS | st.text(max_size=80), after=WORDS | st.text(max_size=80))
def test_the_pieces_make_both_texts_again(before: str, after: str) -> None:
    pieces = word_diff(before, after)
    assert "".join(piece.text for piece in pieces if piece.change != "new") == before
    assert "".join(piece.text for piece in pieces if piece.change != "gone") == after


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Go now.", "Go now.", [("same", "Go now.")]),
        ("Zone A leave.", "Zone B leave.", [("same", "Zone "), ("gone", "A "), ("new", "B "), ("same", "leave.")]),
        ("", "New.", [("new", "New.")]),
        ("Old.", "", [("gone", "Old.")]),
    ],
)
def test_words_not_letters(before: str, after: str, expected: list[tuple[str, str]]) -> None:
    assert [(piece.change, piece.text) for piece in word_diff(before, after)] == expected
