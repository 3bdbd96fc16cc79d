"""What every action has at hand: the library, the turn's metadata, and one way to report what the turn led to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from knowledge.library import Library, Situation
from server import clock

Events = list[dict[str, Any]]
ANSWER = "answer"


class SpillwayAction(Action):  # type: ignore[misc]
    """Base of the actions. `library` gives the snapshot of approved messages that is in force."""

    action_name = ""

    def __init__(self, library: Callable[[], Library]) -> None:
        self._library = library

    def name(self) -> str:
        """The name in the domain."""
        return self.action_name

    @property
    def library(self) -> Library:
        """The approved messages in force now."""
        return self._library()


def understanding(tracker: Tracker) -> dict[str, Any]:
    """What the topic classifier understood besides the intent."""
    found: dict[str, Any] = tracker.latest_message.get("understanding") or {}
    return found


def metadata(tracker: Tracker) -> dict[str, Any]:
    """What the spine passed along: language, topic of the turn before, memory."""
    found: dict[str, Any] = understanding(tracker).get("metadata") or {}
    return found


def memory(tracker: Tracker) -> dict[str, Any]:
    """The small things kept from the turns before."""
    found: dict[str, Any] = metadata(tracker).get("memory") or {}
    return found


def intent_of(tracker: Tracker) -> str:
    """The intent of the message."""
    return str((tracker.latest_message.get("intent") or {}).get("name") or "")


def language_of(tracker: Tracker) -> str:
    """The language of the turn."""
    return str(metadata(tracker).get("language", "en"))


def situation(tracker: Tracker) -> Situation:
    """What an answer depends on: language, channel, time, place."""
    known = metadata(tracker)
    now = datetime.fromisoformat(known["now"]) if "now" in known else clock.now()
    return Situation(language=language_of(tracker), channel=known.get("words", "web"), now=now, place=known.get("place"))


def say(dispatcher: CollectingDispatcher, message_id: str, *, language: str | None = None, **values: str | int) -> None:
    """Has the generator say an approved system text."""
    dispatcher.utter_message(response=message_id, values=values, language=language)


def answer(dispatcher: CollectingDispatcher, intent: str) -> None:
    """Has the generator answer a topic."""
    dispatcher.utter_message(response=ANSWER, intent=intent)


def report(
    dispatcher: CollectingDispatcher,
    outcome: str,
    *,
    topic: str | None = None,
    topics: Sequence[str] = (),
    options: Sequence[dict[str, str]] = (),
    handoff: str | None = None,
    language: str | None = None,
    **remember: Any,
) -> None:
    """Tells the spine what the turn led to, and what to remember for the next one."""
    turn: dict[str, Any] = {"outcome": outcome, "memory": remember}
    for key, value in (
        ("topic", topic),
        ("topics", list(topics)),
        ("options", list(options)),
        ("handoff", handoff),
        ("language", language),
    ):
        if value:
            turn[key] = value
    dispatcher.utter_message(json_message={"turn": turn})


def numbered(options: Sequence[dict[str, str]]) -> str:
    """Options as people read them: a number and a label each, on lines of their own."""
    return "\n".join(f"{number}. {option['label']}" for number, option in enumerate(options, 1))
