"""`spillway facts`, `spillway cap` and `spillway packs` as a person types them, on a database of their own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import time_machine
import typer
from typer.testing import CliRunner

from server.cli import cap, facts, packs
from server.errors import BadInput, SpillwayError, TooLarge
from server.settings import get_settings

FILES = Path(__file__).parent / "cap"


@pytest.fixture(autouse=True)
def database(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPILLWAY_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("SPILLWAY_DATA_DIR", str(tmp_path))
    get_settings.cache_clear()


def run(app: typer.Typer, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, words)
    if isinstance(result.exception, SpillwayError):
        raise result.exception
    return result.exit_code, " ".join(result.output.split())


def test_facts_go_out_and_come_back(tmp_path: Path) -> None:
    file = tmp_path / "shelters.csv"
    assert run(facts.app, "export", "shelter", str(file))[0] == 0
    written = file.read_bytes()
    assert run(facts.app, "import", "shelter", str(file)) == (0, "Done: 0 new, 0 changed, 5 the same, 0 not in the file and kept.")
    file.write_bytes(written.replace(b",full,", b",open,"))
    code, told = run(facts.app, "import", "shelter", str(file), "--dry-run")
    assert (code, told) == (0, "Would be: 0 new, 1 changed, 4 the same, 0 not in the file and kept.")
    run(facts.app, "export", "shelter", str(file))
    assert file.read_bytes() == written
    file.write_bytes(written.replace(b",full,", b",open,"))
    run(facts.app, "import", "shelter", str(file))
    run(facts.app, "export", "shelter", str(file))
    assert file.read_bytes() == written.replace(b",full,", b",open,")


def test_a_bad_table_is_told_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "shelters.csv"
    run(facts.app, "export", "shelter", str(file))
    written = file.read_bytes()
    file.write_bytes(written.replace(b",full,", b",fool,").replace(b",00404,", b",404,"))
    code, told = run(facts.app, "import", "shelter", str(file))
    assert code == 1
    assert "line 2, zip: must be 5 digits" in told
    assert "status: must be one of" in told
    assert "Nothing was changed." in told
    run(facts.app, "export", "shelter", str(file))
    assert file.read_bytes() == written


@pytest.fixture
def at_now(now: datetime) -> Iterator[None]:
    """The day of the alerts."""
    with time_machine.travel(now):
        yield


@pytest.mark.usefixtures("at_now")
def test_an_alert_from_a_file() -> None:
    code, told = run(cap.app, "import", str(FILES / "two_languages.xml"))
    assert code == 0
    assert "drafted cap.boil_water_advisory-" in told
    assert "suggests Boil Water Advisory: pack water_emergency, during, partial" in told
    assert "taken in before" in run(cap.app, "import", str(FILES / "two_languages.xml"))[1]


def test_no_file() -> None:
    with pytest.raises(BadInput, match="no file"):
        run(cap.app, "import", "nowhere.xml")


class _Alerts(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/gone":
            self.send_error(404)
            return
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "/alert")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        try:
            self.wfile.write((FILES / "alert.xml").read_bytes() if self.path == "/alert" else b" " * 6_000_000)
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def alerts() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Alerts)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("at_now")
def test_an_alert_from_an_address(alerts: str) -> None:
    assert "drafted cap.hurricane_warning-" in run(cap.app, "import", f"{alerts}/away")[1]


@pytest.mark.parametrize(("path", "error", "hint"), [("/gone", BadInput, "answered 404"), ("/big", TooLarge, "5 MB")])
def test_an_address_that_gives_no_alert(alerts: str, path: str, error: type[Exception], hint: str) -> None:
    with pytest.raises(error, match=hint):
        run(cap.app, "import", f"{alerts}{path}")


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("http://weather.example/alert.xml", "https only"),
        ("https://127.0.0.1:1/alert.xml", "could not be read"),
        ("https://[", "no address"),
    ],
)
def test_an_address_that_cannot_be_read(address: str, hint: str) -> None:
    with pytest.raises(SpillwayError, match=hint):
        run(cap.app, "import", address)


def test_packs_go_out_check_and_report(tmp_path: Path) -> None:
    assert run(packs.app, "export", str(tmp_path / "out" / "city"))[0] == 0
    assert run(packs.app, "import", "--folder", str(tmp_path / "out"), "--name", "city")[0] == 0
    code, told = run(packs.app, "check")
    assert (code, "0 errors" in told) == (0, True)
    assert "What Spillway may say" in run(packs.app, "report")[1]
