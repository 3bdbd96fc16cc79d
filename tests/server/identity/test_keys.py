from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import NotReady
from server.identity.keys import Keys, mask

KEYS = Keys.from_secret("x" * 32)
OTHER = Keys.from_secret("y" * 32)
NUMBERS = st.from_regex(r"\+1[2-9]\d{9}", fullmatch=True)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_what_is_sealed_opens_with_the_same_key_only(value: str) -> None:
    sealed = KEYS.seal(value)
    assert KEYS.open(sealed) == value
    assert KEYS.seal(value) != sealed, "two of the same differ"
    with pytest.raises(NotReady):
        OTHER.open(sealed)


@given(NUMBERS, NUMBERS)
def test_a_hash_tells_who_it_is_and_not_the_number(one: str, two: str) -> None:
    assert (KEYS.hash(one) == KEYS.hash(two)) is (one == two)
    assert KEYS.hash(one) != OTHER.hash(one)
    assert one[2:] not in KEYS.hash(one)
    assert KEYS.sign(one) != KEYS.hash(one)[:32], "keys of different purposes differ"


@given(NUMBERS)
def test_a_mask_shows_four_digits(number: str) -> None:
    assert mask(number) == "•••-" + number[-4:]


@pytest.mark.parametrize("contact", ["", "311", "web", "HARBOR", "12345"])
def test_a_mask_of_anything_else_shows_nothing(contact: str) -> None:
    assert mask(contact) == "•••"


@pytest.mark.parametrize("secret", ["", "short", "x" * 31])
def test_a_short_secret_is_refused(secret: str) -> None:
    with pytest.raises(NotReady, match="32"):
        Keys.from_secret(secret)
