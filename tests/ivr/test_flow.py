from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.flow import LISTEN, MOVES, Ask, Connect, Finish911, Heard, Stage, Wait, decide

STAGES = list(Stage)


def test_every_stage_is_in_every_table() -> None:
    assert set(MOVES) == set(LISTEN) == set(Stage)


@pytest.mark.parametrize("stage", STAGES)
def test_911_is_an_emergency_everywhere(stage: Stage) -> None:
    for keys in ("911", "9911", "#911", "91", "9 1 1", "0911"):
        assert decide(stage, Heard(keys)) == Ask("keys", "911")


@pytest.mark.parametrize("stage", STAGES)
def test_911_typed_key_by_key_is_an_emergency(stage: Stage) -> None:
    if decide(stage, Heard("9")) == Finish911():
        assert decide(Stage.NINE, Heard("11")) == decide(Stage.NINE, Heard("1")) == Ask("keys", "911")
    else:
        assert stage in (Stage.CARD, Stage.WAITING, Stage.NINE)


@pytest.mark.parametrize("stage", STAGES)
def test_0_is_a_person_or_more_than_that(stage: Stage) -> None:
    move = decide(stage, Heard("0"))
    assert move in (Ask("keys", "agent"), Connect(), Wait())
    assert (move == Wait()) is (stage is Stage.WAITING)
    assert (move == Connect()) is (stage is Stage.CARD)


@pytest.mark.parametrize(
    ("stage", "keys", "move"),
    [
        (Stage.GREETING, "1", Ask("keys", "en", "en")),
        (Stage.GREETING, "2", Ask("keys", "es", "es")),
        (Stage.OPEN, "2", Ask("keys", "2")),
        (Stage.OPEN, "*", Ask("keys", "back")),
        (Stage.OPEN, "#", Ask("keys", "menu")),
        (Stage.OPEN, "9", Finish911()),
        (Stage.NINE, "", Ask("keys", "repeat")),
        (Stage.UNHEARD, "1", Ask("keys", "911")),
        (Stage.UNHEARD, "2", Ask("keys", "2")),
        (Stage.CARD, "2", Ask("keys", "2")),
        (Stage.CARD, "", Connect()),
        (Stage.CARD, "5", Connect()),
        (Stage.WAITING, "", Wait()),
        (Stage.WAITING, "3", Wait()),
        (Stage.OPEN, "", Ask("silence")),
        (Stage.KEYS, "", Ask("silence")),
    ],
)
def test_keys(stage: Stage, keys: str, move: object) -> None:
    assert decide(stage, Heard(keys)) == move


@given(st.sampled_from(STAGES), st.text(alphabet="0123456789*#abc ", max_size=6), st.text(max_size=20))
def test_words_are_always_put_to_the_assistant(stage: Stage, keys: str, words: str) -> None:
    move = decide(stage, Heard(keys, words))
    if words and not any(key in keys for key in "0123456789*#"):
        assert move == Ask("speech", words)
    assert isinstance(move, Ask | Finish911 | Connect | Wait)


def test_every_stage_hears_keys_and_no_timeout_is_shorter_than_it_takes_to_find_a_key() -> None:
    for stage, ear in LISTEN.items():
        assert ear.timeout >= (2 if stage in (Stage.NINE, Stage.WAITING) else 6)
    assert [stage for stage, ear in LISTEN.items() if not ear.speech] == [Stage.KEYS]


def test_no_key_is_without_a_meaning() -> None:
    for stage, key in itertools.product(Stage, "0123456789*#"):
        assert decide(stage, Heard(key))
