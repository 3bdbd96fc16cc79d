from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from knowledge import lifecycle
from knowledge.cap import parse_cap
from knowledge.cap_import import CapImport, import_cap
from knowledge.cap_texts import suggest, texts_of
from knowledge.incident_packs import read_incident_packs
from knowledge.library import PACKS, Library, Zone
from knowledge.lifecycle import State
from knowledge.models import IncidentRow, MessageVersion
from knowledge.safe_xml import read_xml
from server.audit.models import AuditRow
from server.database.engine import Sessions
from server.errors import BadInput, SpillwayError, TooLarge
from tests.knowledge.conftest import NOW

FILES = Path(__file__).parent / "cap"
ALERT = (FILES / "alert.xml").read_text("utf-8")
PREPARED = read_incident_packs(PACKS / "core")
ZONES = (Zone("A", ("00401",)), Zone("B", ("00402",)), Zone("C", ("00403",)))


@pytest.fixture(autouse=True)
def at_now() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


def content(name: str) -> bytes:
    return (FILES / f"{name}.xml").read_bytes()


def changed(*swaps: tuple[str, str]) -> bytes:
    text = ALERT
    for old, new in swaps:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


Take = Callable[[bytes], CapImport]


@pytest.fixture
def take(sessions: Sessions) -> Take:
    def taken(raw: bytes) -> CapImport:
        with sessions.begin() as session:
            return import_cap(session, content=raw, packs=PREPARED, zones=ZONES, actor="ana", now=NOW)

    return taken


def states(sessions: Sessions) -> dict[str, str]:
    with sessions() as session:
        return {one.reference: one.state for one in session.scalars(select(MessageVersion))}


def codes(made: CapImport) -> set[str]:
    return {note.code for note in made.notes}


def test_an_alert_becomes_a_draft_and_a_suggestion(take: Take, sessions: Sessions) -> None:
    made = take(content("alert"))
    assert len(made.drafts) == 1
    assert codes(made) == {"no_spanish"}
    found = made.incident
    assert found is not None
    assert (found.name, found.pack, found.hazard, found.phase, found.level, found.zones) == (
        "Hurricane Warning", "hurricane", "hurricane", "during", "full", ("A", "B"),
    )  # fmt: skip
    with sessions() as session:
        version = session.scalars(select(MessageVersion)).one()
        assert session.scalars(select(IncidentRow)).all() == []
        library = Library.read(session)
        act = session.scalars(select(AuditRow).where(AuditRow.action == "cap.imported")).one()
    assert library.message_ids == ()
    assert (version.state, version.author, version.intent) == ("draft", "ana", None)
    assert version.source == "CAP warn@weather.example,HC-2026-0914-01,2026-09-14T15:30:00-04:00"
    assert act.detail["drafts"] == list(made.drafts)
    texts = version.texts["en"]
    assert texts["sms"] == (
        "Weather Office Harbor: Hurricane Warning for the bay until 6 AM Tuesday. Leave zones A and B now. If you are trapped, call 911."
    )
    assert texts["web"].startswith("**Hurricane Warning for the bay until 6 AM Tuesday**\n\nLeave zones")
    assert "\\* WHERE... The bay." in texts["web"]


def test_the_same_alert_again_changes_nothing(take: Take, sessions: Sessions) -> None:
    take(content("alert"))
    again = take(content("alert"))
    assert (again.drafts, codes(again)) == ((), {"already_imported"})
    assert len(states(sessions)) == 1


def test_an_update_is_the_next_version_and_takes_back_the_waiting_draft(take: Take, sessions: Sessions) -> None:
    first = take(content("alert")).drafts[0]
    made = take(content("update"))
    assert made.drafts == (first.replace("@1", "@2"),)
    assert made.withdrawn == (first,)
    assert codes(made) == {"no_expiry", "no_spanish"}
    assert states(sessions) == {first: "withdrawn", made.drafts[0]: "draft"}
    assert made.incident is not None
    assert (made.incident.phase, made.incident.level, made.incident.zones) == ("before", "partial", ())


def publish(sessions: Sessions, reference: str) -> None:
    with sessions.begin() as session:
        one = next(row for row in session.scalars(select(MessageVersion)) if row.reference == reference)
        lifecycle.transition(
            session, version_id=one.id, to=State.PUBLISHED, actor="bo", urgent=True, reason="r", expires_at=NOW + timedelta(hours=5)
        )


def test_what_is_published_is_only_named(take: Take, sessions: Sessions) -> None:
    first = take(content("alert")).drafts[0]
    publish(sessions, first)
    made = take(content("update"))
    assert (made.withdrawn, made.still_published) == ((), (first,))
    second = made.drafts[0]
    cancelled = take(content("cancel"))
    assert (cancelled.drafts, cancelled.withdrawn, cancelled.still_published) == ((), (second,), (first,))
    assert cancelled.incident is None
    assert states(sessions) == {first: "published", second: "withdrawn"}


