"""Every shipped topic and system text, in every language, channel and phase: something approved is said, and it is well dressed."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import get_args

import pytest

from knowledge.library import PACKS, Channel, Library, Situation
from knowledge.pack_files import contents_of, read_pack, shipped_floor
from knowledge.rendering.segments import measure
from knowledge.rendering.voice import MAX_WORDS, words

CHANNELS: tuple[Channel, ...] = get_args(Channel)
RUNTIME: dict[str, str | int] = {
    "options": "1. Shelters\n2. Power",
    "position": 3,
    "minutes": 12,
    "since": "September 14",
    "place": "Zone B",
    "reference": "HC-7K3M9QX",
    "number": "555-555-0177",
    "agent": "Ana",
    "reason": "Asked for a person",
    "language": "English",
}


def at_phase(phase: str | None, now: datetime) -> Library:
    contents = contents_of([read_pack(PACKS / name) for name in ("core", "harbor_city")], now=now)
    incidents = tuple(replace(one, phase=phase) for one in contents.incidents) if phase else ()
    return Library(replace(contents, incidents=incidents), floor=shipped_floor())


@pytest.mark.parametrize("phase", ["before", "during", "after", "recovery", None])
def test_every_topic_answers(phase: str | None, now: datetime) -> None:
    library = at_phase(phase, now)
    for intent in library.topics:
        for language in ("en", "es"):
            for channel in CHANNELS:
                said = library.answer(intent, Situation(language, channel, now, "00402"))
                where = (phase, intent, language, channel)
                assert not said.missing, where
                assert said.language == language, where
                assert said.message_id.startswith(f"{intent}."), where
                check_dress(said.text, said.more, channel, where)
                assert bool(said.html) == (channel == "web"), where


def check_dress(text: str, more: tuple[str, ...], channel: str, where: object) -> None:
    assert text, where
    for piece in (text, *more):
        assert not re.search(r"[{}]", piece), where
        assert ".." not in piece.replace("...", ""), where
        assert not re.search(r"\s[.,;]|\(\)|  ", piece), where
    assert "Harbor Care" not in "".join((text, *more)), where
    if channel == "sms":
        assert all(measure(piece).segments <= 3 for piece in (text, *more)), where
        assert measure(text).encoding == "GSM-7", where
    if channel == "voice":
        assert all(words(piece) <= MAX_WORDS for piece in (text, *more)), where
        assert not re.search(r"https?:|\d{3}-\d{4}|[*#\[\]]|\b911\b", text), where


def test_every_system_text_is_said(harbor: Library, now: datetime) -> None:
    ids = [message_id for message_id in harbor.message_ids if message_id.partition(".")[0] not in harbor.topics]
    assert len(ids) > 55
    for message_id in ids:
        for language in ("en", "es"):
            for channel in CHANNELS:
                said = harbor.say(message_id, Situation(language, channel, now), **RUNTIME)
                where = (message_id, language, channel)
                assert (said.missing, said.language, said.more) == (False, language, ()), where
                assert not re.search(r"[{}]", said.text), where
                if channel == "sms" and message_id != "system.language_other":
                    assert measure(said.text).segments <= 2, where


@pytest.mark.parametrize("language", ["en", "es"])
def test_cards_are_one_segment_and_name_911(harbor: Library, now: datetime, language: str) -> None:
    cards = [message_id for message_id in harbor.message_ids if message_id.startswith("card.")] + ["safety_line", "system.help"]
    assert len(cards) == 14
    for card in cards:
        said = harbor.say(card, Situation(language, "sms", now))
        assert (measure(said.text).encoding, measure(said.text).segments) == ("GSM-7", 1), card
        assert "911" in said.text, card
        voice = harbor.say(card, Situation(language, "voice", now))
        assert ("nine one one" if language == "en" else "nueve uno uno") in voice.text, card


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_silent_card_tells_nothing(harbor: Library, now: datetime, language: str) -> None:
    for channel in CHANNELS:
        text = harbor.say("card.silent", Situation(language, channel, now)).text.casefold()
        assert not re.search(r"abus|violen|hurt|danger|police|safe|peligr|polic|golpe|segur", text)


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_greeting_says_911_within_five_seconds(harbor: Library, now: datetime, language: str) -> None:
    text = harbor.say("system.greeting_voice", Situation(language, "voice", now)).text
    head = text.split("nine one one" if language == "en" else "nueve uno uno")[0]
    assert words(head) <= 10
    assert len(harbor.say("system.first_contact", Situation(language, "sms", now)).text) <= 100


def test_no_fact_that_has_run_out_is_said(harbor: Library, now: datetime) -> None:
    later = now + timedelta(days=8)
    for intent in harbor.topics:
        for language in ("en", "es"):
            for channel in CHANNELS:
                said = harbor.answer(intent, Situation(language, channel, later))
                assert not said.missing
                assert said.as_of is None
                assert not re.search(r"Odette|Lincoln High|18,000", said.text)


def test_text_911_is_only_named_where_it_may_be(harbor: Library) -> None:
    assert harbor.city.get("text_to_911") is True


def test_saying_is_fast(harbor: Library, now: datetime) -> None:
    """Not timed against a clock limit: the second time is a look-up, so it renders nothing."""
    first = harbor.answer("shelter_locations", Situation("en", "sms", now))
    assert harbor.answer("shelter_locations", Situation("en", "sms", now + timedelta(seconds=1))) is first
