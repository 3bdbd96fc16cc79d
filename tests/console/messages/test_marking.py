"""What a search shows of a message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.messages.marking import LONGEST, excerpt

LONG = "Bring water. " * 30 + "The gate on Ángel Street is open. " + "Stay dry. " * 30
TEXTS = {
    "en": {"sms": "Boil water for one minute.", "web": LONG, "voice": "Boil it."},
    "es": {"sms": "Hierva el agua un minuto.", "web": "Hierva el agua. No use la del pozo.", "voice": "Hiérvala."},
}


@pytest.mark.parametrize(
    ("query", "language", "place", "marked"),
    [
        ("boil", "en", ("en", "sms"), ["Boil"]),
        ("WATER boil", "en", ("en", "sms"), ["Boil", "water"]),
        ("boil", "es", ("en", "sms"), ["Boil"]),
        ("pozo", "en", ("es", "web"), ["pozo"]),
        ("hierva", "es", ("es", "sms"), ["Hierva"]),
        ("hiervala", "es", ("es", "voice"), ["Hiérvala"]),
        ("angel", "en", ("en", "web"), ["Ángel"]),
        ("", "es", ("es", "sms"), []),
        ("boil_water.notice", "es", ("es", "sms"), []),
        ("xyzzy", "en", ("en", "sms"), []),
    ],
)
def test_the_text_that_was_found_and_its_words(query: str, language: str, place: tuple[str, str], marked: list[str]) -> None:
    found = excerpt(TEXTS, query=query, language=language)
    assert (found.language, found.channel) == place
    assert [text for text, hit in found.pieces if hit] == marked
    assert found.found == bool(marked)


def test_a_long_text_is_shown_around_what_was_found() -> None:
    shown = "".join(text for text, _ in excerpt(TEXTS, query="angel", language="en").pieces)
    assert "Ángel Street" in shown
    assert shown.startswith("… ")
    assert shown.endswith(" …")


@given(st.text(max_size=600), st.text(max_size=30))
def test_nothing_is_added_and_it_stays_short(text: str, query: str) -> None:
    found = excerpt({"en": {"sms": text}}, query=query, language="en")
    shown = "".join(piece for piece, _ in found.pieces)
    assert shown.removeprefix("… ").removesuffix(" …").strip() in " ".join(text.split())
    assert len(shown) <= LONGEST + 4


def test_a_message_without_texts() -> None:
    assert excerpt({}, query="a", language="en").pieces == ()


def test_the_marks_of_the_web_chat_are_left_out() -> None:
    texts = {"en": {"web": "**Water** is safe.\n- Boil nothing.\n- Well-made ice is fine."}}
    found = excerpt(texts, query="well", language="en")
    assert "".join(part for part, _ in found.pieces) == "Water is safe. Boil nothing. Well-made ice is fine."
