from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from knowledge.library import PACKS
from knowledge.report import holes, knowledge_report, libraries, spoken

ROOT = Path(__file__).parents[2]


def test_the_report_is_written_anew() -> None:
    written = (ROOT / "docs" / "knowledge.md").read_text("utf-8")
    assert knowledge_report(PACKS) == written, "run `spillway packs report --write`"


def test_there_is_no_hole() -> None:
    assert holes(spoken(libraries(PACKS))) == []


def test_a_hole_would_be_seen(tmp_path: Path) -> None:
    topics = tmp_path / "core" / "topics"
    topics.mkdir(parents=True)
    data = yaml.safe_load((PACKS / "core" / "topics" / "gas_leak.yml").read_text("utf-8"))
    data["messages"][0]["phases"] = ["before"]
    del data["messages"][0]["es"]
    (topics / "gas_leak.yml").write_text(yaml.safe_dump(data), "utf-8")
    shutil.copytree(PACKS / "harbor_city", tmp_path / "harbor_city")
    found = holes(spoken(libraries(tmp_path)))
    assert ("gas_leak", "before", "es", "sms") in found
    assert ("gas_leak", "during", "en", "sms") in found
    assert ("gas_leak", "before", "en", "sms") not in found


@pytest.mark.parametrize("word", ["**0 holes**", "Plan templates", "Incident packs", "Cards and system texts"])
def test_the_report_tells(word: str) -> None:
    assert word in (ROOT / "docs" / "knowledge.md").read_text("utf-8")
