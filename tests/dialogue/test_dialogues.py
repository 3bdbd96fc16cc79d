"""Whole conversations through the real service: Rasa, triage, approved messages and database, written down in YAML.

A turn says one text and expects of the reply what it names: `outcome`, `topic` (`none` for no topic), `language`, `owner`,
`messages` (ids that must be in it, in this order), `without` (ids that must not), `has` and `lacks` (phrases)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from knowledge.facts import folded
from server.assembly import Service
from server.conversations.turn import Channel, Reply
from tests.server.harness import Resident

SCENARIOS: list[dict[str, Any]] = [
    {**scenario, "file": path.stem}
    for path in sorted(Path(__file__).parent.glob("*.yml"))
    for scenario in yaml.safe_load(path.read_text("utf-8"))["scenarios"]
]
EXPECTED = {"say", "outcome", "topic", "language", "owner", "messages", "without", "has", "lacks", "options"}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: f"{scenario['file']}: {scenario['name']}")
async def test_dialogue(service: Service, scenario: dict[str, Any]) -> None:
    writer = Resident(service.spine, channel=Channel(scenario.get("channel", "sms")), language=scenario.get("language"))
    told = []
    for number, turn in enumerate(scenario["turns"], 1):
        assert set(turn) <= EXPECTED, f"turn {number} expects something that is not checked"
        reply = await writer.says(str(turn["say"]))
        said = [part.message_id for part in reply.parts]
        told.append(f"{number}. > {turn['say']}\n   {reply.outcome} {reply.topic} {reply.language} {reply.owner} {said}")
        wrong = differences(turn, reply, said)
        assert not wrong, "\n".join([*told, f"   {reply.text}", *wrong])


def differences(turn: dict[str, Any], reply: Reply, said: list[str]) -> list[str]:
    """What is not as expected, in words."""
    found = {
        "outcome": reply.outcome.value,
        "topic": reply.topic or "none",
        "language": reply.language,
        "owner": reply.owner,
        "options": len(reply.options),
    }
    wrong = [f"{name}: {value!r}, not {turn[name]!r}" for name, value in found.items() if name in turn and value != turn[name]]
    wanted = turn.get("messages", [])
    if [identity for identity in said if identity in wanted] != wanted:
        wrong.append(f"messages: {said}, expected {wanted} among them")
    wrong += [f"message: {identity} was not to be said" for identity in turn.get("without", []) if identity in said]
    text = folded(reply.text)
    wrong += [f"the phrase {phrase!r} is missing" for phrase in turn.get("has", []) if folded(str(phrase)) not in text]
    wrong += [f"the phrase {phrase!r} is there" for phrase in turn.get("lacks", []) if folded(str(phrase)) in text]
    if reply.engine == "static":
        wrong.append("the static text was said")
    return wrong


def test_there_are_enough_and_in_both_languages() -> None:
    spanish = [
        scenario
        for scenario in SCENARIOS
        if scenario.get("language") == "es" or any(t.get("language") == "es" for t in scenario["turns"])
    ]
    assert len(SCENARIOS) >= 30
    assert len(spanish) * 2 >= len(SCENARIOS)
    assert len({scenario["name"] for scenario in SCENARIOS}) == len(SCENARIOS)
