"""Answering a topic, again, further, or for another place."""

from __future__ import annotations

from typing import Any, Final

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.base import (
    Events,
    SpillwayAction,
    answer,
    intent_of,
    language_of,
    memory,
    metadata,
    numbered,
    report,
    say,
    situation,
    understanding,
)

FEWEST: Final = 2
"""A menu has at least so many choices."""


class AnswerTopic(SpillwayAction):
    """Answers the topic that was asked about, and the second one when two were asked."""

    action_name = "action_answer"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """Answers one or two topics."""
        del domain
        understood = understanding(tracker)
        topics = [topic for topic in (intent_of(tracker), understood.get("also")) if topic]
        for topic in topics:
            answer(dispatcher, topic)
        outcome = "menu_choice" if understood.get("chosen") else "answer"
        report(dispatcher, outcome, topic=topics[0], topics=topics if len(topics) > 1 else (), misses=0, topics_said=topics)
        return []


class AnswerPlace(SpillwayAction):
    """Takes a place the resident gave and answers the question it was needed for."""

    action_name = "action_answer_place"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """Echoes the place, so that it can be corrected, and answers for it; an unknown place gets the answer for all zones."""
        del domain
        place = str(tracker.get_slot("place") or tracker.latest_message.get("text") or "").strip()
        zone = self.library.zone_of(place) if place else None
        topic = self._topic(tracker)
        if zone is None:
            say(dispatcher, "system.place_unknown")
        else:
            say(dispatcher, "system.place_noted", place=zone.name)
        answer(dispatcher, topic)
        report(dispatcher, "form", topic=topic, misses=0, topics_said=[topic], place_for=None)
        return [SlotSet("place", zone.name if zone is not None else None)]

    def _topic(self, tracker: Tracker) -> str:
        before = memory(tracker).get("place_for") or metadata(tracker).get("topic")
        known = self.library.topics.get(before) if before else None
        return str(before) if known is not None and known.ask else "evacuation_zone_lookup"


class AskPlace(SpillwayAction):
    """Asks for the place, in the form."""

    action_name = "action_ask_place"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """Asks for a ZIP code or street. Who asks something else instead is not asked again; the form stays open and what the
        place is for is kept, so that it can still be given later."""
        del domain
        intent = intent_of(tracker)
        wanted = memory(tracker).get("place_for")
        if wanted and intent not in (wanted, "give_place"):
            return []
        say(dispatcher, "system.ask_place")
        report(dispatcher, "form", place_for=wanted or intent)
        return []


class Repeat(SpillwayAction):
    """Says the last answer again."""

    action_name = "action_repeat"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """Answers the topics of the turn before once more, with the words in force now."""
        del domain
        topics = memory(tracker).get("topics_said") or []
        for topic in topics:
            answer(dispatcher, topic)
        if topics:
            report(dispatcher, "answer", topic=topics[0], topics_said=topics)
        else:
            say(dispatcher, "system.nothing_to_repeat")
            report(dispatcher, "reprompt")
        return []


class More(SpillwayAction):
    """Gives the rest of a long answer, one piece at a time."""

    action_name = "action_more"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """The next piece, or a word that there is no more."""
        del domain
        rest = memory(tracker).get("more") or []
        if not rest:
            say(dispatcher, "system.no_more")
            report(dispatcher, "reprompt")
            return []
        piece, left = rest[0], rest[1:]
        dispatcher.utter_message(json_message={"said": {**piece, "html": None, "more": [item["text"] for item in left]}})
        report(dispatcher, "answer", topic=metadata(tracker).get("topic"))
        return []


class SwitchLanguage(SpillwayAction):
    """Changes the language on request."""

    action_name = "action_language"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """Confirms in the new language."""
        del domain
        wanted = "es" if intent_of(tracker) == "language_es" else "en"
        say(dispatcher, f"system.language_{wanted}", language=wanted)
        report(dispatcher, "menu_choice", topic="language_help", language=wanted, misses=0)
        return []


class ShowMenu(SpillwayAction):
    """Shows what can be asked, by number."""

    action_name = "action_menu"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """The menu of the incident's phase."""
        del domain
        language = language_of(tracker)
        options = [{"value": intent, "label": self.library.title(intent, language)} for intent in self.library.menu(language)]
        around = situation(tracker)
        while len(options) > FEWEST and self.library.say("system.menu", around, options=numbered(options)).more:
            # A list that is cut in the middle would offer numbers that nobody can read.
            options.pop()
        say(dispatcher, "system.menu", options=numbered(options))
        report(dispatcher, "menu", options=options, misses=0)
        return []
