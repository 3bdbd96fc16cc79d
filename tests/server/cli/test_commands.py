"""The commands that look after an installation."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pyotp
import pytest
import time_machine

from server import clock
from server.cli import main
from server.database.engine import make_engine, make_sessions, reading
from server.database.migrate import current, head
from server.errors import BadInput, NotFound, NotReady
from server.identity.keys import Keys
from server.settings import Settings, get_settings
from server.staff.models import StaffUser
from server.staff.service import check, sign_in
from server.staff.visitors import Visitor
from tests.server.cli.conftest import Command, run
from tests.server.staff.oidc.identity_provider import CLIENT, SECRET, identity_provider


def users(url: str) -> list[tuple[str, str, bool]]:
    engine = make_engine(url)
    try:
        with reading(make_sessions(engine)) as session:
            return [(user.name, user.role, user.one_time) for user in session.query(StaffUser).order_by(StaffUser.name)]
    finally:
        engine.dispose()


def test_users_are_added_and_reset(command: Command, settings: Settings) -> None:
    first = command("users", "add", "Ana", "--role", "supervisor").output.split()[-1]
    assert users(settings.database) == [("ana", "supervisor", True)]
    second = command("users", "reset", "ana").output.split()[-1]
    engine = make_engine(settings.database)
    sessions = make_sessions(engine)
    visitor = Visitor("127.0.0.1", {}, Keys.from_secret("k" * 32))
    for password, opens in ((first, False), (second, True)):
        checked = check(sessions, name="ana", password=password)
        with sessions.begin() as session:
            assert (sign_in(session, name="ana", checked=checked, hours=1, visitor=visitor) is not None) == opens
    engine.dispose()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("users", "add", "ana", "--role", "boss"), BadInput),
        (("users", "add", ""), BadInput),
        (("users", "reset", "nobody"), NotFound),
    ],
)
def test_what_cannot_be_done_is_one_plain_line(
    command: Command, settings: Settings, arguments: tuple[str, ...], error: type[Exception]
) -> None:
    assert isinstance(command(*arguments, expect=2).exception, error)
    assert users(settings.database) == []


def test_backup_and_restore_bring_back_what_was_there(command: Command, settings: Settings, tmp_path: Path) -> None:
    command("users", "add", "before")
    copy = tmp_path / "copy.db"
    assert "Copied" in command("db", "backup", copy).output.replace("\n", "")
    with closing(sqlite3.connect(settings.data_dir / "spillway.db")) as other:
        # While somebody reads, what is written last stays in the write-ahead log.
        other.execute("SELECT count(*) FROM topics").fetchone()
        command("users", "add", "after")
        command("db", "restore", copy)
    assert [name for name, *_ in users(settings.database)] == ["before"]
    (replaced,) = settings.data_dir.glob("spillway.db.replaced-*[0-9]")
    assert [name for name, *_ in users(f"sqlite:///{replaced}")] == ["after", "before"], (
        "what was replaced is kept beside it, whole"
    )
    command("audit", "verify")


def test_a_backup_while_the_service_writes_is_whole(command: Command, settings: Settings, tmp_path: Path) -> None:
    engine = make_engine(settings.database)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE topics SET position = position")
        command("db", "backup", tmp_path / "copy.db")
    engine.dispose()
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT count(*) FROM topics").fetchone()[0] > 40


def test_nothing_is_overwritten_and_nothing_damaged_is_restored(command: Command, settings: Settings, tmp_path: Path) -> None:
    command("users", "add", "ana")
    existing = tmp_path / "existing.db"
    existing.write_bytes(b"mine")
    command("db", "backup", existing, expect=2)
    assert existing.read_bytes() == b"mine"
    for wrong in (existing, tmp_path / "none.db"):
        command("db", "restore", wrong, expect=2)
        assert [name for name, *_ in users(settings.database)] == ["ana"]


def test_upgrade_of_an_empty_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SPILLWAY_DATA_DIR", str(tmp_path))
    run("db", "backup", tmp_path / "copy.db", expect=2)
    run("db", "upgrade")
    run("db", "upgrade")
    engine = make_engine(f"sqlite:///{tmp_path / 'spillway.db'}")
    assert current(engine) == head()
    engine.dispose()


def test_audit_verify_finds_a_change(command: Command, settings: Settings) -> None:
    command("users", "add", "ana")
    assert "whole" in command("audit", "verify").output
    with closing(sqlite3.connect(settings.data_dir / "spillway.db")) as database:
        database.execute("UPDATE audit SET actor = 'somebody else' WHERE action = 'staff.added'")
        database.commit()
    assert isinstance(command("audit", "verify", expect=2).exception, NotReady)


@pytest.mark.parametrize(
    ("text", "level"), [("my house is on fire and we cannot get out", "hard"), ("where do I get sandbags", "none"), ("", "soft")]
)
def test_triage_says_what_and_why(command: Command, text: str, level: str) -> None:
    said = command("triage", text).output
    assert f"level     {level}" in said
    assert "evidence" in said


def test_the_doctor_names_what_is_missing(command: Command) -> None:
    said = command("doctor", expect=1).output
    assert "problem  assistant" in said
    assert "spillway train" in said
    for right in ("secrets", "database", "messages", "twilio"):
        assert f"ok       {right}" in said


def test_the_doctor_on_a_new_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SPILLWAY_DATA_DIR", str(tmp_path / "new"))
    said = run("doctor", expect=1).output
    assert "spillway db upgrade" in " ".join(said.split())
    assert "SELECT" not in said, "no statement and no address of a library for a person who runs a city's line"


def test_the_doctor_in_live_mode_names_each_gap(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPILLWAY_MODE", "live")
    monkeypatch.setenv("SPILLWAY_TWILIO_API_BASE", "http://127.0.0.1:9")
    said = " ".join(command("doctor", expect=1).output.split())
    for gap in ("SPILLWAY_SECRET_KEY", "SPILLWAY_PUBLIC_URL", "Two staff accounts"):
        assert gap in said


def test_the_doctor_asks_the_identity_provider(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "ok       sign-in    Staff sign in with name and password" in command("doctor", expect=1).output
    with identity_provider() as provider:
        monkeypatch.setenv("SPILLWAY_OIDC_ISSUER", provider.issuer)
        get_settings.cache_clear()
        assert "SPILLWAY_OIDC_CLIENT_ID" in command("doctor", expect=1).output
        monkeypatch.setenv("SPILLWAY_OIDC_CLIENT_ID", CLIENT)
        monkeypatch.setenv("SPILLWAY_OIDC_CLIENT_SECRET", SECRET)
        get_settings.cache_clear()
        said = " ".join(command("doctor", expect=1).output.split())
        assert f"ok sign-in People are sent to {provider.issuer}/authorize." in said
        assert "/sign-in/oidc/callback" in said
    assert "problem sign-in The identity provider does not answer" in " ".join(command("doctor", expect=1).output.split())


def test_the_doctor_is_content(shared_data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPILLWAY_DATA_DIR", str(shared_data_dir))
    said = run("doctor").output
    assert "problem" not in said
    assert "a fire is hard" in said


def test_packs_are_found_right(command: Command) -> None:
    command("packs", "check")


def test_an_error_is_one_line_and_exit_code_2(
    command: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["spillway", "users", "reset", "nobody"])
    with pytest.raises(SystemExit) as stopped:
        main.run()
    assert stopped.value.code == 2
    assert capsys.readouterr().err.strip() == "There is no account named nobody."


@pytest.mark.parametrize("words", [(), ("replay",), ("db",), ("users",), ("packs",), ("audit", "verify")])
def test_help_is_there(command: Command, words: tuple[str, ...]) -> None:
    assert "Usage" in command(*words, "--help").output


def test_a_second_factor_is_set_up_before_live_mode(command: Command, settings: Settings) -> None:
    command("users", "add", "ana", "--role", "approver")
    with time_machine.travel("2026-09-30T12:00:00+00:00", tick=False), pytest.MonkeyPatch.context() as patch:
        patch.setattr("pyotp.random_base32", lambda: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
        code = pyotp.TOTP("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").at(clock.now())
        told = command("users", "second-factor", "ana", typed=f"{code}\n").output
    assert "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" in told
    assert len(re.findall(r"\b\w{5}-\w{5}-\w{5}\b", told)) == 10
