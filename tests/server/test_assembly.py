"""The program put together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from bot.triage.engine import TriageEngine
from bot.triage.rules import PATTERNS, read_rules
from server import assembly
from server.assembly import Service


def test_warming_up_goes_on_where_a_part_fails(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise OSError("no file")

    warmed: list[str] = []
    triage = TriageEngine(read_rules(PATTERNS), None)
    monkeypatch.setattr(triage, "warm_up", fails)
    monkeypatch.setattr(assembly, "warm_up_detection", lambda: warmed.append("detection"))
    with capture_logs() as said:
        replace(service, triage=triage).warm_up()
    assert warmed == ["detection"]
    assert [(entry["event"], entry["log_level"]) for entry in said] == [("warm_up.failed", "error")]
