"""What a paramedic, a dispatcher and a domestic-violence advocate would try, and what must be said first. Nothing of it is trained
on. A row that the shipped model misses says why in `missed`; take the reason out once it is heard."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from bot.triage.decision import SAFETY_LINE
from bot.triage.engine import TriageEngine
from server.assembly import Service
from server.settings import ROOT
from tests.server.harness import Resident

ROWS = tuple(
    csv.DictReader(
        (ROOT / "tests" / "data" / "safety" / "people.tsv").read_text("utf-8").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE
    )
)
SAID: dict[str, set[str | None]] = {
    "911": {"emergency"},
    "gas": {"gas"},
    "wire": {"wire"},
    "co": {"carbon_monoxide"},
    "988": {"crisis_988"},
    "911+988": {"suicide_now"},
    "poison": {"emergency", "poison"},
    "covert": {"emergency", "unclear", "silent"},
    "not first": {None, SAFETY_LINE, "poison"},
}
"""The cards that may come first for what is expected; `not first` is an answer, with or without the safety line."""


@pytest.fixture(scope="module")
def triage(models: Path) -> TriageEngine:
    engine = TriageEngine.load(models / "triage.npz")
    assert not engine.degraded
    return engine


def row(each: dict[str, str]) -> object:
    marks = [pytest.mark.xfail(reason=each["missed"], strict=False)] if each["missed"] else []
    return pytest.param(each, id=each["id"], marks=marks)


@pytest.mark.parametrize("each", [row(each) for each in ROWS])
def test_what_is_said_first(triage: TriageEngine, each: dict[str, str]) -> None:
    assert triage.assess(each["text"]).card in SAID[each["expect"]]


@pytest.mark.parametrize(
    "each", [each for each in ROWS if each["missed"] and each["expect"] != "not first"], ids=lambda each: each["id"]
)
async def test_what_is_missed_gets_the_safety_line(menu_service: Service, triage: TriageEngine, each: dict[str, str]) -> None:
    reply = await Resident(replace(menu_service.spine, triage=triage)).says(each["text"])
    assert reply.safety_line


def test_each_of_them_tried_twenty_in_both_languages() -> None:
    tried = Counter((each["who"], each["lang"]) for each in ROWS)
    for who in ("paramedic", "dispatcher", "advocate"):
        assert tried[who, "en"] + tried[who, "es"] >= 20
        assert tried[who, "es"] >= 6
    assert {each["expect"] for each in ROWS} == set(SAID)
