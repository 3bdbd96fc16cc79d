from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from knowledge import lifecycle
from knowledge.city import PLACEHOLDERS
from knowledge.library import PACKS, Library, Situation
from knowledge.lifecycle import State
from knowledge.lint import check_packs
from knowledge.models import MessageVersion
from knowledge.packs import load_packs
from knowledge.plan import PlanTemplate, parse_fields, parse_template, read_plan
from knowledge.plan_fill import draft_filled, fill, worst_sms
from knowledge.rendering.placeholders import PLACEHOLDER
from knowledge.rendering.segments import measure
from knowledge.rendering.sms import fold
from server import clock
from server.database.engine import Sessions
from server.errors import BadInput, Conflict

ZONE = ZoneInfo("America/New_York")
FIELDS, TEMPLATES = read_plan(PACKS / "core")
BY_NAME = {template.name: template for template in TEMPLATES}
SIX = datetime(2026, 9, 14, 18, 0, tzinfo=ZONE)
ORDER: dict[str, Any] = {
    "area": {"en": "zones A and B", "es": "zonas A y B"},
    "hazard": {"en": "storm surge", "es": "la marejada"},
    "route": {"en": "Route 9 north", "es": "la Ruta 9 al norte"},
    "shelter": "Lincoln High School",
}


def longest(template: PlanTemplate) -> dict[str, Any]:
    """Values that use every gap of a template to its limit."""
    values: dict[str, Any] = {}
    for field in template.fields:
        word = "M" * field.max
        values[field.name] = {
            "text": {"en": word, "es": word}, "name": word, "number": "9" * min(field.max, 3), "phone": "1-800-555-0100",
            "time": datetime(2026, 9, 30, 12, 45, tzinfo=ZONE), "date": date(2026, 9, 30),
        }[field.type]  # fmt: skip
    return values


def test_all_39_templates_of_the_plan_are_there() -> None:
    assert len(TEMPLATES) == 39
    assert {field.name for template in TEMPLATES for field in template.fields} == set(FIELDS)
    for template in TEMPLATES:
        names = {name for texts in template.texts.values() for text in texts.values() for name in PLACEHOLDER.findall(text)}
        assert names <= {*FIELDS, *PLACEHOLDERS}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.name)
def test_two_text_messages_at_the_worst(template: PlanTemplate) -> None:
    fields = {field.name: field for field in template.fields}
    filled = fill(template, longest(template), zone=ZONE)
    for language in ("en", "es"):
        worst = worst_sms(template.texts[language]["sms"], fields)
        assert (worst.encoding, worst.segments <= 2) == ("GSM-7", True)
        assert worst_sms(filled[language]["sms"], {}).units <= worst.units
        for text in filled[language].values():
            assert set(PLACEHOLDER.findall(text)) <= set(PLACEHOLDERS)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.name)
def test_a_filled_template_is_rendered_like_any_message(template: PlanTemplate, harbor: Library, now: datetime) -> None:
    filled = fill(template, longest(template), zone=ZONE)
    for language in ("en", "es"):
        for channel in ("sms", "web", "voice"):
            said = harbor.preview(filled, Situation(language, channel, now))
            assert said is not None
            assert "{" not in said.text
            if channel == "sms":
                assert measure(said.text).segments <= 2
                assert said.more == ()


def test_times_are_said_with_their_day_in_each_language() -> None:
    values = {"incident": {"en": "smoke", "es": "humo"}, "area": {"en": "Pier 4", "es": "el muelle 4"}}
    filled = fill(BY_NAME["holding_statement"], {**values, "next_time": SIX}, zone=ZONE)
    assert "More by 6 pm Sep 14." in filled["en"]["sms"]
    assert "by 6 pm on September 14" in filled["en"]["voice"]
    assert "antes de las 6 pm del 14 sept" in filled["es"]["sms"]
    one = fill(BY_NAME["holding_statement"], {**values, "next_time": "2026-09-14T13:05"}, zone=ZONE)
    assert "antes de la 1:05 pm del 14 sept" in one["es"]["sms"]
    utc = fill(BY_NAME["holding_statement"], {**values, "next_time": "2026-09-14T22:00:00+00:00"}, zone=ZONE)
    assert utc == filled


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"shelter": None}, "shelter (en): is missing"),
        ({"shelter": "  "}, "shelter (en): is missing"),
        ({"shelter": "x" * 29}, "29 characters long; at most 28"),
        ({"area": "zone A"}, "every language"),
        ({"area": {"en": "zone A"}}, "area (es): is missing"),
        ({"area": {"en": "zone A", "es": "x" * 40}}, "area (es): is 40 characters"),
        ({"colour": "red"}, "colour: is not a field"),
        ({"shelter": "学校"}, "UCS-2"),
        ({"shelter": "School 🚨"}, "UCS-2"),
    ],
)
def test_a_bad_value_is_refused(changes: dict[str, Any], hint: str) -> None:
    values = {name: value for name, value in {**ORDER, **changes}.items() if value is not None}
    with pytest.raises(BadInput) as raised:
        fill(BY_NAME["evac_order"], values, zone=ZONE)
    assert hint in raised.value.safe_text


