from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from knowledge.incident_packs import open_from_pack, parse_incident_pack, read_incident_packs, to_collect
from knowledge.library import PACKS, Library
from knowledge.lint import check_packs
from knowledge.pack_files import contents_of, read_pack
from knowledge.packs import load_packs
from knowledge.topics import HAZARDS
from server.database.engine import Sessions
from server.errors import BadInput

PREPARED = {pack.name: pack for pack in read_incident_packs(PACKS / "core")}
NAMES = (
    "hurricane flood tornado wildfire winter_storm extreme_heat earthquake power_outage water_emergency hazmat epidemic "
    "sudden_incident planned_event recovery everyday"
)


def test_every_hazard_is_prepared(harbor: Library) -> None:
    assert set(PREPARED) == set(NAMES.split())
    assert {pack.hazard for pack in PREPARED.values()} == set(HAZARDS)
    assert dict(harbor.incident_packs) == PREPARED
    assert {name for pack in PREPARED.values() for name in pack.all_topics} == set(harbor.topics)
    assert {name for pack in PREPARED.values() for name in pack.templates} == set(harbor.plan)


@pytest.mark.parametrize("pack", PREPARED.values(), ids=lambda one: one.name)
def test_a_pack_is_ready_to_use(pack: Any, harbor: Library) -> None:
    assert len(pack.questions) >= 5
    assert 6 <= len(pack.checklist["en"]) == len(pack.checklist["es"]) <= 8
    assert pack.phase in pack.menu
    # What a pack expects to be asked is answered, also by the keyword menu's list of topics.
    assert {question.topic for question in pack.questions} <= set(pack.all_topics)
    assert all(question.text["en"] != question.text["es"] for question in pack.questions)


def loaded(sessions: Sessions) -> Library:
    with sessions.begin() as session:
        load_packs(session, packs_dir=PACKS, names=("core",), actor="lee", training=True)
    with sessions() as session:
        return Library.read(session)


@pytest.mark.parametrize("name", [name for name, pack in PREPARED.items() if pack.hazard != "all"])
def test_opening_from_a_pack_moves_the_menu(sessions: Sessions, name: str) -> None:
    pack = loaded(sessions).incident_packs[name]
    with sessions.begin() as session:
        row = open_from_pack(session, pack=pack, name="Drill", actor="ana", zones=["A"])
        assert (row.pack, row.hazard, row.phase, row.level) == (f"incident.{name}", pack.hazard, pack.phase, pack.level)
    with sessions() as session:
        library = Library.read(session)
    assert library.menu()[: len(pack.menu[pack.phase])] == pack.menu[pack.phase]


def test_a_pack_for_any_hazard_is_told_which(sessions: Sessions) -> None:
    loaded(sessions)
    with sessions.begin() as session:
        with pytest.raises(BadInput):
            open_from_pack(session, pack=PREPARED["recovery"], name="Drill", actor="ana")
        with pytest.raises(BadInput, match="is for flood"):
            open_from_pack(session, pack=PREPARED["flood"], name="Drill", actor="ana", hazard="heat")
        row = open_from_pack(session, pack=PREPARED["recovery"], name="Drill", actor="ana", hazard="flood")
        assert (row.hazard, row.phase) == ("flood", "recovery")


def test_what_is_to_be_collected(now: datetime) -> None:
    contents = contents_of([read_pack(PACKS / name) for name in ("core", "harbor_city")], now=now)
    wanted = {one.name: one for one in to_collect(PREPARED["hurricane"], contents.facts, now=now)}
    assert tuple(wanted) == PREPARED["hurricane"].facts
    assert (wanted["shelter"].live, wanted["status_storm"].live, wanted["status_storm"].expired) == (5, 1, 0)
    assert wanted["shelter"].oldest == now - timedelta(minutes=15)
    later = to_collect(PREPARED["hurricane"], contents.facts, now=now + timedelta(days=8))
    assert all((one.live, one.oldest) == (0, None) for one in later)
    none = to_collect(PREPARED["hurricane"], (), now=now)
    assert all((one.live, one.expired) == (0, 0) for one in none)


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"hazard": "storm"}, "hazard"),
        ({"menu": {"later": ["sandbags"]}}, "menu"),
        ({"menu": {"before": [f"t{n}" for n in range(10)]}}, "menu.before"),
        ({"facts": ["moon"]}, "moon is neither"),
        ({"checklist": {"en": ["a"], "es": ["a", "b"]}}, "same steps"),
        ({"checklist": {"en": ["a"]}}, "same steps"),
        ({"questions": [{"topic": "sandbags", "en": "a"}]}, "questions.0.es"),
        ({"templates": []}, "templates"),
    ],
)
def test_a_slip_in_a_pack_is_named(changes: dict[str, Any], hint: str) -> None:
    with pytest.raises(BadInput) as raised:
        parse_incident_pack({**PREPARED["flood"].data(), **changes}, file="incidents/flood.yml")
    assert "incidents/flood.yml" in raised.value.safe_text
    assert hint in raised.value.safe_text


def test_names_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "core" / "incidents"
    folder.mkdir(parents=True)
    data = {**PREPARED["flood"].data(), "templates": ["sing"], "opens": {"phase": "before", "level": "full"}}
    data["menu"] = {"after": ["moon"]}
    (folder / "flood.yml").write_text(yaml.safe_dump(data), "utf-8")
    texts = {one.text for one in check_packs(tmp_path) if one.level == "error"}
    assert {"there is no topic moon", "there is no plan template sing", "there is no menu for the phase before"} <= texts
    assert any("is not among the topics of the pack" in text for text in texts)


def test_an_owner_must_be_in_the_list(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "owners.yml").write_text("fire: {en: Fire, es: Fuego}\nmoon: {en: Moon}\n", "utf-8")
    (tmp_path / "core" / "status.yml").write_text("status_city: {en: a, es: b, source: s, owner: nobody}\n", "utf-8")
    texts = {one.text for one in check_packs(tmp_path) if one.level == "error"}
    assert texts == {"nobody is not in owners.yml", "needs a description in en and es"}


def test_the_packs_survive_a_stored_form() -> None:
    for pack in PREPARED.values():
        shuffled = dict(reversed(pack.data().items()))
        assert parse_incident_pack(shuffled, file="x") == pack
        assert replace(pack, name="other") != pack


def test_a_pack_that_cannot_be_read_costs_only_itself(now: datetime) -> None:
    contents = contents_of([read_pack(PACKS / name) for name in ("core", "harbor_city")], now=now)
    broken = {
        **contents.city,
        "incident.hurricane": {"name": "hurricane"},
        "plan.evac_order": [],
        "plan_fields": contents.city["plan_fields"],
    }
    library = Library(replace(contents, city=broken))
    assert set(library.incident_packs) == set(PREPARED) - {"hurricane"}
    assert len(library.plan) == 38
    assert library.menu()[0] == "current_situation"
