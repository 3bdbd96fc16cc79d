"""`spillway serve` on a machine that has only just got its models."""

from __future__ import annotations

import os
import queue
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from server.settings import ROOT
from tests.server.cli.conftest import SPILLWAY
from tests.server.staffroom import SAME_SITE


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(data_dir: Path, port: int) -> Iterator[str]:
    """The running program; gives what it printed until it said how to stop it."""
    environment = {**os.environ, "SPILLWAY_DATA_DIR": str(data_dir), "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [str(SPILLWAY), "serve", "--port", str(port)],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said.put(line)
        said.put(None)

    reader = threading.Thread(target=read)
    reader.start()
    printed = ""
    try:
        while "Stop with" not in printed:
            line = said.get(timeout=180)
            assert line is not None, f"it ended: {printed}"
            printed += line
        yield printed
    finally:
        process.terminate()
        process.wait(180)
        reader.join(60)
        assert process.stdout is not None
        process.stdout.close()


def get(port: int, path: str) -> httpx.Response:
    """Asks until the program listens: its addresses are printed just before."""
    transport = httpx.HTTPTransport(retries=20)
    with httpx.Client(transport=transport, timeout=20) as client:
        return client.get(f"http://127.0.0.1:{port}{path}")


@pytest.fixture
def new_machine(tmp_path: Path, models: Path) -> Path:
    (tmp_path / "models").symlink_to(models, target_is_directory=True)
    return tmp_path


def test_a_new_machine_serves_and_prints_its_password_once(new_machine: Path) -> None:
    port = free_port()
    with serving(new_machine, port) as printed:
        password = re.search(r"one-time password (\S+)", printed)
        assert password is not None
        assert "TRAINING MODE" in printed
        for path in ("/chat/", "/simulator/", "/desk/", "/readyz"):
            assert path in printed
        ready = get(port, "/readyz")
        assert (ready.status_code, ready.json()["ready"], ready.json()["parts"]["assistant"]) == (200, True, "ok")
        assert get(port, "/healthz").status_code == 200
        assert "spillway_degraded" in get(port, "/metrics").text
        signed = httpx.post(
            f"http://127.0.0.1:{port}/sign-in",
            data={"name": "admin", "password": password[1]},
            headers={**SAME_SITE, "origin": f"http://127.0.0.1:{port}"},
        )
        assert (signed.status_code, signed.headers["location"]) == (303, "/password")
    with serving(new_machine, free_port()) as printed:
        assert "one-time password" not in printed


def test_a_port_that_is_taken_is_one_plain_line(new_machine: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        environment = {**os.environ, "SPILLWAY_DATA_DIR": str(new_machine), "COLUMNS": "200"}
        done = subprocess.run(
            [str(SPILLWAY), "serve", "--port", str(port)],
            env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert f"Cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_live_mode_refuses_to_start_half_configured(new_machine: Path) -> None:
    environment = {**os.environ, "SPILLWAY_DATA_DIR": str(new_machine), "SPILLWAY_MODE": "live", "COLUMNS": "200"}
    done = subprocess.run(
        [str(SPILLWAY), "serve", "--port", str(free_port())],
        env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "SPILLWAY_SECRET_KEY" in done.stderr
    assert "Traceback" not in done.stderr
