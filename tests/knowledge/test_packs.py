from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import delete, func, select

from knowledge import changes, lifecycle
from knowledge.library import PACKS, Library, Situation
from knowledge.lifecycle import State, Wording
from knowledge.models import CityValue, FactRow, IncidentRow, MessageVersion, TopicRow
from knowledge.pack_files import read_pack
from knowledge.packs import PackReport, export_packs, load_packs
from server import clock
from server.audit.models import AuditRow
from server.audit.service import first_break
from server.database.engine import Sessions, make_engine, make_sessions
from server.errors import BadInput, NotFound

BOTH = ("core", "harbor_city")
TOPIC = """
intent: x_topic
title: {en: X}
hazards: [all]
phases: [all]
owner: emergency_management
sources: [A source]
complex: c
emergency: e
keywords: {en: [x]}
examples: {en: [what is x]}
messages:
  - variant: general
    en: {sms: "First.", web: "First.", voice: "First."}
"""


def load(sessions: Sessions, packs_dir: Path, *names: str, training: bool = True) -> PackReport:
    with sessions.begin() as session:
        return load_packs(session, packs_dir=packs_dir, names=names, actor="lee", training=training)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder with one pack of one topic."""
    topics = tmp_path / "packs" / "core" / "topics"
    topics.mkdir(parents=True)
    (topics / "x_topic.yml").write_text(TOPIC, "utf-8")
    return tmp_path / "packs"


def rewrite(packs: Path, old: str, new: str) -> None:
    path = packs / "core" / "topics" / "x_topic.yml"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


def said(sessions: Sessions) -> str:
    with sessions() as session:
        return Library.read(session).answer("x_topic", Situation("en", "sms", clock.now())).text


def test_the_shipped_packs_load_whole(sessions: Sessions) -> None:
    report = load(sessions, PACKS, *BOTH)
    now = clock.now()
    with sessions() as session:
        library = Library.read(session)
        versions = session.scalars(select(MessageVersion)).all()
        assert first_break(session) is None
    packed = Library.from_packs(PACKS, BOTH, now=now)
    assert set(library.topics) == set(packed.topics)
    assert set(library.message_ids) == set(packed.message_ids)
    assert (library.phase, library.menu("en"), library.gazetteer) == (packed.phase, packed.menu("en"), packed.gazetteer)
    assert {one.state for one in versions} == {"published"}
    assert all(one.approver == "lee" and one.author != "lee" and one.approved_at and one.source for one in versions)
    assert all(one.expires_at and timedelta(days=364) < one.expires_at - now <= timedelta(days=365) for one in versions)
    assert len(report.published) == len(versions)


def test_loading_again_changes_nothing(sessions: Sessions) -> None:
    load(sessions, PACKS, *BOTH)
    with sessions() as session:
        audited = session.scalar(select(func.count(AuditRow.id)))
        revision = Library.read(session).revision
    report = load(sessions, PACKS, *BOTH)
    assert not report.changed
    assert str(report) == "Nothing changed."
    with sessions() as session:
        assert session.scalar(select(func.count(AuditRow.id))) == audited
        assert Library.read(session).revision == revision


def test_a_changed_text_becomes_the_next_version(sessions: Sessions, small: Path) -> None:
    load(sessions, small, "core")
    rewrite(small, "First.", "Second.")
    assert load(sessions, small, "core").published == ["x_topic.general@2"]
    assert said(sessions) == "Second."
    with sessions() as session:
        states = session.execute(select(MessageVersion.version, MessageVersion.state).order_by(MessageVersion.version)).all()
        texts = session.scalars(select(MessageVersion.texts).order_by(MessageVersion.version)).all()
    assert [tuple(row) for row in states] == [(1, "expired"), (2, "published")]
    assert texts[0]["en"]["sms"] == "First."


def test_what_staff_reworded_is_not_overwritten(sessions: Sessions, small: Path) -> None:
    load(sessions, small, "core")
    texts = {"en": dict.fromkeys(("sms", "web", "voice"), "Ours.")}
    with sessions.begin() as session:
        version = lifecycle.draft(session, wording=Wording("x_topic.general", texts, "o", "s", "x_topic"), author="ana")
        expires_at = clock.now() + timedelta(days=1)
        lifecycle.transition(
            session, version_id=version.id, to=State.PUBLISHED, actor="bo", urgent=True, reason="r", expires_at=expires_at
        )
    assert not load(sessions, small, "core").changed
    rewrite(small, "First.", "Second.")
    report = load(sessions, small, "core")
    assert (report.published, report.for_review) == ([], ["x_topic.general"])
    assert said(sessions) == "Ours."


@pytest.mark.parametrize("training", [True, False])
def test_a_withdrawn_text_stays_withdrawn(sessions: Sessions, small: Path, training: bool) -> None:
    load(sessions, small, "core", training=training)
    with sessions.begin() as session:
        version_id = session.scalar(select(MessageVersion.id))
        assert version_id is not None
        lifecycle.transition(session, version_id=version_id, to=State.WITHDRAWN, actor="bo", reason="wrong")
    assert not load(sessions, small, "core", training=training).changed


@pytest.mark.parametrize(("training", "published"), [(True, ["x_topic.general@2"]), (False, [])])
def test_an_expired_text_is_made_fresh_only_in_training(
    sessions: Sessions, small: Path, training: bool, published: list[str]
) -> None:
    load(sessions, small, "core", training=training)
    with time_machine.travel(clock.now() + timedelta(days=366), tick=False):
        assert load(sessions, small, "core", training=training).published == published


def test_the_fictional_city_is_always_fresh_and_staff_facts_are_kept(sessions: Sessions) -> None:
    load(sessions, PACKS, *BOTH)
    now = clock.now()
    with sessions.begin() as session:
        changes.put_fact(
            session, type="shelter", key="lincoln", data={"name": "Lincoln High School", "status": "full"}, source="s", owner="o",
            as_of=now, expires_at=now + timedelta(hours=1), actor="ana",
        )  # fmt: skip
    with time_machine.travel(now + timedelta(days=8), tick=False):
        report = load(sessions, PACKS, *BOTH)
        assert "shelter:civic" in report.facts
        assert "shelter:lincoln" not in report.facts
        with sessions() as session:
            civic = session.scalars(select(FactRow).where(FactRow.key == "civic")).one()
            assert civic.as_of < clock.now() < civic.expires_at


def test_a_fictional_city_is_refused_live(sessions: Sessions) -> None:
    with pytest.raises(BadInput, match="fictional"):
        load(sessions, PACKS, "harbor_city", training=False)
    assert load(sessions, PACKS, "core", training=False).published


def test_a_pack_that_is_not_there(sessions: Sessions) -> None:
    with pytest.raises(NotFound):
        load(sessions, PACKS, "atlantis")


def test_export_and_import_make_the_same_library(sessions: Sessions, tmp_path: Path) -> None:
    load(sessions, PACKS, *BOTH)
    now = clock.now()
    with sessions.begin() as session:
        # What is going on is not part of a pack.
        changes.close_incident(session, incident_id=session.scalars(select(IncidentRow.id)).one(), actor="ana")
    with sessions() as session:
        before = Library.read(session)
        written = export_packs(session, target=tmp_path / "out" / "core")
    assert written == len(list((tmp_path / "out").rglob("*.*")))
    after = Library.from_packs(tmp_path / "out", ("core",), now=now)
    assert {name: topic.data() for name, topic in after.topics.items()} == {
        name: topic.data() for name, topic in before.topics.items()
    }
    assert after.city == before.city
    assert after.gazetteer == before.gazetteer
    for language in ("en", "es"):
        for intent in before.topics:
            situation = Situation(language, "sms", now)
            assert after.answer(intent, situation).message_id == before.answer(intent, situation).message_id


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def exported(sessions: Sessions, target: Path) -> dict[str, bytes]:
    with sessions() as session:
        assert export_packs(session, target=target) == len(files(target))
    return files(target)


def emptied(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for table in (TopicRow, MessageVersion, FactRow, IncidentRow, CityValue):
            session.execute(delete(table))


def unusual(sessions: Sessions) -> None:
    """What a city may hold that the shipped packs do not."""
    now = clock.now()
    with sessions.begin() as session:
        changes.put_city_value(
            session, name="languages", value={"ht": "kreyòl", "es": "=2+2", "en": "- 'quoted': #\nlines"}, actor="ana"
        )
        data = {"name": "=HYPERLINK(1)", "note": {"ht": "wi", "en": "a, b"}, "status": "full"}
        until = now + timedelta(hours=9, seconds=7)
        changes.put_fact(
            session,
            type="shelter",
            key="odd",
            data=data,
            source="'- x",
            owner="fire_department",
            actor="ana",
            as_of=now,
            expires_at=until,
        )
        plain = {"sms": "a", "web": "b", "voice": "c"}
        texts = {
            "ht": {"voice": "a", "sms": "b", "web": "c\n\n- d"},
            "es": plain,
            "en": plain,
        }
        wording = Wording("boil_water_notice.general", texts, "water_utility", "s", "boil_water_notice", ("after", "all"), 9)
        version = lifecycle.draft(session, wording=wording, author="ana")
        lifecycle.transition(
            session,
            version_id=version.id,
            to=State.PUBLISHED,
            actor="bo",
            urgent=True,
            reason="r",
            expires_at=now + timedelta(days=9),
        )


def test_out_in_and_out_again_is_the_same_byte_for_byte(sessions: Sessions, tmp_path: Path) -> None:
    load(sessions, PACKS, *BOTH)
    unusual(sessions)
    first = exported(sessions, tmp_path / "one" / "city")
    kinds = {Path(name).parts[0] for name in first}
    assert kinds == {
        "topics", "system.yml", "plan", "plan_fields.yml", "incidents", "owners.yml", "link_hosts.yml", "city.yml", "facts", "status.yml",
    }  # fmt: skip
    emptied(sessions)
    with time_machine.travel(clock.now() + timedelta(hours=3), tick=False):
        load(sessions, tmp_path / "one", "city")
        assert exported(sessions, tmp_path / "two" / "city") == first
        assert not load(sessions, tmp_path / "two", "city").changed


def test_files_do_not_depend_on_the_database(sessions: Sessions, postgres_url: str, tmp_path: Path) -> None:
    engine = make_engine(postgres_url)
    try:
        other = make_sessions(engine)
        unusual(other)
        first = exported(other, tmp_path / "one" / "city")
    finally:
        engine.dispose()
    load(sessions, tmp_path / "one", "city")
    assert exported(sessions, tmp_path / "two" / "city") == first


def test_an_exported_city_stays_fictional_and_its_facts_grow_no_younger(sessions: Sessions, tmp_path: Path) -> None:
    load(sessions, PACKS, *BOTH)
    exported(sessions, tmp_path / "out" / "city")
    with pytest.raises(BadInput, match="fictional"):
        load(sessions, tmp_path / "out", "city", training=False)
    emptied(sessions)
    with time_machine.travel(clock.now() + timedelta(days=8), tick=False):
        load(sessions, tmp_path / "out", "city")
        with sessions() as session:
            assert all(row.expires_at <= clock.now() for row in session.scalars(select(FactRow)) if row.type == "shelter")


@pytest.mark.parametrize(
    ("name", "content", "hint"),
    [
        ("system.yml", "owner: o\nsource: s\nmessages:\n  card.x: {es: a}\n", "card.x: has no English"),
        ("system.yml", "owner: o\nsource: s\nmessages:\n  other: {en: a}\n", "other"),
        ("status.yml", "status_moon: {en: a, es: b, source: s, owner: o}\n", "status_moon: is no status line"),
        ("status.yml", "status_city: {en: a, es: b, source: s, owner: o, as_of: now}\n", "'now' is no time"),
        ("incident.yml", "name: X\nhazard: storm\nphase: during\nlevel: full\n", "incident.yml: hazard"),
        ("facts/shelter.csv", "key,name,source,owner\na,,s,o\n", "shelter.csv: line 2"),
        ("facts/shelter.csv", "key,name,source,owner\na,b,c,s,o\n", "more cells"),
        ("facts/shelter.csv", "key,name,zip,source,owner\na,b,1,s,o\n", "zip"),
        ("facts/shelter.csv", "key,name,status,source,owner\na,b,maybe,s,o\n", "status"),
        ("facts/moon.csv", "key,name,source,owner\na,b,s,o\n", "'moon' is unknown"),
        ("facts/shelter.csv", "key,name,owner\na,b,o\n", "source"),
    ],
)
def test_a_slip_is_named(small: Path, name: str, content: str, hint: str) -> None:
    path = small / "core" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, "utf-8")
    with pytest.raises(BadInput) as raised:
        read_pack(small / "core")
    assert hint in raised.value.safe_text


def test_the_sample_city_is_fictional_through_and_through(tmp_path: Path) -> None:
    shutil.copytree(PACKS / "harbor_city", tmp_path / "harbor_city")
    pack = read_pack(tmp_path / "harbor_city")
    assert pack.fictional
    phones = [str(value) for name, value in pack.city.items() if name.endswith("_phone") or name == "nurse_line"]
    phones += pack.city["psap_transfer"]
    phones += [str(fact.data["phone"]) for fact in pack.facts if "phone" in fact.data]
    assert all(phone.replace("+1", "").replace("-", "").startswith("55555501") for phone in phones)
    assert all(
        ".example" in value
        for value in pack.city.values()
        if isinstance(value, str) and value.startswith("https://") and "%s" not in value
    )
