"""The slips of somebody who never saw YAML: each is told with its line and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from knowledge.library import PACKS
from knowledge.lint import check_packs
from knowledge.yaml_files import read_yaml
from server.errors import BadInput

GOOD = (PACKS / "core" / "topics" / "gas_leak.yml").read_text("utf-8").replace("intent: gas_leak", "intent: leaf_pickup")


@pytest.fixture
def topics(tmp_path: Path) -> Path:
    folder = tmp_path / "city" / "topics"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("title:\n  en: ", "title:\n  en: Leaves: ", "line 3: a text holds a colon; put the whole text in quotes"),
        ("examples:\n  en:\n    - ", "examples:\n  en:\n\t- ", "begins with a tab; use spaces"),
        ("examples:\n  en:\n    - ", "examples:\n  en:\n    - house #4 ", "what follows the # would be lost"),
        ("examples:\n  en:\n    - ", "examples:\n  en:\n    - *please ", "begins with \\*; put the whole text in quotes"),
        (
            "examples:\n  en:\n    - ",
            "examples:\n  en:\n    - 911\n    - ",
            "examples.en.0: must be a text. Put the text in quotes",
        ),
        ('sms: "', "sms: “", "a text holds a colon|a quotation mark"),
        ('sms: "', 'sms: "The "gas" ', "a quotation mark is missing or one too many"),
        ("owner:", "owner: police\nowner:", "owner stands twice; keep one"),
        ("owner:", "owners:", "owners: is not a field here"),
        ("owner:", "owner", "a colon is missing after a name"),
        ("hazards: [", "hazards: winter #[", "hazards: must be a list. Write it in brackets"),
        ("intent: leaf_pickup", "intent: Leaf Pickup", "Use lower-case letters"),
    ],
)
def test_a_slip_is_told_in_plain_words(topics: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    (topics / "leaf_pickup.yml").write_text(GOOD.replace(old, new, 1), "utf-8")
    errors = [f"{one.file} {one.text}" for one in check_packs(topics.parents[1]) if one.level == "error"]
    assert len(errors) == 1
    assert re.search(told, errors[0]), errors[0]


@pytest.mark.parametrize("name", ["leaf_pickup.yaml", "leaf_pickup.yml.txt", "leaf_pickup"])
def test_a_file_that_would_never_be_read_is_told(topics: Path, name: str) -> None:
    (topics / name).write_text(GOOD, "utf-8")
    assert [(one.file, one.text) for one in check_packs(topics.parents[1])] == [(name, "is never read; name it leaf_pickup.yml.")]


@pytest.mark.parametrize("raw", [GOOD.encode("utf-16"), "ñ".encode("latin-1"), b"PK\x03\x04"])
def test_what_a_word_processor_saves_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "x.yml").write_bytes(raw)
    with pytest.raises(BadInput, match="Save it as plain text, encoding UTF-8"):
        read_yaml(tmp_path / "x.yml")


def test_a_mark_at_the_beginning_and_windows_lines_are_taken(topics: Path) -> None:
    (topics / "leaf_pickup.yml").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert [one for one in check_packs(topics.parents[1]) if one.level == "error"] == []
