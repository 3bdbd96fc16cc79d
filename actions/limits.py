"""What the assistant does where it does not know: offer the nearest topics once, say what it cannot do, or fetch a person."""

from __future__ import annotations

from typing import Any, Final

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import Events, SpillwayAction, intent_of, language_of, memory, numbered, report, say, understanding

MISSES_BEFORE_PERSON: Final = 2
"""The turn that makes it so many in a row goes to a person."""

_SAYINGS: Final[dict[str, tuple[str, str]]] = {
    "greet": ("system.hello", "greet"),
    "goodbye": ("system.goodbye", "goodbye"),
    "thanks": ("system.thanks", "goodbye"),
    "affirm": ("system.reprompt", "reprompt"),
    "deny": ("system.anything_else", "reprompt"),
    "not_emergency": ("system.not_emergency", "menu_choice"),
    "bot_challenge": ("system.greeting", "greet"),
}
"""What is said for an intent of small talk, and the outcome it counts as."""


class Clarify(SpillwayAction):
    """Offers the two or three nearest topics by number, once; then a person."""

    action_name = "action_clarify"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """Offers the topics, or queues for a person when the turns before were not understood either."""
        del domain
        misses = int(memory(tracker).get("misses") or 0) + 1
        offered = understanding(tracker).get("offered") or []
        if misses >= MISSES_BEFORE_PERSON or not offered:
            report(dispatcher, "agent", handoff="low_confidence_x2", misses=0)
            return []
        language = language_of(tracker)
        options = [{"value": intent, "label": self.library.title(intent, language)} for intent in offered]
        say(dispatcher, "system.clarify", options=numbered(options))
        report(dispatcher, "clarify", topics=offered, options=options, misses=misses)
        return []


class OutOfScope(SpillwayAction):
    """Says plainly that this is nothing the city answers here."""

    action_name = "action_out_of_scope"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """Says so and names the way to a person."""
        del domain, tracker
        say(dispatcher, "system.out_of_scope")
        report(dispatcher, "out_of_scope")
        return []


class NotUnderstood(SpillwayAction):
    """Asks once more when no rule fits."""

    action_name = "action_not_understood"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """Asks again; after two such turns a person takes over."""
        del domain
        misses = int(memory(tracker).get("misses") or 0) + 1
        if misses >= MISSES_BEFORE_PERSON:
            report(dispatcher, "agent", handoff="low_confidence_x2", misses=0)
        else:
            say(dispatcher, "system.not_understood")
            report(dispatcher, "reprompt", misses=misses)
        return []


class HandOff(SpillwayAction):
    """Fetches a person. The spine queues the conversation and says the place in line."""

    action_name = "action_handoff"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """Reports the reason."""
        del domain
        reason = "complaint" if intent_of(tracker) == "complaint" else "user_request"
        report(dispatcher, "agent", topic="talk_to_agent", handoff=reason, misses=0)
        return []


class Say(SpillwayAction):
    """Small talk, in approved words."""

    action_name = "action_say"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """Says the text of the intent."""
        del domain
        message_id, outcome = _SAYINGS[intent_of(tracker)]
        if message_id == "system.hello" and not memory(tracker).get("greeted"):
            message_id = "system.greeting"
        say(dispatcher, message_id)
        report(dispatcher, outcome, misses=0, greeted=True)
        return []