def test_an_update_of_what_was_never_seen_stands_alone(take: Take) -> None:
    made = take(content("update"))
    assert (len(made.drafts), "unknown_reference" in codes(made)) == (1, True)
    without = content("update").replace(b"<references>", b"<note>").replace(b"</references>", b"</note>").replace(b"-02<", b"-99<")
    assert "no_references" in codes(take(without))


def test_two_languages_are_one_draft(take: Take, sessions: Sessions) -> None:
    made = take(content("two_languages"))
    assert (len(made.drafts), made.notes) == (1, ())
    with sessions() as session:
        texts = session.scalars(select(MessageVersion.texts)).one()
    assert texts["en"]["sms"] == "Boil your water in zone B. Boil it for one minute before you drink it."
    assert texts["es"]["sms"] == "Hierva el agua en la zona B. Hiérvala un minuto antes de tomarla."
    assert made.incident is not None
    assert (made.incident.pack, made.incident.zones) == ("water_emergency", ())


def info(language: str, *, area: str = "1", headline: str = "Go in") -> str:
    code = f"<area><areaDesc>x</areaDesc><geocode><valueName>SAME</valueName><value>{area}</value></geocode></area>"
    return f"<info><language>{language}</language><event>Flood Warning</event><headline>{headline}</headline>{code}</info>"


def with_infos(*infos: str) -> bytes:
    head, _, rest = ALERT.partition("<info>")
    return (head + "".join(infos) + rest.rpartition("</info>")[2]).encode()


@pytest.mark.parametrize(
    ("infos", "drafts", "expected"),
    [
        ((), 0, {"no_info"}),
        ((info("en-US"), info("en-US", area="2")), 2, {"no_expiry", "no_spanish"}),
        ((info("en-US"), info("en-US", area="2"), info("es-US", area="2")), 2, {"no_expiry", "no_spanish"}),
        ((info("en-US"), info("en-US", area="2"), info("es-US", area="3")), 2, {"no_expiry", "no_spanish", "other_language"}),
        ((info("es-MX"),), 0, {"other_language", "no_english"}),
        ((info("en-US", headline="").replace("<event>Flood Warning</event>", "").replace("x</areaDesc>", "</areaDesc>"),), 0, {"no_text", "unknown_event"}),
        ((info("en-US").replace("Flood Warning", "Locusts"),), 1, {"no_expiry", "no_spanish", "unknown_event"}),
    ],
)  # fmt: skip
def test_info_blocks_in_all_shapes(take: Take, infos: tuple[str, ...], drafts: int, expected: set[str]) -> None:
    made = take(with_infos(*infos))
    assert (len(made.drafts), codes(made)) == (drafts, expected)


def test_each_language_goes_to_its_own_area(take: Take, sessions: Sessions) -> None:
    take(
        with_infos(info("en-US", headline="One"), info("en-US", area="2", headline="Two"), info("es-US", area="2", headline="Dos"))
    )
    with sessions() as session:
        texts = session.scalars(select(MessageVersion.texts).order_by(MessageVersion.id)).all()
    assert [{language: one["sms"] for language, one in each.items()} for each in texts] == [
        {"en": "One."},
        {"en": "Two.", "es": "Dos."},
    ]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<status>Actual", "<status>Test", "not_actual"),
        ("<status>Actual", "<status>Exercise", "not_actual"),
        ("<scope>Public", "<scope>Restricted", "not_public"),
        ("<msgType>Alert", "<msgType>Ack", "nothing_to_do"),
        ("2026-09-15T06:00", "2026-09-14T06:00", "over"),
        ("<expires>2026-09-15T06:00:00-04:00</expires>", "", "no_expiry"),
        ("<expires>2026-09-15T06:00:00-04:00</expires>", "<expires>tomorrow</expires>", "no_expiry"),
        ("<expires>2026-09-15T06:00:00-04:00</expires>", "<expires>2026-09-15T06:00:00</expires>", "no_expiry"),
    ],
)
def test_what_a_person_must_know(take: Take, sessions: Sessions, old: str, new: str, code: str) -> None:
    made = take(changed((old, new)))
    assert code in codes(made)
    assert (made.incident is None) == (code != "no_expiry")
    assert set(states(sessions).values()) == ({"draft"} if code == "no_expiry" else set())


@pytest.mark.parametrize("name", ["identifier", "sender", "sent", "status", "msgType", "scope"])
def test_a_missing_field_is_named(take: Take, sessions: Sessions, name: str) -> None:
    with pytest.raises(BadInput, match=f"lacks {name}"):
        take(changed((f"<{name}>", f"<!--<{name}>"), (f"</{name}>", f"</{name}>-->")))
    assert states(sessions) == {}


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><alert>&b;</alert>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><alert>&a;</alert>'


