"""The library: everything that may be said, as one unchanging snapshot that follows the database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from copy import copy
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from knowledge import pack_files, store
from knowledge.facts import Contradiction
from knowledge.incident_packs import IncidentPack, menus_of, parse_incident_pack
from knowledge.keywords import Keywords, menu
from knowledge.models import search_words
from knowledge.phrasings import Phrasings
from knowledge.places import Gazetteer, Named, Places
from knowledge.plan import PlanTemplate, parse_fields, parse_template
from knowledge.records import Channel, Contents, Fact, Incident, Published, Said, Situation, Zone
from knowledge.speaker import Speaker
from knowledge.topics import FALLBACK_LANGUAGE, Texts, Topic
from server import clock
from server.database.engine import Sessions, reading
from server.errors import BadInput, NotFound
from server.settings import ROOT

__all__ = ["PACKS", "Channel", "Library", "LiveLibrary", "Said", "Situation", "Zone", "current_revision"]

log = structlog.get_logger()

_T = TypeVar("_T")

PACKS: Final = ROOT / "knowledge" / "packs"
"""The packs that ship."""
_LEVELS: Final = ("monitor", "partial", "full")
_RESERVED: Final = frozenset({"link_hosts", "owners", "plan_fields", "fictional"})

current_revision = store.current_revision


class Library:
    """One snapshot. Nothing in it changes; a change in the database makes the next snapshot."""

    def __init__(self, contents: Contents, *, floor: Iterable[Published] = ()) -> None:
        self.revision: int = contents.revision
        self.topics: Mapping[str, Topic] = MappingProxyType({topic.intent: topic for topic in contents.topics})
        self.city: Mapping[str, Any] = MappingProxyType(
            {name: value for name, value in contents.city.items() if name not in _RESERVED and "." not in name}
        )
        self._prepared: Mapping[str, Any] = {name: value for name, value in contents.city.items() if name not in self.city}
        self.incidents: tuple[Incident, ...] = _greatest_first(contents.incidents)
        self.facts: tuple[Fact, ...] = contents.facts
        self._places = Places(contents.facts)
        shipped = {message.message_id: message for message in floor}
        self._speaker = Speaker(contents, floor=shipped, places=self._places, phase=self.phase)
        self._keywords = Keywords(contents.topics)

    @classmethod
    def read(cls, session: Session) -> Library:
        """The library as it stands in the database."""
        return cls(store.read_contents(session), floor=pack_files.shipped_floor())

    @classmethod
    def from_packs(cls, packs_dir: Path = PACKS, names: Iterable[str] = ("core",), *, now: datetime | None = None) -> Library:
        """The library of some packs alone, for a process without a database."""
        packs = [pack_files.read_pack(packs_dir / name) for name in names]
        return cls(pack_files.contents_of(packs, now=now or clock.now()), floor=pack_files.shipped_floor())

    def moved(self, incidents: Iterable[Incident], *, without: Collection[tuple[str, int]] = ()) -> Library:
        """This library as it would be with exactly these incidents open, and without some versions (message and number)."""
        other = copy(self)
        other.__dict__.pop("_menu", None)
        other.incidents = _greatest_first(incidents)
        other._speaker = self._speaker.moved(other.incidents, phase=other.phase, without=without)
        return other

    @property
    def incident(self) -> Incident | None:
        """The incident that decides menus and variants: the one of the highest level, then the newest."""
        return self.incidents[0] if self.incidents else None

    @property
    def phase(self) -> str:
        """The phase of the incident; between incidents people prepare."""
        return self.incidents[0].phase if self.incidents else "before"

    def answer(self, intent: str, situation: Situation) -> Said:
        """What is said on a topic: its first published variant, in its window, whose placeholders all fill. When there is none,
        or no such topic, the holding text with `missing`."""
        return self._speaker.answers(intent, situation)[0]

    def answers(self, intent: str, situation: Situation) -> tuple[Said, ...]:
        """Everything that is said on a topic, in order: more than one where several messages are for the resident's zone alone, or
        where the zone is not known and messages for single zones are in force."""
        return self._speaker.answers(intent, situation)

    def tried(self, intent: str, now: datetime) -> tuple[tuple[str, int], ...]:
        """The versions (message and number) that are tried on a topic now, in order."""
        return self._speaker.tried(intent, now)

    def depends_on_zone(self, intent: str, now: datetime) -> bool:
        """True when a message for some zones only is in force on a topic."""
        return self._speaker.by_zone(intent, now)

    def restated(self, message_id: str, situation: Situation) -> Said:
        """What a message that was said earlier says now; when it is no longer in force, what its topic says instead."""
        topic = self._speaker.topic_of(message_id) or message_id.partition(".")[0]
        answers = self._speaker.answers(topic, situation)
        return next((one for one in answers if one.message_id == message_id), answers[0])

    def still(self, message_id: str, version: int, text: str, situation: Situation) -> Said:
        """A piece of an answer that was begun earlier, if its message still says so; else what its topic says now."""
        said = self.restated(message_id, situation)
        pieces = (said.text, *said.more)
        if (said.message_id, said.version) != (message_id, version) or text not in pieces:
            return said
        return replace(said, text=text, html=None, more=pieces[pieces.index(text) + 1 :])

    def say(self, message_id: str, situation: Situation, **values: str | int) -> Said:
        """A card or a system text; `values` fill its placeholders. Raises `NotFound` for an unknown id.

        A text that cannot be said now is replaced with `missing`: a card by the general 911 card, another by the holding text."""
        return self._speaker.say(message_id, situation, values)

    def quoting(self, placeholder: str, now: datetime) -> tuple[tuple[str, str | None], ...]:
        """The ids of the messages in their window that quote a value, such as `shelters`, each with the topic it answers."""
        return self._speaker.quoting(placeholder, now)

    def preview(self, texts: Texts, situation: Situation, **values: str | int) -> Said | None:
        """A wording that is not published, rendered as residents would get it; nothing when a value it quotes is missing."""
        return self._speaker.preview(texts, situation, values)

    def can_answer(self, intent: str, now: datetime) -> bool:
        """True when a topic has a published message in its window."""
        return self._speaker.can_answer(intent, now)

    @property
    def message_ids(self) -> tuple[str, ...]:
        """The messages that may be said now, each once."""
        return self._speaker.message_ids(clock.now())

    def title(self, intent: str, language: str) -> str:
        """What a topic is called in a language, in English when it has no name in it. Raises `NotFound`."""
        topic = self.topics.get(intent)
        if topic is None:
            raise NotFound(f"There is no topic {intent}.")
        return topic.title.get(language) or topic.title[FALLBACK_LANGUAGE]

    @cached_property
    def title_words(self) -> Mapping[str, str]:
        """The words of what each topic is called, in every language one line, as searches compare them."""
        return {intent: "\n".join(search_words(name) for name in topic.title.values()) for intent, topic in self.topics.items()}

    def menu(self, _language: str = FALLBACK_LANGUAGE) -> tuple[str, ...]:
        """The topics of the number menu for what is going on, nine at most, in the order of their numbers."""
        return self._menu

    @cached_property
    def _menu(self) -> tuple[str, ...]:
        hazards = tuple(dict.fromkeys(incident.hazard for incident in self.incidents))
        return menu(self.topics, menus_of(self.incident_packs.values()), hazards=hazards, phase=self.phase)

    @cached_property
    def incident_packs(self) -> Mapping[str, IncidentPack]:
        """What is prepared for each hazard: menus, templates, questions, facts to collect and the checklist of the first hour."""
        packs = self._readable("incident.", lambda name, value: parse_incident_pack(value, file=name))
        return MappingProxyType({pack.name: pack for pack in packs})

    @cached_property
    def plan(self) -> Mapping[str, PlanTemplate]:
        """The templates of the communications plan. They are filled (`knowledge.plan_fill`) and never said."""
        listed = self._readable("plan_fields", lambda name, value: parse_fields(value, file=name))
        fields = {name: field for fields in listed for name, field in fields.items()}
        templates = self._readable("plan.", lambda name, value: parse_template(value, fields=fields, file=name))
        return MappingProxyType({template.name: template for template in templates})

    def _readable(self, prefix: str, parse: Callable[[str, Any], _T]) -> list[_T]:
        """What is prepared under a prefix. One that cannot be read is left out and logged: the menu must work without it."""
        found = []
        for name, value in sorted(self._prepared.items()):
            if name.startswith(prefix):
                try:
                    found.append(parse(name, value))
                except BadInput as error:
                    log.error("library.unreadable", name=name, error=error.safe_text)
        return found

    @property
    def owners(self) -> Mapping[str, Mapping[str, str]]:
        """The roles that answer for texts and facts, each with what it is called in each language."""
        return MappingProxyType(self._prepared.get("owners") or {})

    @property
    def hosts(self) -> tuple[str, ...]:
        """The sites that messages may link to."""
        return self._speaker.hosts

    def unfilled(self, texts: Texts, situation: Situation, **values: str | int) -> tuple[str, ...]:
        """The placeholders of a wording that have no value now, because of which it would not be said."""
        return self._speaker.unfilled(texts, situation, values)

    def first_in_phase(self, intent: str, *, phase: str, now: datetime, instead: tuple[str, tuple[str, ...], int]) -> str | None:
        """The message that would answer a topic in a phase, were `instead` (id, phases, position) published and sayable."""
        return self._speaker.first_in_phase(intent, phase=phase, now=now, instead=instead)

    def unanswered(self, intent: str, *, phase: str, now: datetime, without: str, zones: Iterable[str]) -> tuple[str, ...]:
        """The zones whose residents hear nothing on a topic in a phase, were the message `without` for `zones` only."""
        others = [zone.name for zone in self.zones if zone.name not in set(zones)]
        return self._speaker.unanswered(intent, phase=phase, now=now, without=without, zones=others)

    def match_keywords(self, text: str, language: str) -> str | None:
        """The topic whose keywords a message holds, when one stands out; the understanding that works without a model."""
        return self._keywords.match(text, language, preferred=self._menu)

    @cached_property
    def phrasings(self) -> Phrasings:
        """The examples of the topics, to tell a message that repeats one; made when it is first asked for."""
        return Phrasings(self.topics.values())

    def zone_of(self, place: str) -> Zone | None:
        """The zone of a ZIP code, a letter or a street; nothing when it is unknown or lies in more than one."""
        return self._places.zone_of(place)

    def place_in(self, text: str, *, asked: bool = False) -> Named | None:
        """The ZIP code, zone or street that a message names; with `asked` the message is expected to be one."""
        return self._places.named_in(text, asked=asked)

    @property
    def zones(self) -> tuple[Zone, ...]:
        """The evacuation zones."""
        return self._places.zones

    @property
    def gazetteer(self) -> Gazetteer:
        """The names of shelters, sites, streets, zones and ZIP codes."""
        return self._places.gazetteer

    @property
    def contradictions(self) -> tuple[Contradiction, ...]:
        """The facts that disagree now; the safer of each two is what is said."""
        return self._speaker.facts.contradictions(clock.now())


def _greatest_first(incidents: Iterable[Incident]) -> tuple[Incident, ...]:
    return tuple(sorted(incidents, key=lambda one: (_LEVELS.index(one.level), one.started_at), reverse=True))


WAIT_FOR_READER: Final = 2.0
"""Seconds that a turn waits for the newest words while another thread reads them."""


class LiveLibrary:
    """The newest snapshot. One cheap query tells whether it is still the newest; while the database fails, the last one serves."""

    def __init__(self, sessions: Sessions, *, packs_dir: Path = PACKS) -> None:
        self._sessions = sessions
        self._lock = threading.Lock()
        self._known = -1
        self._last = self._first(packs_dir)

    def _first(self, packs_dir: Path) -> Library:
        try:
            library = self._read()
        except SQLAlchemyError as error:
            log.error("library.unread", error=repr(error))
            return Library.from_packs(packs_dir)
        self._known = library.revision
        # Before the packs are loaded the shipped words are better than none.
        return library if library.topics or library.message_ids else Library.from_packs(packs_dir)

    @property
    def last_good(self) -> Library:
        """The last library that was read, without asking the database."""
        return self._last

    def get(self, session: Session | None = None) -> Library:
        """The library of now. `session` saves a connection for the question whether it changed; a new one is always read in a
        session of its own, from what is committed."""
        try:
            if session is not None:
                return self._fresh(current_revision(session))
            with reading(self._sessions) as own:
                revision = current_revision(own)
            return self._fresh(revision)
        except SQLAlchemyError as error:
            log.error("library.stale", error=repr(error))
            return self.last_good

    def _fresh(self, revision: int) -> Library:
        # Whoever comes while another thread reads waits for it, since the last library holds words that were just corrected; but
        # no longer than a resident would.
        if revision != self._known and self._lock.acquire(timeout=WAIT_FOR_READER):
            try:
                if revision != self._known:
                    self._last = self._read()
                    self._known = self._last.revision
            finally:
                self._lock.release()
        return self._last

    def _read(self) -> Library:
        with reading(self._sessions) as session:
            return Library.read(session)
