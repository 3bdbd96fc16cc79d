from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from knowledge.fact_rows import guard, unguard
from knowledge.fact_tables import TableImport, export_table, read_table, write_table
from knowledge.facts import TYPES
from knowledge.library import PACKS, Library, Situation
from knowledge.models import FactRow
from knowledge.packs import load_packs
from server.audit.models import AuditRow
from server.database.engine import Sessions
from server.errors import BadInput, TooLarge
from tests.knowledge.conftest import NOW

ZONE = ZoneInfo("America/New_York")
HEAD = "key,name,address,zip,zone,status,phone,hours_en,hours_es,note_en,note_es,visibility,as_of,expires,source,owner\n"
GOOD = "gym,City Gym,1 Elm St,00404,C,open,,,,cots,catres,public,2026-09-14 15:00,2026-09-15 15:00,Shelter desk,shelter_manager\n"


@pytest.fixture(autouse=True)
def at_now(now: datetime) -> object:
    with time_machine.travel(now, tick=False):
        yield


def read(sessions: Sessions, content: str | bytes, type_: str = "shelter", owners: tuple[str, ...] = ()) -> TableImport:
    raw = content if isinstance(content, bytes) else content.encode()
    with sessions() as session:
        return read_table(session, type=type_, content=raw, zone=ZONE, now=NOW, owners=owners)


def take(sessions: Sessions, content: str, type_: str = "shelter") -> TableImport:
    table = read(sessions, content, type_)
    with sessions.begin() as session:
        write_table(session, table=table, actor="ana", file="facts.csv")
    return table


def export(sessions: Sessions, type_: str = "shelter") -> str:
    with sessions() as session:
        return export_table(session, type=type_, zone=ZONE)


def harbor(sessions: Sessions) -> None:
    with sessions.begin() as session:
        load_packs(session, packs_dir=PACKS, names=("core", "harbor_city"), actor="lee", training=True)


@pytest.mark.parametrize("type_", sorted(TYPES))
def test_out_and_in_again_changes_nothing(sessions: Sessions, type_: str) -> None:
    harbor(sessions)
    written = export(sessions, type_)
    with sessions() as session:
        acts = session.scalars(select(AuditRow.id)).all()
    table = take(sessions, written, type_)
    assert (table.problems, table.kept, table.count("same")) == ((), 0, len(table.rows))
    assert len(table.rows) > 1
    assert export(sessions, type_) == written
    with sessions() as session:
        assert session.scalars(select(AuditRow.id)).all() == acts


@pytest.mark.parametrize("type_", sorted(TYPES))
def test_a_table_moves_to_another_city_byte_for_byte(sessions: Sessions, type_: str) -> None:
    harbor(sessions)
    written = export(sessions, type_)
    with sessions.begin() as session:
        for row in session.scalars(select(FactRow).where(FactRow.type == type_)):
            session.delete(row)
    table = take(sessions, written, type_)
    assert table.count("new") == len(table.rows)
    assert export(sessions, type_) == written


def test_a_change_is_said_at_once_and_audited(sessions: Sessions) -> None:
    harbor(sessions)
    written = export(sessions).replace(
        "Northside Community Center,78 Maple Ave,00403,C,full", "Northside Hall,78 Maple Ave,00403,C,open"
    )
    table = take(sessions, written)
    assert (table.count("changed"), table.count("same")) == (1, 4)
    with sessions() as session:
        assert "Northside Hall" in Library.read(session).answer("shelter_locations", Situation("en", "web", NOW)).text
        acts = session.execute(select(AuditRow.action, AuditRow.subject).order_by(AuditRow.id.desc()).limit(2)).all()
    assert [tuple(act) for act in acts] == [("facts.imported", "facts:shelter"), ("fact.put", "shelter:northside")]


def test_the_order_of_the_file_is_the_order_said(sessions: Sessions) -> None:
    harbor(sessions)
    head, *rows = export(sessions).splitlines(keepends=True)
    turned = head + "".join(reversed(rows))
    assert take(sessions, turned).count("same") == 5
    assert export(sessions) == turned


@pytest.mark.parametrize(
    ("old", "new", "column", "hint"),
    [
        ("gym,", "Gym 1,", "key", "short name"),
        ("gym,", ",", "key", "short name"),
        (",00404,", ",404,", "zip", "leading zero"),
        (",open,", ",opn,", "status", "must be one of"),
        ("City Gym", "x" * 401, "name", "400"),
        ("City Gym", "", "name", "needs a name"),
        (",public,", ",secret,", "visibility", "agents_only"),
        ("Shelter desk", "", "source", "is empty"),
        ("shelter_manager", "", "owner", "nobody"),
        ("shelter_manager", "Shelter Manager", "owner", "not in the list"),
        ("2026-09-14 15:00", "", "as_of", "is empty"),
        ("2026-09-15 15:00", "", "expires", "is empty"),
        ("2026-09-15 15:00", "soon", "expires", "no time"),
        ("2026-09-15 15:00", "2026-09-14 15:30", "expires", "over already"),
        ("2026-09-14 15:00", "2026-09-14 16:00", "as_of", "future"),
        ("shelter_manager\n", "shelter_manager,more\n", "row", "more cells"),
    ],
)
def test_every_bad_row_is_told_and_nothing_changes(sessions: Sessions, old: str, new: str, column: str, hint: str) -> None:
    bad = GOOD.replace(old, new, 1)
    content = HEAD + GOOD.replace("gym", "first") + "\n" + bad
    table = read(sessions, content)
    assert [(one.line, one.column) for one in table.errors] == [(4, column)]
    assert hint in table.errors[0].text
    with sessions.begin() as session:
        with pytest.raises(BadInput, match="nothing was changed"):
            write_table(session, table=table, actor="ana", file="facts.csv")
        assert session.scalars(select(FactRow)).all() == []


