from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from knowledge.topics import MessageText, Topic, parse_topic, read_topic
from server.errors import BadInput

TEXTS = {"sms": "Go.", "web": "Go.", "voice": "Go."}


def topic_file(**changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = {
        "intent": "x_topic",
        "title": {"en": "X", "es": "Equis"},
        "hazards": ["all"],
        "phases": ["during"],
        "owner": "emergency_management",
        "sources": ["A source"],
        "ask": [],
        "complex": "c",
        "emergency": "e",
        "keywords": {"en": ["x"], "es": ["equis"]},
        "examples": {"en": ["what is x"], "es": ["qué es x"]},
        "messages": [{"variant": "general", "en": TEXTS, "es": TEXTS}],
    }
    return {key: value for key, value in {**data, **changes}.items() if value is not None}


def test_a_message_for_some_hazards_only() -> None:
    limited = {"variant": "now", "hazards": ["hazmat", "incident"], "en": TEXTS}
    topic = parse_topic(topic_file(messages=[limited, {"variant": "general", "hazards": ["all"], "en": TEXTS}]), file="x_topic.yml")
    assert [one.hazards for one in topic.messages] == [("hazmat", "incident"), ()]
    assert Topic.from_data(topic.data(), topic.messages) == topic


def test_a_good_file(tmp_path: Path) -> None:
    path = tmp_path / "x_topic.yml"
    path.write_text(yaml.safe_dump(topic_file()), "utf-8")
    topic = read_topic(path)
    assert topic.messages == (MessageText("general", (), {"en": TEXTS, "es": TEXTS}),)
    assert Topic.from_data(topic.data(), topic.messages) == topic


@pytest.mark.parametrize(
    ("changes", "field", "hint"),
    [
        ({"title": None}, "title", "Add this field"),
        ({"hazard": ["all"]}, "hazard", "spelling"),
        ({"hazards": ["storm"]}, "hazards.0", "listed in docs/topics.md"),
        ({"intent": "X-Topic"}, "intent", "lower-case"),
        ({"examples": {"en": [1]}}, "examples.en.0", "quotes"),
        ({"examples": {"es": ["x"]}}, "file", "English"),
        ({"messages": []}, "messages", "Write at least one"),
        ({"messages": [{"variant": "general", "es": TEXTS}]}, "messages.0", "English"),
        ({"messages": [{"variant": "general", "en": {"sms": "x", "web": "x"}}]}, "messages.0.texts.en.voice", "Add this field"),
        ({"messages": [{"variant": "a", "en": TEXTS}, {"variant": "a", "en": TEXTS}]}, "file", "same variant name"),
        ({"messages": [{"variant": "a", "phases": ["now"], "en": TEXTS}]}, "messages.0.phases.0", "listed"),
    ],
)
def test_a_bad_field_is_named(changes: dict[str, Any], field: str, hint: str) -> None:
    with pytest.raises(BadInput) as raised:
        parse_topic(topic_file(**changes), file="x_topic.yml")
    assert f"x_topic.yml: {field}" in raised.value.safe_text
    assert hint in raised.value.safe_text


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"intent: a: b", "line 1"),
        (b"\xff\xfe", "UTF-8"),
        (b"!!python/object/apply:os.system ['x']", "line 1"),
        (b"- a", "file"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, content: bytes, hint: str) -> None:
    path = tmp_path / "x_topic.yml"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"x_topic\.yml") as raised:
        read_topic(path)
    assert hint in raised.value.safe_text


def test_the_file_is_named_for_the_intent(tmp_path: Path) -> None:
    path = tmp_path / "other.yml"
    path.write_text(yaml.safe_dump(topic_file()), "utf-8")
    with pytest.raises(BadInput, match=r"x_topic\.yml"):
        read_topic(path)