def test_every_bad_value_is_told_at_once() -> None:
    with pytest.raises(BadInput) as raised:
        fill(BY_NAME["evac_order"], {}, zone=ZONE)
    assert {line.partition(" ")[0] for line in raised.value.safe_text.splitlines()} == {"area", "hazard", "route", "shelter"}


@pytest.mark.parametrize(("name", "value"), [("time", "six"), ("date", "tomorrow"), ("count", "many"), ("count", "-3")])
def test_kinds_are_checked(name: str, value: str) -> None:
    template = next(one for one in TEMPLATES if name in {field.name for field in one.fields})
    with pytest.raises(BadInput, match=f"{name} \\(en\\): is not a"):
        fill(template, {**longest(template), name: value}, zone=ZONE)


def test_a_value_is_words_and_nothing_else() -> None:
    values = {**ORDER, "shelter": "{city} [x](https://evil.example)"[:28]}
    filled = fill(BY_NAME["evac_order"], values, zone=ZONE)
    assert "(city)" in filled["en"]["sms"]
    assert "\\[x\\]" in filled["en"]["web"]


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_is_put_in_two_messages_go_out_or_none(area: str, shelter: str) -> None:
    values = {**ORDER, "area": {"en": area, "es": area}, "shelter": shelter}
    try:
        filled = fill(BY_NAME["evac_order"], values, zone=ZONE)
    except BadInput:
        return
    for texts in filled.values():
        assert worst_sms(texts["sms"], {}).segments <= 2
        assert set(PLACEHOLDER.findall(texts["sms"])) <= set(PLACEHOLDERS)


def load(sessions: Sessions) -> Library:
    with sessions.begin() as session:
        load_packs(session, packs_dir=PACKS, names=("core", "harbor_city"), actor="lee", training=True)
    with sessions() as session:
        return Library.read(session)


def test_templates_are_stored_and_never_said(sessions: Sessions) -> None:
    library = load(sessions)
    assert dict(library.plan) == BY_NAME
    assert not [name for name in library.message_ids if name.startswith("plan.")]
    assert not [name for name in library.city if "." in name or name in ("plan_fields", "owners")]
    with sessions() as session:
        assert not session.scalars(select(MessageVersion).where(MessageVersion.message_id.startswith("plan."))).all()


def test_a_filled_template_goes_the_way_of_every_message(sessions: Sessions) -> None:
    template = load(sessions).plan["evac_order"]
    with sessions.begin() as session:
        one = draft_filled(
            session, template=template, values=ORDER, zone=ZONE, author="ana", source="Order 3", intent=template.topic
        )
        assert (one.state, one.message_id, one.intent) == ("draft", "plan.evac_order-1", "evacuation_order_status")
        for state in (State.IN_REVIEW, State.APPROVED, State.PUBLISHED):
            expires_at = clock.now() + timedelta(hours=6)
            lifecycle.transition(session, version_id=one.id, to=state, actor="bo", expires_at=expires_at)
    now = clock.now()
    with sessions() as session:
        library = Library.read(session)
    said = library.answer("evacuation_order_status", Situation("es", "sms", now))
    assert said.message_id == "plan.evac_order-1"
    assert fold("Harbor City 311: SALGA YA: zonas A y B. La marejada puede matar.") in said.text
    assert "555-555-0136" in said.text
    after = library.answer("evacuation_order_status", Situation("es", "sms", now + timedelta(hours=7)))
    assert after.message_id.startswith("evacuation_order_status.")


