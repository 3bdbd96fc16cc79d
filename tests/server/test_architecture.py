"""Rules of the house that no other tool holds."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import sysconfig
import tomllib
import unicodedata
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import yaml
from packaging.requirements import Requirement
from rapidfuzz import process
from rapidfuzz.distance import Indel

from knowledge.topics import read_topic
from server.settings import ROOT

PACKAGES: Final = ("actions", "bot", "console", "desk", "ivr", "knowledge", "migrations", "server", "benchmarks")
MOST_LINES: Final = 400
NEAR: Final = 0.92
"""So alike two texts of some length are not written independently."""


def modules() -> Iterator[Path]:
    for package in (*PACKAGES, "tests"):
        found = sorted((ROOT / package).rglob("*.py"))
        yield from (path for path in found if not any(part.startswith(".") for part in path.relative_to(ROOT).parts))


def committed() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("this is not a checkout")
    return [Path(name) for name in listed.stdout.decode().split("\0") if name]


def test_no_module_is_too_long() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): count
        for path in modules()
        if (count := len(path.read_text("utf-8").splitlines())) > MOST_LINES
    }
    assert not long


def test_every_module_with_annotations_postpones_them() -> None:
    def must(text: str) -> bool:
        return re.search(r"^\s*(?:async )?def |^class ", text, re.MULTILINE) is not None

    without = [
        path.relative_to(ROOT).as_posix()
        for path in modules()
        if must(text := path.read_text("utf-8")) and "from __future__ import annotations" not in text
    ]
    assert not without


def test_rasa_core_is_imported_in_one_module() -> None:
    importing = {
        path.relative_to(ROOT).as_posix()
        for path in modules()
        if "tests" not in path.parts and re.search(r"^\s*(?:from|import) rasa\.core\b", path.read_text("utf-8"), re.MULTILINE)
    }
    assert importing == {"bot/runtime/rasa_core.py"}


def test_the_environment_is_read_by_the_settings_alone() -> None:
    reading = {
        path.relative_to(ROOT).as_posix()
        for path in modules()
        if not {"tests", "benchmarks"} & set(path.parts)
        and re.search(r"os\.environ(?!\[\"RASA_)|os\.getenv", path.read_text("utf-8"))
    }
    assert not reading


def test_nothing_trained_and_no_database_is_committed() -> None:
    wrong = [path for path in committed() if path.name.endswith((".db", ".tar.gz", ".sqlite", ".npz", ".pkl", ".joblib"))]
    assert not wrong


def test_the_program_starts_without_tensorflow_and_without_looking_anything_up() -> None:
    code = (
        "import socket\n"
        "def refuse(*_): raise SystemExit('a look-up at import')\n"
        "socket.getaddrinfo = refuse\n"
        "import server.app, server.cli.main, sys\n"
        "sys.exit(any(name == 'tensorflow' for name in sys.modules if getattr(sys.modules[name], '__file__', None)))"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_tests_cannot_leave_this_machine() -> None:
    with pytest.raises(AssertionError, match="tried to reach"):
        socket.create_connection(("192.0.2.1", 80), timeout=0.01)
    with pytest.raises(AssertionError, match="tried to reach"):
        socket.getaddrinfo("example.com", 443)


def test_the_installed_versions_are_the_constrained_ones() -> None:
    pinned = {
        requirement.name.lower().replace("_", "-"): requirement
        for requirement in map(Requirement, pyproject()["tool"]["uv"]["constraint-dependencies"])
        if requirement.marker is None or requirement.marker.evaluate()
    }
    site = sysconfig.get_path("purelib")
    installed = {found.metadata["Name"].lower().replace("_", "-"): found.version for found in distributions(path=[site])}
    wrong = {
        name: version
        for name, version in installed.items()
        if name in pinned and not pinned[name].specifier.contains(version, prereleases=True)
    }
    assert not wrong
    asked_for = [Requirement(line).name.lower() for line in pyproject()["project"]["dependencies"]]
    assert set(asked_for) <= set(pinned), "what is depended on is constrained"


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


# --- What is measured with was not learned from -----------------------------------------------------------------------------


def plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(re.sub(r"[^\w\s]", " ", "".join(c for c in letters if not unicodedata.combining(c))).split())


def learned() -> dict[str, str]:
    """Every text that a training reads, in plain form, with its file."""
    found: dict[str, str] = {}
    for path in sorted(ROOT.glob("knowledge/packs/*/topics/*.yml")):
        found |= {plain(text): path.name for texts in read_topic(path).examples.values() for text in texts}
    for path in sorted(ROOT.glob("bot/data/*.yml")):
        found |= {plain(text): path.name for text in _examples(yaml.safe_load(path.read_text("utf-8")))}
    for path in sorted(ROOT.glob("bot/triage/data/*.tsv")):
        found |= {plain(text): path.name for text in _column(path, "text")}
    return found


def measured() -> dict[str, str]:
    """Every text of the test sets, in plain form, with its file and row."""
    columns = ("text", "first", "second")
    return {
        plain(text): f"{path.name}:{number}"
        for path in sorted(ROOT.glob("tests/data/*/*.tsv"))
        for column in columns
        for number, text in enumerate(_column(path, column), 2)
    }


def _examples(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            if key == "examples" and isinstance(value, str):
                yield from (line.removeprefix("- ").strip() for line in value.splitlines() if line.strip())
            else:
                yield from _examples(value)
    elif isinstance(data, list):
        for value in data:
            yield from [value] if isinstance(value, str) else _examples(value)


def _column(path: Path, name: str) -> list[str]:
    header, *lines = path.read_text("utf-8").splitlines()
    names = header.split("\t")
    return [line.split("\t")[names.index(name)] for line in lines] if name in names else []


def test_training_and_test_sets_share_no_text() -> None:
    train, test = learned(), measured()
    assert len(train) > 5000
    assert len(test) > 2000
    # A word or two, such as a whole question of one word, is nobody's own.
    same = [text for text in set(train) & set(test) if len(text.split()) >= 4]
    assert not same, [(text, train[text], test[text]) for text in same[:20]]


def test_no_test_text_is_nearly_a_training_text() -> None:
    train = [text for text in learned() if len(text.split()) >= 5]
    test = {text: where for text, where in measured().items() if len(text.split()) >= 5}
    alike = process.cdist(list(test), train, scorer=Indel.normalized_similarity, score_cutoff=NEAR, dtype=np.float32, workers=2)
    near = [(list(test)[row], train[column]) for row, column in np.argwhere(alike >= NEAR)]
    assert not near, [(one, other, test[one]) for one, other in near[:20]]
