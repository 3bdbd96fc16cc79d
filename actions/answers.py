"""Answering a topic, again, further, or for another place."""

from __future__ import annotations

from dataclasses import asdict
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
        events, remembered = self._place(dispatcher, tracker, topics)
        report(
            dispatcher,
            outcome,
            topic=topics[0],
            topics=topics if len(topics) > 1 else (),
            misses=0,
            topics_said=topics,
            **remembered,
        )
        return events

    def _place(self, dispatcher: CollectingDispatcher, tracker: Tracker, topics: list[str]) -> tuple[Events, dict[str, Any]]:
        """Tells which place was understood, so that it can be corrected; asks for one where what is said depends on it."""
        named = metadata(tracker).get("named")
        around = situation(tracker)
        if named is None:
            wanted = next((topic for topic in topics if self.library.depends_on_zone(topic, around.now)), None)
            if wanted is None or self.library.zone_of(str(tracker.get_slot("place") or around.place or "")) is not None:
                return [], {}
            say(dispatcher, "system.ask_place")
            return [], {"place_for": wanted}
        if any(self.library.topics[topic].ask for topic in topics if topic in self.library.topics) or not named["known"]:
            note_place(dispatcher, named)
        # A place that is not the city's must not push out the one that was given before.
        return ([] if named["known"] else [SlotSet("place", metadata(tracker).get("place_before"))]), {}


def note_place(dispatcher: CollectingDispatcher, named: dict[str, Any] | None) -> None:
    """Echoes a place that was understood; says so when it is unknown, or lies in more than one zone."""
    if named is None or not named["known"]:
        say(dispatcher, "system.place_unknown")
    elif named["zone"] is None:
        say(dispatcher, "system.place_split", place=named["value"])
    else:
        say(dispatcher, "system.place_noted", place=named["zone"]["name"])


class AnswerPlace(SpillwayAction):
    """Takes a place the resident gave and answers the question it was needed for."""

    action_name = "action_answer_place"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """Answers for the place and echoes it, so that it can be corrected; an unknown place gets the answer for all zones."""
        del domain
        topic = self._topic(tracker)
        named = self._named(tracker)
        answer(dispatcher, topic)
        note_place(dispatcher, named)
        report(dispatcher, "form", topic=topic, misses=0, topics_said=[topic], place_for=None)
        if named is None or not named["known"]:
            return [SlotSet("place", metadata(tracker).get("place_before"))]
        return [SlotSet("place", named["kept"])]

    def _named(self, tracker: Tracker) -> dict[str, Any] | None:
        known = metadata(tracker)
        if "named" in known:
            found: dict[str, Any] | None = known["named"]
            return found
        # Under Rasa's own commands nobody has looked the place up before.
        named = self.library.place_in(str(tracker.get_slot("place") or tracker.latest_message.get("text") or ""), asked=True)
        return {**asdict(named), "kept": named.kept} if named is not None else None

    def _topic(self, tracker: Tracker) -> str:
        before = memory(tracker).get("place_for") or metadata(tracker).get("topic")
        known = self.library.topics.get(before) if before else None
        now = situation(tracker).now
        if known is not None and (known.ask or self.library.depends_on_zone(known.intent, now)):
            return known.intent
        return "evacuation_zone_lookup"


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
        """The next piece, as long as its message is still in force, or what is said now; or a word that there is no more."""
        del domain
        rest = memory(tracker).get("more") or []
        if not rest:
            say(dispatcher, "system.no_more")
            report(dispatcher, "reprompt")
            return []
        piece, left = rest[0], rest[1:]
        said = self.library.still(piece["message_id"], piece["version"], piece["text"], situation(tracker))
        changed = (said.message_id, said.version, said.text) != (piece["message_id"], piece["version"], piece["text"])
        more = list(said.more) if changed else [item["text"] for item in left]
        told = {name: getattr(said, name) for name in ("message_id", "version", "language", "text", "html", "missing")}
        dispatcher.utter_message(json_message={"said": [{**told, "more": more}]})
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