def test_all_that_is_wrong_is_told_in_one_go(sessions: Sessions) -> None:
    content = HEAD.replace("phone", "fone") + GOOD.replace(",open,", ",opn,") + GOOD.replace("00404", "1") + GOOD
    told = [str(one) for one in read(sessions, content).errors]
    assert [text.partition(":")[0] for text in told] == [
        "line 1, fone", "line 2, status", "line 3, key", "line 3, zip", "line 4, key",
    ]  # fmt: skip
    assert "stands already on line 2" in told[-1]


def test_a_cell_of_several_lines_keeps_the_count(sessions: Sessions) -> None:
    content = HEAD + GOOD.replace("cots", '"cots\nand meals"') + GOOD.replace("gym", "G")
    assert [one.line for one in read(sessions, content).errors] == [4]


@pytest.mark.parametrize(
    ("content", "error", "hint"),
    [
        (b"", BadInput, "must name the columns"),
        (b"name;key\n", BadInput, "semicolons"),
        (HEAD.encode() + b"gym,Jos\xe9\n", BadInput, "line 2: the file is not UTF-8"),
        (b'key,name\na,"b\n', BadInput, "line 2"),
        (b"x" * 5_000_001, TooLarge, "5 MB"),
    ],
)
def test_what_is_no_table(sessions: Sessions, content: bytes, error: type[Exception], hint: str) -> None:
    with pytest.raises(error, match=hint):
        read(sessions, content)


def test_an_unknown_type(sessions: Sessions) -> None:
    with pytest.raises(BadInput, match="no type of facts 'moon'"):
        read(sessions, HEAD, "moon")
    with pytest.raises(BadInput, match="no type of facts 'moon'"):
        export(sessions, "moon")


@pytest.mark.parametrize(
    "written",
    [
        "2026-09-14 15:00",
        "2026-09-14T15:00",
        "2026-09-14T19:00:00+00:00",
        "9/14/2026 15:00",
        "09/14/2026 3:00 PM",
        "9/14/26 15:00",
        "-40m",
    ],
)
def test_times_as_people_and_spreadsheets_write_them(sessions: Sessions, written: str) -> None:
    table = read(sessions, HEAD + GOOD.replace("2026-09-14 15:00", written))
    assert not table.errors
    assert table.rows[0].as_of == NOW - timedelta(minutes=40)


def test_spreadsheet_habits_are_taken(sessions: Sessions) -> None:
    content = "\ufeff" + (HEAD + GOOD).replace("\n", "\r\n") + ",,,,,,,,,,,,,,,\r\n"
    assert (len(read(sessions, content).rows), read(sessions, content).problems) == (1, ())


@pytest.mark.parametrize(
    ("type_", "row", "column"),
    [
        ("zone", "key,name,as_of,expires,source,owner\na,A,-1h,+1d,s,o\n", "zips"),
        ("status", "key,text_en,as_of,expires,source,owner\nmoon,a,-1h,+1d,s,o\n", "key"),
        ("status", "key,name,as_of,expires,source,owner\nstatus_city,a,-1h,+1d,s,o\n", "text_en"),
        ("rumor", "key,text_es,as_of,expires,source,owner\na,x,-1h,+1d,s,o\n", "name"),
    ],
)
def test_each_type_has_its_needs(sessions: Sessions, type_: str, row: str, column: str) -> None:
    assert [one.column for one in read(sessions, row, type_).errors] == [column]


def test_owners_come_from_the_list(sessions: Sessions) -> None:
    assert not read(sessions, HEAD + GOOD, owners=("shelter_manager",)).problems
    assert [one.column for one in read(sessions, HEAD + GOOD, owners=("fire",)).errors] == ["owner"]


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [("catres", "", "note_es"), ("2026-09-15 15:00", "2026-12-31 00:00", "expires")],
)
def test_a_doubtful_row_is_taken_with_a_warning(sessions: Sessions, old: str, new: str, column: str) -> None:
    table = read(sessions, HEAD + GOOD.replace(old, new))
    assert [(one.level, one.column) for one in table.problems] == [("warning", column)]
    assert len(table.rows) == 1


def test_two_statuses_of_one_place_are_told(sessions: Sessions) -> None:
    table = read(sessions, HEAD + GOOD + GOOD.replace("gym", "gym2").replace(",open,", ",full,"))
    assert [(one.level, one.line, one.column) for one in table.problems] == [("warning", 3, "status")]


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "'=1", "''-x"])
def test_no_cell_is_a_formula(sessions: Sessions, evil: str) -> None:
    take(sessions, HEAD + GOOD)
    with sessions.begin() as session:
        session.scalars(select(FactRow)).one().source = evil.strip()
    written = export(sessions)
    assert f",'{evil.strip()}," in written
    assert take(sessions, written).count("same") == 1


@given(st.text(max_size=20))
def test_guarding_is_undone_exactly(cell: str) -> None:
    assert unguard(guard(cell)) == cell
    assert guard(cell)[:1] not in ("=", "+", "-", "@", "\t", "\r")
