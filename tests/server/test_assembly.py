"""The program put together."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from bot.triage.engine import TriageEngine
from bot.triage.rules import PATTERNS, read_rules
from server import assembly
from server.assembly import Service


def test_warming_up_goes_on_where_a_part_fails(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise OSError("no file")

    warmed: list[str] = []
    said: list[tuple[str, str]] = []
    triage = TriageEngine(read_rules(PATTERNS), None)
    monkeypatch.setattr(triage, "warm_up", fails)
    monkeypatch.setattr(assembly, "warm_up_detection", lambda: warmed.append("detection"))
    monkeypatch.setattr(assembly, "log", SimpleNamespace(error=lambda event, error: said.append((event, error))))
    replace(service, triage=triage).warm_up()
    assert warmed == ["detection"]
    assert said == [("warm_up.failed", "OSError('no file')")]