def test_each_filling_is_a_message_of_its_own_unless_it_replaces_one(sessions: Sessions) -> None:
    with sessions.begin() as session:
        made = [
            draft_filled(
                session, template=BY_NAME["evac_order"], values=ORDER, zone=ZONE, author="a", source="s", replaces=replaces
            )
            for replaces in (None, None, "plan.evac_order-1")
        ]
        assert [one.reference for one in made] == ["plan.evac_order-1@1", "plan.evac_order-2@1", "plan.evac_order-1@2"]
        with pytest.raises(Conflict):
            draft_filled(
                session, template=BY_NAME["evac_order"], values=ORDER, zone=ZONE, author="a", source="s", replaces="card.gas"
            )


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"phase": "later"}, "phase"),
        ({"cap": {"category": "Sea"}}, "cap.category"),
        ({"texts": {"en": {"sms": "a", "web": "a", "voice": "a"}}}, "lacks es"),
        ({"guidance": {"en": ["a"]}}, "lacks es"),
        ({"texts": {one: {"sms": "{moon}", "web": "a", "voice": "a"} for one in ("en", "es")}}, "{moon}"),
        ({"owner": "Fire Chief"}, "owner"),
        ({"colour": 1}, "docs/packs.md lists"),
    ],
)
def test_a_slip_in_a_template_is_named(changes: dict[str, Any], hint: str) -> None:
    with pytest.raises(BadInput) as raised:
        parse_template({**BY_NAME["road_open"].data(), **changes}, fields=FIELDS, file="road_open.yml")
    assert raised.value.safe_text.startswith("road_open.yml: ")
    assert hint in raised.value.safe_text


@pytest.mark.parametrize(
    "field",
    [
        {"type": "text", "en": "a", "es": "a"},
        {"type": "time", "max": 3, "en": "a", "es": "a"},
        {"type": "text", "max": 3, "en": "a"},
        {"type": "colour", "max": 3, "en": "a", "es": "a"},
    ],
)
def test_a_slip_in_the_fields_is_named(field: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"plan_fields\.yml: x"):
        parse_fields({"x": field}, file="plan_fields.yml")
    with pytest.raises(BadInput, match="value of the city"):
        parse_fields({"water_phone": {"type": "phone", "en": "a", "es": "a"}}, file="plan_fields.yml")


def pack_with(tmp_path: Path, name: str, data: dict[str, Any]) -> Path:
    (tmp_path / "core" / "plan").mkdir(parents=True)
    fields = {one.name: one.data() for one in FIELDS.values()}
    (tmp_path / "core" / "plan_fields.yml").write_text(yaml.safe_dump(fields), "utf-8")
    (tmp_path / "core" / "plan" / f"{name}.yml").write_text(yaml.safe_dump(data), "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("sms", "hint"),
    [
        ("x " * 149 + "{road} {time}", "when every gap is filled"),
        ("Text 555-0199 {road} {time}", "national number"),
        ("Reply STOP. {road} {time}", "carriers"),
    ],
)
def test_lint_measures_the_worst(tmp_path: Path, sms: str, hint: str) -> None:
    data = BY_NAME["road_open"].data()
    data["texts"]["en"]["sms"] = sms
    found = [one for one in check_packs(pack_with(tmp_path, "road_open", data)) if one.file == "plan/road_open.yml"]
    assert [one for one in found if one.level == "error" and hint in one.text]


def test_lint_wants_the_same_gaps_and_points_in_both_languages(tmp_path: Path) -> None:
    data = BY_NAME["road_open"].data()
    data["texts"]["es"] = dict.fromkeys(("sms", "web", "voice"), "Abierta desde {time}.")
    data["guidance"]["es"].append("x")
    texts = [one.text for one in check_packs(pack_with(tmp_path, "road_open", data)) if one.level == "error"]
    assert any("same gaps as English: road" in text for text in texts)
    assert any("same points" in text for text in texts)
    assert any("there is no topic road_closures" in text for text in texts)


def test_the_clock_of_the_city_counts_not_the_servers() -> None:
    late = datetime(2026, 9, 15, 3, 30, tzinfo=UTC)
    filled = fill(BY_NAME["road_open"], {"road": "Bay Street", "time": late}, zone=ZONE)
    assert "since 11:30 pm Sep 14" in filled["en"]["sms"]
