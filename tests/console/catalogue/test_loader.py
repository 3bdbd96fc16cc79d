from __future__ import annotations

import re
from pathlib import Path

import pytest

from console.catalogue import LANGUAGES, text, words
from console.catalogue.loader import FOLDER, read_area
from server.errors import NotReady
from server.settings import ROOT

AREAS = sorted(path.stem for path in FOLDER.glob("*.yml"))


@pytest.mark.parametrize("area", AREAS)
def test_both_languages_have_the_same_braces_and_differ(area: str) -> None:
    english, spanish = words(area, "en"), words(area, "es")
    assert english.keys() == spanish.keys()
    for key, value in english.items():
        assert set(re.findall(r"\{(\w+)\}", value)) == set(re.findall(r"\{(\w+)\}", spanish[key])), key


def test_words_are_filled() -> None:
    assert text("chat.title", "es", city="Harbor City") == "Chat del 311 de Harbor City"
    assert text("chat.title", "fr", city="X") == "X 311 chat"


@pytest.mark.parametrize(("key", "values"), [("chat.nothing", {}), ("nothing.at_all", {}), ("chat.title", {})])
def test_what_is_missing_is_named(key: str, values: dict[str, str]) -> None:
    with pytest.raises(NotReady):
        text(key, "en", **values)


@pytest.mark.parametrize("body", ["a: {en: x}", "a: x", "[1]", "a: {en: x, es: ''}", "a: {en: x, es: 3}"])
def test_a_file_without_a_language_is_refused_by_name(tmp_path: Path, body: str) -> None:
    path = tmp_path / "bad.yml"
    path.write_text(body)
    with pytest.raises(NotReady, match=r"bad\.yml"):
        read_area(path)


def test_every_word_that_the_pages_ask_for_is_there() -> None:
    for folder, area in ((ROOT / "bot/channels/web/templates", "chat"), (ROOT / "console/simulator/templates", "simulator")):
        for path in folder.glob("*.html"):
            for key in re.findall(r"\bt\('(\w+)'(?! ~)", path.read_text("utf-8")):
                assert key in words(area, "en"), f"{path.name}: {key}"
    for script, areas in (
        ("bot/channels/web/static/chat.js", ("chat_live", "chat", "signs")),
        ("console/simulator/static/simulator.js", ("simulator",)),
    ):
        known = {key for area in areas for key in words(area, LANGUAGES[0])}
        for key in re.findall(r"\bword\.(\w+)", (ROOT / script).read_text("utf-8")):
            assert key in known, f"{script}: {key}"
