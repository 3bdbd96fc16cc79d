from __future__ import annotations

import io
import wave
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.flow import Heard, Stage
from ivr.hints import LONGEST, MOST, WORDS, hints, join_hints
from ivr.hold import hold_sound
from ivr.links import TURN, Links, Position
from ivr.twiml import Script, Spoken, spoken
from knowledge.library import PACKS, Library
from server.conversations.turn import Part
from server.identity.keys import Keys
from server.twilio.http import xml_text
from server.twilio.standin.grammar import check

KEYS = Keys.from_secret("k" * 32)


@pytest.fixture(scope="module")
def library() -> Library:
    return Library.from_packs(PACKS, ("core", "harbor_city"))


@pytest.fixture(scope="module")
def script(library: Library) -> Script:
    return Script(Links("https://311.example", KEYS, "CA1"), library)


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("language", ["en", "es", "ht"])
def test_every_stage_listens_within_the_rules(script: Script, stage: Stage, language: str) -> None:
    words = [Spoken("Hello.", language)]
    position = Position(stage, 3, language)
    for document in (
        script.listen(words, position),
        script.listen([], position),
        script.wait(words, position),
        script.hold_on(words, position),
        script.emergency(words, position, psap="+15555550111", caller="+15555550161"),
        script.connect(position, psap="+15555550111", caller=None),
        script.agent(words, position, number="+15555550190", caller=None),
    ):
        root = ElementTree.fromstring(str(document))
        assert check(root) == []
        assert not root.findall(".//Gather[@finishOnKey='#']")


@given(st.text(max_size=7000))
def test_any_text_is_said_whole_and_in_pieces_that_twilio_takes(text: str) -> None:
    document = SCRIPT.listen([Spoken(text, "en")], Position())
    said = [element.text or "" for element in ElementTree.fromstring(str(document)).iter("Say")]
    assert all(len(piece) <= 3000 for piece in said)
    heard = "".join(said).replace(" ", "")
    assert heard == "".join(xml_text(text).split()) or "\u00a0" in text or not heard.isprintable()


SCRIPT = Script(Links("", KEYS, "CA1"), Library.from_packs())


def test_a_bilingual_text_is_said_in_both_voices(library: Library) -> None:
    part = Part(
        "system.static",
        1,
        "en",
        "If this is an emergency, dial nine one one. Si es una emergencia, marque nueve uno uno. Call again.",
    )
    assert [(item.language, item.text) for item in spoken([part])] == [
        ("en", "If this is an emergency, dial nine one one."),
        ("es", "Si es una emergencia, marque nueve uno uno."),
        ("en", "Call again."),
    ]


def test_links_are_read_as_they_were_written() -> None:
    links = Links("https://311.example", KEYS, "CA1")
    position = Position(Stage.WAITING, 7, "es", 2)
    url = links.to(TURN, position)
    query = dict(pair.split("=") for pair in url.partition("?")[2].split("&"))
    assert links.read(query, {}) == position
    assert Links("", KEYS, "CA2").read(query, {}).stage is Stage.OPEN
    assert links.read({**query, "s": "card.1.en.0"}, {}).stage is Stage.OPEN
    assert links.read({"s": "x.y", "k": KEYS.sign("voice:CA1:x.y")}, {}).stage is Stage.OPEN


def test_a_lost_position_is_the_same_for_the_same_request_and_another_for_another() -> None:
    links = Links("", KEYS, "CA1")
    one, same, other = (links.read({}, {"SpeechResult": words}).step for words in ("fire", "fire", "shelter"))
    assert one == same != other


@pytest.mark.parametrize("language", ["en", "es"])
def test_hints(library: Library, language: str) -> None:
    entries = hints(library, language).split(", ")
    assert entries[: len(WORDS[language])] == list(WORDS[language])
    assert len(entries) <= MOST
    assert set(library.gazetteer.shelters) & set(entries)


@given(st.lists(st.text(max_size=150), max_size=700))
def test_hints_always_fit(candidates: list[str]) -> None:
    joined = join_hints(candidates)
    entries = joined.split(", ") if joined else []
    assert len(entries) <= MOST
    assert all(0 < len(entry) <= LONGEST for entry in entries)
    assert len(joined) <= 12_000


def test_the_hold_sound_is_a_telephone_wav() -> None:
    with wave.open(io.BytesIO(hold_sound())) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getnframes()) == (1, 8000, 96_000)


def test_silence_is_no_input() -> None:
    assert Heard().silent
    assert not Heard("1").silent
