"""An emergency in one clause of a long message."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from bot.triage import TriageEngine
from bot.triage.classifier import LEVELS, worst_part
from bot.triage.combine import PART_HARD, PART_SOFT, with_part
from bot.triage.decision import SAFETY_LINE, Decision, Level, card_for
from bot.triage.features import LONG_WORDS

NOTHING = Decision(Level.NONE, vetoes=("news",), score=0.05)
LINE = Decision(Level.SOFT, "gas", card_for(Level.SOFT, "gas"), ("gas: smell",), score=0.05)


def part(score: float, level: Level = Level.HARD) -> Decision:
    return Decision(level, "drowning", card_for(level, "drowning"), ("drowning: went in",), score=score)


@pytest.mark.parametrize(
    ("whole", "alone", "level"),
    [
        (NOTHING, part(0.99), Level.HARD),
        (NOTHING, part(PART_HARD), Level.HARD),
        (NOTHING, part(0.89), Level.SOFT),
        (NOTHING, part(PART_SOFT), Level.SOFT),
        (NOTHING, part(0.69), Level.NONE),
        (NOTHING, part(math.nan), Level.NONE),
        (NOTHING, part(0.99, Level.SOFT), Level.NONE),
        (LINE, part(0.95), Level.HARD),
        (LINE, part(0.8), Level.SOFT),
    ],
)
def test_a_part_only_raises_the_level(whole: Decision, alone: Decision, level: Level) -> None:
    decision = with_part(whole, alone)
    assert decision.level is level
    if level is Level.HARD:
        assert (decision.card, decision.category) == (alone.card, "drowning")
        assert decision.evidence[-1] == "one part"
        assert decision.vetoes == whole.vetoes
    elif whole is LINE:
        assert decision == LINE
    elif level is Level.SOFT:
        assert (decision.card, decision.evidence) == (SAFETY_LINE, ("one part",))
    else:
        assert decision == NOTHING


def test_the_worst_part_is_the_one_both_opinions_fear_most() -> None:
    def opinion(danger: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        row = np.full(len(LEVELS), math.log((1 - danger) / 3), dtype=np.float32)
        row[LEVELS.index("hard")] = math.log(danger)
        return row

    parts = [("the", "bill"), ("he", "went", "in"), ("the", "fence")]
    words = [opinion(0.1), opinion(0.6), opinion(0.7)]
    assert worst_part(parts, words, np.stack([opinion(0.1), opinion(0.9), opinion(0.2)])) == "he went in"
    assert worst_part([], [], np.zeros((0, len(LEVELS)), dtype=np.float32)) == ""


@pytest.mark.parametrize(
    "clause",
    [
        "two kids took a boat past the rope without vests and only the boat came back",
        "our neighbor went under by the dam and we do not see him",
        "the shed roof came down on my uncle and we hear nothing from under it",
        "he shut us in the back room and he is standing at the door with the bat",
        "my grandfather sits on the porch gray and sweating and he cannot speak",
    ],
)
def test_ordinary_talk_does_not_silence_a_clause(models: Path, clause: str) -> None:
    trained = TriageEngine.load(models / "triage.npz")
    before = "i am writing about the recycling calendar which has the wrong week on it for our side of the avenue"
    after = "do we put the bin out this thursday or the next one"
    assert len(before.split()) > LONG_WORDS
    assert trained.assess(clause).level is Level.HARD
    assert trained.assess(f"{before}. {clause}. {after}").level is not Level.NONE
