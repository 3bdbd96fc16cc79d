"""Messages for some zones only: who hears them, who does not, and what a filled template becomes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from knowledge import editing, lifecycle
from knowledge.facts import ZONE
from knowledge.library import PACKS, Library
from knowledge.lifecycle import State, Wording
from knowledge.models import FactRow, MessageVersion
from knowledge.pack_files import read_pack, shipped_floor
from knowledge.plan import PlanTemplate
from knowledge.plan_fill import draft_filled
from knowledge.records import ALWAYS, NEVER, Contents, Fact, Incident, Published, Situation
from knowledge.topics import Topic
from server import clock
from server.database.engine import Sessions
from server.errors import BadInput, Forbidden

NOW = datetime(2026, 9, 14, 19, 40, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZONES = tuple(
    Fact(ZONE, name, {"name": name.upper(), "zips": zips}, ALWAYS, NEVER)
    for name, zips in (("a", ("00401",)), ("b", ("00402",)), ("d", ("00405",)))
)


def message(name: str, *, zones: tuple[str, ...] = (), position: int = 0, begins: datetime = ALWAYS) -> Published:
    texts = {"en": dict.fromkeys(("sms", "web", "voice"), name)}
    return Published(name, 1, "leave", texts, position=position, zones=zones, valid_from=begins)


MESSAGES = (
    message("leave.all"),
    message("plan.order-1", zones=("A", "B"), position=-1, begins=NOW - 2 * HOUR),
    message("plan.order-2", zones=("B",), position=-1, begins=NOW - HOUR),
)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("00401", ["plan.order-1"]),
        ("zone A", ["plan.order-1"]),
        ("00402", ["plan.order-2", "plan.order-1"]),
        ("00405", ["leave.all"]),
        (None, ["plan.order-2", "plan.order-1"]),
        ("Atlantis", ["plan.order-2", "plan.order-1"]),
    ],
)
def test_who_hears_what_is_for_some_zones(place: str | None, said: list[str]) -> None:
    library = Library(Contents(1, (), MESSAGES, ZONES), floor=shipped_floor())
    around = Situation("en", "sms", NOW, place)
    assert [one.message_id for one in library.answers("leave", around)] == said
    assert library.answer("leave", around).message_id == said[0]
    assert library.depends_on_zone("leave", NOW)


def test_an_expired_order_for_a_zone_is_not_said() -> None:
    library = Library(Contents(1, (), (MESSAGES[0], replace(MESSAGES[1], expires_at=NOW)), ZONES), floor=shipped_floor())
    assert library.answer("leave", Situation("en", "sms", NOW, "00401")).message_id == "leave.all"
    assert not library.depends_on_zone("leave", NOW)


def test_a_message_about_one_hazard_follows_the_incident_of_that_hazard() -> None:
    topic = Topic.from_data({**read_pack(PACKS / "core").topics[0].data(), "intent": "leave", "only": {"water": ["water"]}})
    texts = {"en": {"sms": "Boil it."}}
    versions = (Published("leave.water", 1, "leave", texts, ("during",)), message("leave.all", position=1))
    storm = Incident("Odette", "hurricane", "before", "full", (), NOW)
    main = Incident("Main break", "water", "during", "monitor", (), NOW)

    def said(*incidents: Incident) -> str:
        library = Library(Contents(1, (topic,), versions, incidents=incidents), floor=shipped_floor())
        return library.answer("leave", Situation("en", "sms", NOW)).message_id

    assert said(storm, main) == "leave.water"
    assert said(storm) == "leave.all"


def wording(zones: tuple[str, ...], text: str) -> Wording:
    texts = {"en": dict.fromkeys(("sms", "web", "voice"), text)}
    return Wording("leave.x", texts, "police", "test", "leave", zones=zones)


def test_words_for_a_zone_must_name_it(sessions: Sessions) -> None:
    with sessions.begin() as session:
        whole = lifecycle.draft(session, wording=wording(("A", "B"), "Zones A and B: leave now."), author="a")
        lifecycle.transition(session, version_id=whole.id, to=State.IN_REVIEW, actor="a")
        half = lifecycle.draft(session, wording=wording(("A", "B"), "Zone A: leave now."), author="a")
        with pytest.raises(BadInput, match="zone B"):
            lifecycle.transition(session, version_id=half.id, to=State.IN_REVIEW, actor="a")
        assert editing.wording_of(whole).zones == ("A", "B")


ORDER = {"area": {"en": "Zones A and B", "es": "Zonas A y B"}}


def test_a_filled_template_goes_the_way_of_every_message(sessions: Sessions) -> None:
    template = next(one for one in read_pack(PACKS / "core").plan if one.name == "evac_order")
    values = {}
    for field in template.fields:
        given = {"time": "2026-09-14T18:00", "date": "2026-09-14", "number": "3", "phone": "555-555-0100", "name": "Route 9"}
        values[field.name] = ORDER.get(field.name, {"en": "A B", "es": "A B"}) if field.type == "text" else given[field.type]
    with sessions.begin() as session:
        _zone(session, "A")
        _zone(session, "B")
        with pytest.raises(BadInput, match="no zone Q"):
            _draft(session, template, values, ("A", "Q"))
        draft = _draft(session, template, values, ("A", "B"))
        assert (draft.state, draft.version, draft.zones, draft.intent) == ("draft", 1, ["A", "B"], template.topic)
        lifecycle.transition(session, version_id=draft.id, to=State.IN_REVIEW, actor="pio")
        with pytest.raises(Forbidden):
            lifecycle.transition(session, version_id=draft.id, to=State.APPROVED, actor="pio")
        lifecycle.transition(session, version_id=draft.id, to=State.APPROVED, actor="chief")
        lifecycle.transition(session, version_id=draft.id, to=State.PUBLISHED, actor="chief", expires_at=clock.now() + HOUR)
        assert (draft.approver, draft.state) == ("chief", "published")
        library = Library.read(session)
        said = library.answers(template.topic or "", Situation("en", "sms", clock.now()))
        assert [one.message_id for one in said] in ([draft.message_id], ["system.holding"])
        follow_up = _draft(session, template, values, ("A", "B"), replaces=draft.message_id)
        assert (follow_up.version, follow_up.state) == (2, "draft")


def _zone(session: Session, name: str) -> None:
    now = clock.now()
    session.add(
        FactRow(
            type=ZONE, key=name.lower(), data={"name": name}, source="t", owner="police", visibility="public", position=0,
            as_of=now, expires_at=now + HOUR, updated_by="t", updated_at=now,
        )
    )  # fmt: skip
    session.flush()


def _draft(
    session: Session, template: PlanTemplate, values: dict[str, Any], zones: tuple[str, ...], replaces: str | None = None
) -> MessageVersion:
    return draft_filled(
        session,
        template=template,
        values=values,
        zone=ZoneInfo("America/New_York"),
        author="pio",
        source="Mayor's order 3",
        intent=template.topic,
        replaces=replaces,
        zones=zones,
    )
