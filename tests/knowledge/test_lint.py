from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from knowledge.library import PACKS
from knowledge.lint import check_packs, check_texts
from knowledge.readability import grade

GOOD = "Go to a shelter now. Call {police_phone} if you need help."


def wording(**changed: str) -> dict[str, dict[str, str]]:
    texts = {"sms": GOOD, "web": GOOD, "voice": GOOD}
    return {"en": {**texts, **changed}, "es": {"sms": "Vaya ya.", "web": "Vaya ya.", "voice": "Vaya ya."}}


def test_the_shipped_packs_have_no_error() -> None:
    assert [finding for finding in check_packs(PACKS) if finding.level == "error"] == []


def test_a_good_text_has_no_finding() -> None:
    assert check_texts(wording(), message_id="x.general") == []


@pytest.mark.parametrize(
    ("channel", "text", "level", "hint"),
    [
        ("sms", "Go to {shelterz}.", "error", "no placeholder"),
        ("sms", "Go {", "error", "brace"),
        ("sms", "Call 555-123-4567.", "error", "national number"),
        ("sms", "Reply YES to go on.", "error", "carriers"),
        ("sms", "Reply STOP now.", "error", "carriers"),
        ("sms", "x" * 301, "error", "at most 300"),
        ("sms", "Go now 🚨", "error", "picture"),
        ("sms", "Go now — please", "warning", "curly"),
        ("sms", "有人", "error", "double"),
        ("web", "See [x](https://evil.com/x).", "error", "not on the list"),
        ("web", "See [x](http://fema.gov).", "error", "not on the list"),
        ("web", "word " * 140, "warning", "words on the web"),
        ("voice", "See https://fema.gov.", "error", "aloud"),
        ("voice", "Do this: **now**", "error", "markup"),
        ("voice", "word " * 90, "warning", "36 seconds"),
        (
            "voice",
            "Notwithstanding meteorological uncertainties, municipal authorities recommend precautionary evacuation immediately.",
            "warning",
            "grade",
        ),
        ("sms", "Open: {shelters}", "warning", "without {asof}"),
        ("sms", "Call {electric_utility}.", "warning", "without {electric_phone}"),
        ("sms", "Call your county office about it.", "warning", "without its number"),
        ("voice", "", "error", "missing"),
    ],
)
def test_a_slip_is_found(channel: str, text: str, level: str, hint: str) -> None:
    found = [one for one in check_texts(wording(**{channel: text}), message_id="x.general") if hint in one.text]
    assert [one.level for one in found] == [level]
    assert found[0].field == f"en.{channel}"


@pytest.mark.parametrize(
    ("message_id", "text", "hint"),
    [
        ("card.gas", "á", "one GSM-7 text"),
        ("card.gas", "x" * 161, "one GSM-7 text"),
        ("card.gas", "Call {police_phone}", "no placeholder"),
        ("system.static", "{city}", "no placeholder"),
        ("x.general", "{position}", "no placeholder"),
    ],
)
def test_cards_quote_nothing_and_are_short(message_id: str, text: str, hint: str) -> None:
    assert [one for one in check_texts(wording(sms=text), message_id=message_id) if hint in one.text]


@pytest.mark.parametrize(
    "text",
    [
        "Text AYUDA to 988.",
        "Reply AGENT.",
        "Don't stop. Reply with a number.",
        "Call 911.",
        "Poison Help 1-800-222-1222 now",
        "See [FEMA](https://www.fema.gov).",
    ],
)
def test_what_is_fine(text: str) -> None:
    assert not [one for one in check_texts(wording(web=text), message_id="x.general", packs_dir=PACKS) if one.level == "error"]


def test_topics_are_checked_together(tmp_path: Path) -> None:
    topics = tmp_path / "core" / "topics"
    topics.mkdir(parents=True)
    for name in ("a", "b"):
        messages = [{"variant": "list", "phases": ["during"], **wording(sms="{asof} {shelters}")}]
        topic = {
            "intent": name, "title": {"en": "T"}, "hazards": ["all"], "phases": ["all"], "owner": "o", "sources": ["s"],
            "complex": "c", "emergency": "e", "keywords": {"en": ["Water!"]},
            "examples": {"en": ["Is it ok?"]}, "messages": messages,
        }  # fmt: skip
        (topics / f"{name}.yml").write_text(yaml.safe_dump(topic), "utf-8")
    found = {(one.level, one.field): one.text for one in check_packs(tmp_path) if one.file == "a.yml"}
    assert "'is it ok' is also in b" in found[("error", "examples.en")]
    assert "'water' is also in b" in found[("warning", "keywords.en")]
    assert ("error", "title") in found
    assert "limited to phases" in found[("error", "list")] or "can expire" in found[("error", "list")]
    (topics / "c.yml").write_text("intent: [", "utf-8")
    assert [one.file for one in check_packs(tmp_path) if one.level == "error"] == ["c.yml"]


@pytest.mark.parametrize(
    ("easy", "hard", "language"),
    [
        (
            "Go in. Stay low. Call us.",
            "Residents experiencing respiratory complications should immediately discontinue outdoor activities.",
            "en",
        ),
        (
            "Entre ya. No salga.",
            "Las autoridades municipales recomiendan suspender inmediatamente cualquier actividad recreativa al aire libre.",
            "es",
        ),
    ],
)
def test_grades_tell_easy_from_hard(easy: str, hard: str, language: str) -> None:
    assert grade(easy, language) < 6 < grade(hard, language)
    assert grade("", language) == 0
