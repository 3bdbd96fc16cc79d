"""Whoever names 911 gets its line first, unless they ask what it is for."""

from __future__ import annotations

import pytest

from bot.triage import Level, TriageEngine


@pytest.mark.parametrize(
    "text",
    [
        "911",
        "911 911 911 911 911 911",
        "911911911",
        "9-1-1",
        "911 please 14 bay street apartment 3",
        "can you get 911 to come to my house",
        "can someone text 911 for us",
        "is this 911? please come",
        "necesito el 911 en la calle olmo 14",
        "911 no sirve y mi hijo esta mal",
    ],
)
def test_911_is_answered_with_its_line(with_model: TriageEngine, patterns_only: TriageEngine, text: str) -> None:
    assert with_model.assess(text).level is Level.HARD
    assert patterns_only.assess(text).level is Level.HARD


@pytest.mark.parametrize("text", ["1", "2", "00404", "212 555 9110", "911 main street", "2129115555"])
def test_other_digits_are_not(with_model: TriageEngine, text: str) -> None:
    assert with_model.assess(text).level is not Level.HARD
