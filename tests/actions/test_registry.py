"""The actions and the domain name the same things, and every text that an action says exists in both languages."""

from __future__ import annotations

import re

import pytest
import yaml

from actions.limits import _SAYINGS
from actions.registry import ACTIONS, make_executor
from knowledge.library import Library, Situation
from server import clock
from server.settings import ROOT

LIBRARY = Library.from_packs(names=("core", "harbor_city"))
DOMAIN = yaml.safe_load((ROOT / "bot" / "domain.yml").read_text("utf-8"))


def test_the_domain_lists_every_action_and_no_other() -> None:
    assert {action.action_name for action in ACTIONS} == set(DOMAIN["actions"])
    assert set(make_executor(lambda: LIBRARY).actions) >= set(DOMAIN["actions"])


def said() -> set[str]:
    """Every message id that the code of the actions, the spine and the assistants names."""
    files = [*ROOT.glob("actions/*.py"), *ROOT.glob("bot/*.py"), *ROOT.glob("server/conversations/*.py"), *ROOT.glob("ivr/*.py")]
    found = {name for path in files for name in re.findall(r'"((?:system|card)\.[a-z0-9_]+)"', path.read_text("utf-8"))}
    return found | {"safety_line", "system.language_en", "system.language_es"} | {identity for identity, _ in _SAYINGS.values()}


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("channel", ["sms", "web", "voice"])
@pytest.mark.parametrize("message_id", sorted(said()))
def test_every_text_that_is_said_is_there(message_id: str, channel: str, language: str) -> None:
    situation = Situation(language=language, channel=channel, now=clock.now())  # type: ignore[arg-type]
    values: dict[str, str | int] = {
        "position": 2,
        "options": "1. One",
        "place": "Zone A",
        "minutes": 5,
        "reference": "HC-2222222",
        "when": "9 am",
        "since": "September 3",
        "number": "555 555 0100",
        "agent": "Ana",
        "reason": "asked for a person",
        "language": "English",
    }
    text = LIBRARY.say(message_id, situation, **values)
    assert (text.missing, text.language) == (False, language)
    assert "{" not in text.text
