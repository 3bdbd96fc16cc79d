"""Choosing which approved words are said, and rendering them for a channel."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from knowledge.facts import LISTS, FactBook
from knowledge.places import Places
from knowledge.records import Contents, Incident, Published, Said, Situation
from knowledge.rendering.placeholders import ASOF, Template, Value, compile_template, fill
from knowledge.rendering.sentences import cut
from knowledge.rendering.sms import render_sms
from knowledge.rendering.voice import MAX_WORDS, render_voice, speak, words
from knowledge.rendering.web import render_web
from knowledge.topics import CHANNELS, FALLBACK_LANGUAGE, Texts
from server.errors import NotFound

HOLDING: Final = "system.holding"
EMERGENCY: Final = "card.emergency"
_LIMITS: Final = {"sms": 3, "voice": 3, "web": 8}
_MORE: Final = 20
"""How many places of a list wait for who asks for more, after those said at once: the nearest come first, and nobody pages on."""
_CACHE: Final = 4096

_Key = tuple[str, str, str, str | None, str | None, int, date]


class Speaker:
    """The voice of one snapshot. What is said changes only when a window opens or closes, so each answer is rendered once for
    each stretch of time between two such moments."""

    def __init__(self, contents: Contents, *, floor: Mapping[str, Published], places: Places, phase: str) -> None:
        self.phase = phase
        self._incidents = contents.incidents
        self._only = {f"{topic.intent}.{variant}": hazards for topic in contents.topics for variant, hazards in topic.only.items()}
        self.facts = FactBook(contents.facts)
        self._places = places
        self._city = contents.city
        self._floor = floor
        self._versions: dict[str, list[Published]] = {}
        self._variants: dict[str, list[str]] = {}
        for message in sorted(contents.messages, key=lambda message: message.version, reverse=True):
            self._versions.setdefault(message.message_id, []).append(message)
        for message in sorted((versions[0] for versions in self._versions.values()), key=_order):
            if message.intent:
                self._variants.setdefault(message.intent, []).append(message.message_id)
        self._zone = ZoneInfo(str(contents.city.get("time_zone", "UTC")))
        self._fold = bool(contents.city.get("sms_fold_accents", False))
        self._map_url = str(contents.city.get("map_url", ""))
        self.hosts = _hosts(contents.city)
        windows = [moment for message in contents.messages for moment in (message.valid_from, message.expires_at)]
        self._moments = sorted({*windows, *(fact.expires_at for fact in contents.facts)})
        self._said: dict[_Key, tuple[Said, ...]] = {}

    def answers(self, intent: str, situation: Situation) -> tuple[Said, ...]:
        """What is said on a topic now: all that is said for the resident's zone alone, the newest first; else the one answer for
        everybody; else the holding text. To somebody whose zone is not known every zone's message is said: each names its zones."""
        key = self._key(f"?{intent}", situation)
        said = self._said.get(key)
        return said if said is not None else self._keep(key, self._answers(intent, situation))

    def _answers(self, intent: str, situation: Situation) -> tuple[Said, ...]:
        _, zone = self._place(situation.place)
        versions = list(self._fitting(intent, situation.now))
        own = [one for one in versions if one.zones and (zone is None or zone in one.zones)]
        said = tuple(one for one in (self._render(version, situation, {}) for version in own) if one is not None)
        if said:
            return said
        for version in versions:
            one = None if version.zones else self._render(version, situation, {})
            if one is not None:
                return (one,)
        return (self._holding(situation),)

    def moved(self, incidents: tuple[Incident, ...], *, phase: str, without: Collection[tuple[str, int]] = ()) -> Speaker:
        """The voice as it would be with other incidents, and without some versions; it shares everything else with this one."""
        other = copy(self)
        other.phase, other._incidents, other._said = phase, incidents, {}
        touched = {message_id for message_id, _ in without} & self._versions.keys()
        if touched:
            kept = {name: [one for one in self._versions[name] if (name, one.version) not in without] for name in touched}
            other._versions = {**self._versions, **kept}
            other._variants = dict(self._variants)
            for intent in {one.intent for name in touched for one in self._versions[name] if one.intent}:
                newest = [other._versions[name][0] for name in self._variants[intent] if other._versions[name]]
                other._variants[intent] = [one.message_id for one in sorted(newest, key=_order)]
        return other

    def tried(self, intent: str, now: datetime) -> tuple[tuple[str, int], ...]:
        """The versions that are tried on a topic, in order: the first that can be filled is what everybody hears."""
        return tuple((one.message_id, one.version) for one in self._fitting(intent, now))

    def by_zone(self, intent: str, now: datetime) -> bool:
        """True when something is said on a topic to some zones only."""
        return any(version.zones for version in self._fitting(intent, now))

    def _fitting(self, intent: str, now: datetime) -> Iterator[Published]:
        for message_id in self._variants.get(intent, ()):
            version = self._live(message_id, now)
            if version is not None and self._fits(version):
                yield version

    def first_in_phase(self, intent: str, *, phase: str, now: datetime, instead: tuple[str, tuple[str, ...], int]) -> str | None:
        """The message that would answer a topic in a phase, were `instead` (id, phases, position) published and sayable."""
        there = [Published(instead[0], 0, intent, {}, instead[1], instead[2])]
        for message_id in self._variants.get(intent, ()):
            version = self._live(message_id, now)
            if version is None or version.zones or message_id == instead[0]:
                continue
            if self._render(version, Situation("en", "sms", now), {}):
                there.append(version)
        hazards = {incident.hazard for incident in self._incidents}
        for one in sorted(there, key=_order):
            only = self._only.get(one.message_id)
            if one.fits(phase) and (only is None or not hazards.isdisjoint(only)):
                return one.message_id
        return None

    def unanswered(self, intent: str, *, phase: str, now: datetime, without: str, zones: Sequence[str]) -> tuple[str, ...]:
        """Those of some zones that no message of a topic answers in a phase, one message left out."""
        hazards = {incident.hazard for incident in self._incidents}
        others = []
        for message_id in self._variants.get(intent, ()):
            version, only = self._live(message_id, now), self._only.get(message_id)
            if version is None or message_id == without or not version.fits(phase):
                continue
            if (only is None or not hazards.isdisjoint(only)) and self._render(version, Situation("en", "sms", now), {}):
                others.append(version)
        return tuple(zone for zone in zones if not any(not one.zones or zone in one.zones for one in others))

    def _fits(self, version: Published) -> bool:
        only = self._only.get(version.message_id)
        if only is None:
            return version.fits(self.phase)
        # What is about one hazard follows the incident of that hazard, also when a greater one is going on beside it.
        return any(incident.hazard in only and version.fits(incident.phase) for incident in self._incidents)

    def topic_of(self, message_id: str) -> str | None:
        """The topic that a message answers."""
        versions = self._versions.get(message_id)
        return versions[0].intent if versions else None

    def can_answer(self, intent: str, now: datetime) -> bool:
        """True when a topic has a message in its window."""
        return any(self._live(message_id, now) for message_id in self._variants.get(intent, ()))

    def message_ids(self, now: datetime) -> tuple[str, ...]:
        """The messages that have a version in its window."""
        return tuple(message_id for message_id in self._versions if self._live(message_id, now))

    def quoting(self, placeholder: str, now: datetime) -> tuple[tuple[str, str | None], ...]:
        """The messages in their window that quote a value, each with its topic, in the order in which they are tried."""
        mark = f"{{{placeholder}}}"
        live = (version for message_id in self._versions if (version := self._live(message_id, now)) is not None)
        found = [one for one in live if any(mark in text for texts in one.texts.values() for text in texts.values())]
        return tuple(
            (one.message_id, one.intent) for one in sorted(found, key=lambda one: (one.intent or "", one.position, one.message_id))
        )

    def say(self, message_id: str, situation: Situation, values: Mapping[str, str | int]) -> Said:
        """One card or system text. Raises `NotFound` when there is no such message."""
        if values:
            return self._say(message_id, situation, values)
        key = self._key(message_id, situation)
        said = self._said.get(key)
        return said[0] if said is not None else self._keep(key, (self._say(message_id, situation, {}),))[0]

    def _say(self, message_id: str, situation: Situation, values: Mapping[str, str | int]) -> Said:
        if message_id not in self._versions and message_id not in self._floor:
            raise NotFound(f"There is no message {message_id}.")
        version = self._live(message_id, situation.now)
        said = self._render(version, situation, values) if version is not None else None
        if said is not None:
            return said
        if message_id.startswith("card.") or message_id == "safety_line":
            return self._card(message_id, situation)
        return self._holding(situation)

    def _card(self, message_id: str, situation: Situation) -> Said:
        # The 911 line is owed whatever the lifecycle says: the general card stands in, and the shipped wording below it.
        for identity in dict.fromkeys((EMERGENCY, message_id)):
            version = self._live(identity, situation.now)
            said = self._render(version, situation, {}) if version is not None else None
            if said is not None:
                return replace(said, missing=True)
        return replace(self._shipped(EMERGENCY, situation), missing=True)

    def _holding(self, situation: Situation) -> Said:
        version = self._live(HOLDING, situation.now)
        said = self._render(version, situation, {}) if version is not None else None
        return replace(said if said is not None else self._shipped(HOLDING, situation), missing=True)

    def _shipped(self, message_id: str, situation: Situation) -> Said:
        said = self._render(self._floor[message_id], situation, {})
        if said is None:
            raise NotFound(f"{message_id} as shipped quotes a value that is not there.")
        return said

    def preview(self, texts: Texts, situation: Situation, values: Mapping[str, str | int]) -> Said | None:
        """A wording that is not published yet, rendered as it would be; nothing when a value it quotes is missing."""
        return self._render(Published("preview", 0, None, texts), situation, values)

    def unfilled(self, texts: Texts, situation: Situation, values: Mapping[str, str | int]) -> tuple[str, ...]:
        """The placeholders of a wording that nothing fills now."""
        template = compile_template(_text_for(texts, situation.language, situation.channel).strip())
        names = [name for name in dict.fromkeys(template.names) if name != ASOF and name not in values]
        return tuple(name for name in names if self._value(name, situation) is None)

    def _live(self, message_id: str, now: datetime) -> Published | None:
        for version in self._versions.get(message_id, ()):
            if now >= version.valid_from:
                # The newest version that has begun is the only one; an older one does not come back when it ends.
                return version if version.live(now) else None
        return None

    def _key(self, name: str, situation: Situation) -> _Key:
        zip_code, zone = self._place(situation.place)
        moment = bisect_right(self._moments, situation.now)
        day = situation.now.astimezone(self._zone).date()
        return (name, situation.language, situation.channel, zip_code, zone, moment, day)

    def _keep(self, key: _Key, said: tuple[Said, ...]) -> tuple[Said, ...]:
        if len(self._said) >= _CACHE:
            self._said = {}
        self._said[key] = said
        return said

    def _place(self, place: str | None) -> tuple[str | None, str | None]:
        if not place:
            return None, None
        zone = self._places.zone_of(place)
        return self._places.zip_of(place), zone.name if zone else None

    def _render(self, version: Published, situation: Situation, runtime: Mapping[str, str | int]) -> Said | None:
        language = situation.language if situation.language in version.texts else FALLBACK_LANGUAGE
        if not version.texts.get(language):
            return None
        template = compile_template(_text_for(version.texts, language, situation.channel).strip())
        spoken = situation if language == situation.language else replace(situation, language=language)
        values = self._values(template, spoken, runtime)
        return None if values is None else self._dress(version, template, values, spoken)

    def _values(self, template: Template, situation: Situation, runtime: Mapping[str, str | int]) -> dict[str, Value] | None:
        values: dict[str, Value] = {}
        for name in template.names:
            if name == ASOF or name in values:
                continue
            value = Value(text=str(runtime[name])) if name in runtime else self._value(name, situation)
            if value is None:
                return None
            values[name] = value
        if ASOF in template.names and all(value.as_of is None for value in values.values()):
            return None
        return values

    def _value(self, name: str, situation: Situation) -> Value | None:
        language, now = situation.language, situation.now
        if name in LISTS:
            zip_code, zone = self._place(situation.place)
            return self.facts.listed(name, language=language, now=now, zip_code=zip_code, zone=zone)
        if name.startswith("status_"):
            return self.facts.status(name, language=language, now=now)
        return city_value(self._city.get(name), language)

    def _dress(self, version: Published, template: Template, values: Mapping[str, Value], situation: Situation) -> Said:
        channel, language = situation.channel, situation.language
        limit, html = _LIMITS[channel], None
        while True:
            filled = fill(
                template,
                values,
                channel=channel,
                language=language,
                now=situation.now,
                zone=self._zone,
                limit=limit,
                map_url=self._map_url,
            )
            if channel == "web":
                text, html = render_web(filled.text, hosts=self.hosts)
                pieces: tuple[str, ...] = (text,)
                break
            pieces = self._pieces(filled.text, channel, language)
            # A list that would be torn apart is told with fewer places, the others on request.
            if limit == 1 or all(self._pieces(line, channel, language)[0].rstrip(".") in pieces[0] for line in filled.listed):
                break
            limit -= 1
        rest = self._rest(filled.rest[:_MORE], channel, language) if filled.rest else ()
        more = (*pieces[1:], *rest)
        return Said(version.message_id, version.version, language, channel, pieces[0], html, filled.as_of, more)

    def _rest(self, lines: Sequence[str], channel: str, language: str) -> tuple[str, ...]:
        if channel == "web":
            return ("\n".join(f"- {line}" for line in lines),)
        if channel != "voice":
            return self._pieces("\n".join(lines), channel, language)
        # Line by line, since each is remembered by itself and stands in many answers.
        said = [one if one.endswith((".", "!", "?")) else f"{one}." for one in (speak(line, language) for line in lines)]
        return cut(" ".join(said), lambda piece: words(piece) <= MAX_WORDS)

    def _pieces(self, text: str, channel: str, language: str) -> tuple[str, ...]:
        return render_voice(text, language) if channel == "voice" else render_sms(text, fold_accents=self._fold)


def _text_for(texts: Texts, language: str, channel: str) -> str:
    own = texts.get(language) or texts.get(FALLBACK_LANGUAGE) or {}
    return next((own[name] for name in (channel, *CHANNELS) if own.get(name)), "")


def _order(message: Published) -> tuple[int, float, str]:
    """The order in which the messages of a topic are tried; of filled templates the newest comes first."""
    return message.position, -message.valid_from.timestamp(), message.message_id


def city_value(value: Any, language: str) -> Value | None:
    """A city value as it fills a placeholder; nothing when it is not there."""
    if isinstance(value, Mapping):
        value = value.get(language) or value.get(FALLBACK_LANGUAGE)
    if value is None or value == "" or isinstance(value, bool | list | Mapping):
        return None
    text = str(value)
    return Value(text=text, page=text if text.startswith("https://") else None)


def _hosts(city: Mapping[str, Any]) -> tuple[str, ...]:
    own = [urlsplit(value).hostname or "" for value in city.values() if isinstance(value, str) and value.startswith("https://")]
    listed = city.get("link_hosts") or ()
    return tuple(dict.fromkeys(name.casefold() for name in (*listed, *own) if name))
