"""The command line on a data directory of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from server.settings import ROOT, Settings, get_settings

Command = Callable[..., Result]
SPILLWAY = Path(sys.executable).parent / "spillway"


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command in this process, on the test's own installation."""
    monkeypatch.setenv("SPILLWAY_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("SPILLWAY_DATABASE_URL", settings.database)
    return run


def run(*arguments: str | Path, expect: int = 0, typed: str | None = None) -> Result:
    """Runs `spillway ARGUMENTS`; an error made on purpose counts as exit code 2, as it does in the terminal."""
    from server.cli.main import app
    from server.errors import SpillwayError

    get_settings.cache_clear()
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=typed)
    code = 2 if isinstance(result.exception, SpillwayError) else result.exit_code
    assert code == expect, (result.output, result.exception)
    return result


@pytest.fixture
def terminal(shared_data_dir: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a command as a process of its own, on an installation with trained models."""

    def start(*arguments: str, stdin: str = "", timeout: float = 240, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "SPILLWAY_DATA_DIR": str(shared_data_dir), "COLUMNS": "200", **more}
        return subprocess.run(
            [str(SPILLWAY), *arguments],
            input=stdin,
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return start
