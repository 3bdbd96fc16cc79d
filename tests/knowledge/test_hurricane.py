"""The sample hurricane, phase by phase: each of the topics gives the message named in `hurricane_answers.tsv`, in both languages,
on every channel and wherever the resident is.

The table records what the library chooses: a line that changes is a decision to be looked at, not a detail."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import get_args

import pytest

from knowledge.library import PACKS, Channel, Library
from knowledge.records import Situation
from knowledge.report import MOMENT, SAMPLE_PHASES, libraries

with (Path(__file__).parent / "hurricane_answers.tsv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file, delimiter="\t"))
PLACES = (None, "00402", "Zone C", "Atlantis")


@pytest.fixture(scope="module")
def by_phase() -> dict[str, Library]:
    return libraries(PACKS)


def test_every_topic_has_its_line(by_phase: dict[str, Library]) -> None:
    assert [row["topic"] for row in ROWS] == sorted(by_phase["during"].topics)
    assert len(ROWS) == 103


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["topic"])
def test_the_right_message_in_each_phase(row: dict[str, str], by_phase: dict[str, Library]) -> None:
    for phase in SAMPLE_PHASES:
        for language in ("en", "es"):
            for channel in get_args(Channel):
                for place in PLACES:
                    said = by_phase[phase].answer(row["topic"], Situation(language, channel, MOMENT, place))
                    where = (phase, language, channel, place)
                    assert said.message_id == f"{row['topic']}.{row[phase]}", where
                    assert (said.language, said.missing) == (language, False), where


def test_a_danger_of_another_kind_is_never_reported(by_phase: dict[str, Library]) -> None:
    for language in ("en", "es"):
        said = by_phase["during"].answer("shelter_in_place", Situation(language, "sms", MOMENT))
        assert said.as_of is None
        assert "TORNADO WARNING" not in by_phase["during"].answer("tornado_warning", Situation(language, "sms", MOMENT)).text
