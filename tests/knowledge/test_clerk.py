"""The way of somebody who never saw YAML: copy a topic, change words, check, load, and it is answered (docs/topics.md)."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

from knowledge.city import PLACEHOLDERS, RUNTIME
from knowledge.facts import LISTS, STATUS_LINES
from knowledge.library import PACKS, Library, Situation
from knowledge.lint import check_packs
from knowledge.packs import load_packs
from knowledge.plan import FieldType, PlanPhase
from knowledge.records import Channel
from knowledge.topics import HAZARDS, PHASES, TopicFile
from server import clock
from server.cli import packs
from server.database.engine import Sessions

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "topics.md").read_text("utf-8")
PACKS_GUIDE = (ROOT / "docs" / "packs.md").read_text("utf-8")


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A pack with a copy of one topic, changed as a clerk would change it."""
    topics = tmp_path / "county" / "topics"
    topics.mkdir(parents=True)
    text = (PACKS / "core" / "topics" / "gas_leak.yml").read_text("utf-8")
    text = text.replace("intent: gas_leak", "intent: library_hours")
    (topics / "library_hours.yml").write_text(text, "utf-8")
    return tmp_path


def test_a_copied_topic_is_answered(scratch: Path, sessions: Sessions) -> None:
    assert [finding for finding in check_packs(scratch) if finding.level == "error"] == []
    with sessions.begin() as session:
        load_packs(session, packs_dir=PACKS, names=("core", "harbor_city"), actor="clerk", training=True)
        report = load_packs(session, packs_dir=scratch, names=("county",), actor="clerk", training=True)
    assert report.topics == ["library_hours"]
    with sessions() as session:
        library = Library.read(session)
    for language in ("en", "es"):
        for channel in get_args(Channel):
            said = library.answer("library_hours", Situation(language, channel, clock.now()))
            assert (said.missing, said.message_id.partition(".")[0]) == (False, "library_hours")
    assert library.title("library_hours", "es") == library.title("gas_leak", "es")


def test_what_a_clerk_forgets_is_told(scratch: Path) -> None:
    shutil.copytree(PACKS / "core", scratch / "core")
    shutil.move(scratch / "county" / "topics" / "library_hours.yml", scratch / "core" / "topics" / "library_hours.yml")
    texts = [f"{one.file}: {one.text}" for one in check_packs(scratch) if one.level == "error"]
    assert any("library_hours.yml: is in no incident pack; name it in one" in text for text in texts)
    assert any("is also in library_hours" in text for text in texts)


def test_the_name_of_the_file_must_follow(scratch: Path) -> None:
    path = scratch / "county" / "topics" / "library_hours.yml"
    path.rename(path.with_name("books.yml"))
    result = CliRunner().invoke(packs.app, ["check", "--folder", str(scratch)])
    told = " ".join(result.output.split())
    assert result.exit_code == 1
    assert "name the file library_hours.yml or change the intent" in told


def test_the_guide_names_all_that_is_accepted_and_nothing_else() -> None:
    named = set(re.findall(r"\{([a-z][a-z0-9_]*)\}", GUIDE))
    assert named == {*PLACEHOLDERS, *LISTS, *STATUS_LINES, "asof"}
    assert not named & RUNTIME
    block = GUIDE.partition("```yaml")[2].partition("```")[0]
    assert set(re.findall(r"^([a-z]+):", block, re.MULTILINE)) == set(TopicFile.model_fields)
    for word in (*HAZARDS, *PHASES):
        assert re.search(rf"\b{word}\b", block), word


def test_the_guide_to_packs_names_all_that_is_accepted() -> None:
    for word in (*get_args(FieldType), *get_args(PlanPhase)):
        assert f"`{word}`" in PACKS_GUIDE, word


def test_the_example_of_the_guide_is_a_topic() -> None:
    for name in re.findall(r"`([a-z_]+\.yml)`", GUIDE + PACKS_GUIDE):
        assert list((PACKS / "core").rglob(name)) or list((PACKS / "harbor_city").rglob(name)), name