@pytest.mark.parametrize(
    ("raw", "error", "hint"),
    [
        (b"", BadInput, "well-formed"),
        (b"not xml", BadInput, "line 1"),
        (ALERT[:400].encode(), BadInput, "well-formed"),
        (ALERT.encode("utf-16"), BadInput, "well-formed"),
        (ALERT.replace("UTF-8", "klingon").encode(), BadInput, "well-formed"),
        (b"<alert>\xff</alert>", BadInput, "well-formed"),
        (b"<alert>&unknown;</alert>", BadInput, "well-formed"),
        (BOMB.encode(), BadInput, "entities"),
        (OUTSIDE.encode(), BadInput, "entities"),
        (b'<!DOCTYPE alert SYSTEM "http://evil.example/x.dtd"><alert/>', BadInput, "entities"),
        (b"<alert/>", BadInput, "no namespace"),
        (ALERT.replace("cap:1.2", "cap:1.1").encode(), BadInput, "CAP 1.2"),
        (b'<feed xmlns="http://www.w3.org/2005/Atom"/>', BadInput, "one alert"),
        (ALERT.replace("<msgType>Alert", "<msgType>Shout").encode(), BadInput, "msgType"),
        (b"<a>" * 40 + b"</a>" * 40, TooLarge, "elements"),
        (b"<a>" + b"<b/>" * 50_001 + b"</a>", TooLarge, "elements"),
        (b"<a>" + b" " * 5_000_001 + b"</a>", TooLarge, "5 MB"),
    ],
)
def test_bad_files_are_refused(take: Take, sessions: Sessions, raw: bytes, error: type[Exception], hint: str) -> None:
    with pytest.raises(error, match=hint):
        take(raw)
    assert states(sessions) == {}


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    try:
        read_xml(raw)
    except SpillwayError:
        pass


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc")), max_size=600))
def test_words_of_strangers_stay_words(words: str) -> None:
    escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    alert = parse_cap(changed(("Leave zones A and B now.", escaped)))
    texts = texts_of(alert.infos[0])
    assert texts is not None
    assert len(texts["sms"]) <= 300
    assert not {"{", "}"} & set("".join(texts.values()))


@pytest.mark.parametrize(
    ("event", "pack"),
    [
        ("Flash Flood Warning", "flood"), ("Tornado Warning", "tornado"), ("Red Flag Warning", "wildfire"),
        ("Winter Storm Watch", "winter_storm"), ("Wind Chill Warning", "winter_storm"), ("Excessive Heat Warning", "extreme_heat"),
        ("Earthquake Warning", "earthquake"), ("Hazardous Materials Warning", "hazmat"), ("Storm Surge Watch", "hurricane"),
        ("Air Quality Alert", "wildfire"), ("911 Telephone Outage Emergency", "power_outage"), ("Civil Danger Warning", "sudden_incident"),
        ("Shelter In Place Warning", "hazmat"), ("Wheat Report", None), ("", None),
    ],
)  # fmt: skip
def test_events_lead_to_packs(event: str, pack: str | None) -> None:
    alert = parse_cap(changed(("<event>Hurricane Warning</event>", f"<event>{event}</event>")))
    assert suggest(alert.infos[0], packs=PREPARED, zones=ZONES).pack == pack


@pytest.mark.parametrize(
    ("area", "zones"),
    [("Zone C", ("C",)), ("zones A, B and C", ("A", "B", "C")), ("A county", ()), ("Zone Ab", ()), ("everywhere", ())],
)
def test_zones_are_only_those_named(area: str, zones: tuple[str, ...]) -> None:
    alert = parse_cap(changed(("Harbor City, zones A and B", area)))
    assert suggest(alert.infos[0], packs=PREPARED, zones=ZONES).zones == zones


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (changed(("<identifier>", "<identifier>" + "i" * 400)), "identifier of the alert is longer"),
        (
            changed(("<scope>Public</scope>", "<scope>Public</scope><references>" + "a,b,c " * 501 + "</references>")),
            "refers to 501 others",
        ),
        (ALERT.encode("utf-32"), "not well-formed"),
        (ALERT.replace("The bay", "La baía").encode("latin-1"), "not well-formed"),
    ],
)
def test_what_no_alert_holds_is_refused(take: Take, sessions: Sessions, raw: bytes, told: str) -> None:
    with pytest.raises(SpillwayError, match=told):
        take(raw)
    assert states(sessions) == {}


def test_a_book_of_words_becomes_a_draft_that_can_be_read(take: Take, sessions: Sessions) -> None:
    made = take(changed(("<description>", "<description>" + "Stay off the roads. " * 200_000)))
    assert "cut" in codes(made)
    with sessions() as session:
        texts = session.scalars(select(MessageVersion)).one().texts["en"]
    assert all(len(text) <= 4000 for text in texts.values())
    assert texts["web"].endswith(".")


def test_areas_that_make_no_sense_change_nothing(take: Take) -> None:
    odd = "<polygon>1,2 3,4 nowhere 999,999</polygon><circle>1,1 -5</circle><geocode/><geocode><valueName/><value/></geocode>"
    assert len(take(changed(("</areaDesc>", f"</areaDesc>{odd}"))).drafts) == 1
