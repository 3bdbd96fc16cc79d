"""What the library says, from contents made by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from knowledge.library import Library
from knowledge.pack_files import shipped_floor
from knowledge.records import ALWAYS, NEVER, Channel, Contents, Fact, Incident, Published, Situation
from server.errors import NotFound

NOW = datetime(2026, 9, 14, 19, 40, tzinfo=UTC)
HOUR = timedelta(hours=1)


def message(message_id: str, text: str, *, version: int = 1, intent: str | None = "x", position: int = 0, **kw: Any) -> Published:
    texts = {"en": dict.fromkeys(("sms", "web", "voice"), text)}
    return Published(message_id, version, intent, kw.pop("texts", texts), position=position, **kw)


def shelter(
    name: str, *, expires: datetime = NOW + HOUR, as_of: datetime = NOW - HOUR, public: bool = True, key: str = "", **data: Any
) -> Fact:
    return Fact("shelter", key or name.lower(), {"name": name, **data}, as_of, expires, public=public)


def library(
    *messages: Published, facts: tuple[Fact, ...] = (), city: dict[str, Any] | None = None, incidents: tuple[Incident, ...] = ()
) -> Library:
    holding = message("system.holding", "Not confirmed.", intent=None)
    city = {"time_zone": "America/New_York", **(city or {})}
    return Library(Contents(1, (), (*messages, holding), facts, city, incidents), floor=shipped_floor())


def at(now: datetime = NOW, *, channel: Channel = "sms", language: str = "en", place: str | None = None) -> Situation:
    return Situation(language, channel, now, place)


LIST = message("x.list", "Open {asof}: {shelters}.", position=0)
GENERAL = message("x.general", "Nothing confirmed.", position=1)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ((), "Nothing confirmed."),
        ((shelter("Oak"),), "Open as of 2:40 pm: Oak."),
        ((shelter("Oak", expires=NOW),), "Nothing confirmed."),
        ((shelter("Oak", public=False),), "Nothing confirmed."),
        ((shelter("Oak", status="full"),), "Nothing confirmed."),
        ((shelter("Oak", status="closed"), shelter("Elm")), "Open as of 2:40 pm: Elm."),
        ((shelter("Oak", public=False), shelter("Elm")), "Open as of 2:40 pm: Elm."),
        ((shelter("Oak"), shelter("Elm", as_of=NOW - 2 * HOUR)), "Open as of 1:40 pm: Elm; Oak."),
    ],
)
def test_facts_decide_the_variant(facts: tuple[Fact, ...], said: str) -> None:
    assert library(LIST, GENERAL, facts=facts).answer("x", at()).text == said


@pytest.mark.parametrize(
    ("versions", "said", "missing"),
    [
        ((message("x.a", "one"),), "one", False),
        ((message("x.a", "one"), message("x.a", "two", version=2)), "two", False),
        ((message("x.a", "one", expires_at=NOW),), "Not confirmed.", True),
        ((message("x.a", "one", valid_from=NOW + HOUR),), "Not confirmed.", True),
        ((message("x.a", "one"), message("x.a", "two", version=2, valid_from=NOW + HOUR)), "one", False),
        ((message("x.a", "one"), message("x.a", "two", version=2, expires_at=NOW - HOUR)), "Not confirmed.", True),
        ((message("x.a", "{unknown_value}"),), "Not confirmed.", True),
        ((message("x.a", "one", phases=("after",)), message("x.b", "two", position=1)), "two", False),
        ((message("x.a", "one", phases=("before",)), message("x.b", "two", position=1)), "one", False),
        ((message("x.b", "two", position=1), message("x.a", "one", version=2, position=0)), "one", False),
        ((), "Not confirmed.", True),
    ],
)
def test_windows_versions_and_phases(versions: tuple[Published, ...], said: str, missing: bool) -> None:
    got = library(*versions).answer("x", at())
    assert (got.text, got.missing) == (said, missing)


def test_the_same_snapshot_follows_the_clock() -> None:
    lib = library(message("x.a", "one", expires_at=NOW + HOUR), LIST, GENERAL, facts=(shelter("Oak", expires=NOW + 2 * HOUR),))
    said = [lib.answer("x", at(NOW + minutes * timedelta(minutes=1))).text for minutes in (59, 60, 119, 120, 59)]
    assert said == ["one", "Open as of 2:40 pm: Oak.", "Open as of 2:40 pm: Oak.", "Nothing confirmed.", "one"]


def test_a_language_that_is_missing_falls_back_and_says_so() -> None:
    said = library(GENERAL).answer("x", at(language="es"))
    assert (said.language, said.text) == ("en", "Nothing confirmed.")


@pytest.mark.parametrize("missing", ["sms", "web", "voice"])
def test_a_channel_that_is_missing_speaks_with_another(missing: str) -> None:
    texts = {"en": {channel: "words" for channel in ("sms", "web", "voice") if channel != missing}}
    lib = library(message("x.a", "", texts=texts))
    assert lib.answer("x", at(channel=missing)).text == "words"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("two", "said"),
    [
        (({"status": "open"}, {"status": "full"}), "Nothing confirmed."),
        (({"status": "full"}, {"status": "open"}), "Nothing confirmed."),
        (({"status": "open"}, {"status": "closed"}), "Nothing confirmed."),
        (({"status": "open"}, {"status": "limited"}), "Open as of 2:40 pm: Oak Hall."),
    ],
)
def test_of_two_that_contradict_the_safer_is_said(two: tuple[dict[str, Any], dict[str, Any]], said: str) -> None:
    facts = (shelter("Oak Hall", key="a", **two[0]), shelter("OAK  hall", key="b", **two[1]))
    lib = library(LIST, GENERAL, facts=facts)
    assert lib.answer("x", at()).text.replace("OAK hall", "Oak Hall") == said
    found = lib._speaker.facts.contradictions(NOW)
    assert [(one.type, {one.said, one.unsaid}) for one in found] == [("shelter", {two[0]["status"], two[1]["status"]})]


def test_an_expired_contradiction_is_none() -> None:
    facts = (shelter("Oak", key="a", expires=NOW, status="full"), shelter("Oak", key="b"))
    lib = library(LIST, GENERAL, facts=facts)
    assert lib.answer("x", at()).text == "Open as of 2:40 pm: Oak."
    assert lib._speaker.facts.contradictions(NOW) == ()


def test_the_nearest_come_first() -> None:
    zones = (
        Fact("zone", "a", {"name": "A", "zips": ("00401",)}, ALWAYS, NEVER),
        Fact("zone", "b", {"name": "B", "zips": ("00402", "00403")}, ALWAYS, NEVER),
    )
    facts = (shelter("Far"), shelter("Zone", zone="B", zip="00402"), shelter("Zip", zone="B", zip="00403"))
    lib = library(LIST, GENERAL, facts=(*zones, *facts))
    assert lib.answer("x", at(place="00403")).text.endswith("Zip; Zone; Far.")
    assert lib.answer("x", at(place="zone b")).text.endswith("Zip; Zone; Far.") or lib.answer(
        "x", at(place="zone b")
    ).text.endswith("Zone; Zip; Far.")
    assert lib.answer("x", at(place="nowhere")).text == lib.answer("x", at()).text


@pytest.mark.parametrize(
    ("message_id", "values", "said", "missing"),
    [
        ("system.a", {"place": "Zone B"}, "Near Zone B.", False),
        ("system.a", {"place": "{shelters} {x}"}, "Near (shelters) (x).", False),
        ("system.a", {"place": 3}, "Near 3.", False),
        ("system.a", {}, "Not confirmed.", True),
    ],
)
def test_say_fills_runtime_values(message_id: str, values: dict[str, str | int], said: str, missing: bool) -> None:
    got = library(message("system.a", "Near {place}.", intent=None)).say(message_id, at(), **values)
    assert (got.text, got.missing) == (said, missing)


def test_a_runtime_value_cannot_be_markup() -> None:
    got = library(message("system.a", "Near {place}.", intent=None)).say(
        "system.a", at(channel="web"), place="[x](https://evil.com) <b>**y**"
    )
    assert got.text == "Near [x](https://evil.com) <b>**y**."
    assert "href" not in (got.html or "")
    assert "<b>" not in (got.html or "")


def test_unknown_messages_are_not_found() -> None:
    with pytest.raises(NotFound):
        library().say("system.nothing", at())


@pytest.mark.parametrize("now", [NOW, NOW + 400 * 24 * HOUR])
@pytest.mark.parametrize(
    "messages",
    [
        (),
        (message("card.gas", "Leave.", intent=None, expires_at=NOW),),
        (
            message("card.gas", "Leave.", intent=None, expires_at=NOW),
            message("card.emergency", "Call 911.", intent=None, expires_at=NOW),
        ),
    ],
)
@pytest.mark.parametrize("card", ["card.emergency", "card.gas"])
def test_the_911_line_is_never_missing(messages: tuple[Published, ...], card: str, now: datetime) -> None:
    lib = library(*messages)
    if card == "card.gas" and not messages:
        with pytest.raises(NotFound):
            lib.say(card, at(now))
        return
    said = lib.say(card, at(now))
    assert "911" in said.text
    assert said.missing
    assert said.version == 0


@pytest.mark.parametrize("message_id", ["system.static", "system.holding"])
def test_the_last_texts_are_there_without_a_database(message_id: str) -> None:
    said = Library(Contents(), floor=shipped_floor()).say(message_id, at(channel="voice", language="es"))
    assert "nueve uno uno" in said.text


def test_incidents_give_the_phase() -> None:
    monitor = Incident("Flood", "flood", "before", "monitor", (), NOW)
    full = Incident("Odette", "hurricane", "during", "full", ("A",), NOW - HOUR)
    assert library().phase == "before"
    assert library(incidents=(monitor, full)).phase == "during"
    assert library(incidents=(monitor, full)).incident == full


def test_a_status_line_in_the_language_asked() -> None:
    status = Fact("status", "status_power", {"text": {"en": "Out.", "es": "No hay luz."}}, NOW - HOUR, NOW + HOUR)
    texts = {"en": {"sms": "Power {asof}: {status_power}"}, "es": {"sms": "Luz, {asof}: {status_power}"}}
    lib = library(message("x.a", "", texts=texts), facts=(status,))
    assert lib.answer("x", at()).text == "Power as of 2:40 pm: Out."
    assert lib.answer("x", at(language="es")).text == "Luz, a las 2:40 pm: No hay luz."
    assert lib.answer("x", at(NOW + HOUR)).missing


@pytest.mark.parametrize(
    ("city", "placeholder", "said"),
    [
        ({"a": "x"}, "{a}", "At x"),
        ({"a": {"en": "x", "es": "y"}}, "{a}", "At x"),
        ({"a": 3}, "{a}", "At 3"),
        ({"a": True}, "{a}", "Not confirmed."),
        ({"a": None}, "{a}", "Not confirmed."),
        ({"a": ""}, "{a}", "Not confirmed."),
        ({"a": [1]}, "{a}", "Not confirmed."),
    ],
)
def test_city_values(city: dict[str, Any], placeholder: str, said: str) -> None:
    assert library(message("x.a", f"At {placeholder}"), city=city).answer("x", at()).text == said


def test_preview_shows_a_draft_as_it_would_be_said() -> None:
    lib = library(facts=(shelter("Oak"),))
    said = lib.preview({"en": {"sms": "At {shelters}"}}, at())
    assert said is not None
    assert said.text == "At Oak."
    assert lib.preview({"en": {"sms": "At {clinics}"}}, at()) is None
