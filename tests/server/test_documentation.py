"""Every setting, command, route, metric and permission is in docs/reference.md, under the name that the code gives it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
import typer.main
from click import Group
from fastapi import FastAPI
from fastapi.routing import APIRoute
from prometheus_client.metrics import MetricWrapperBase

from server import metrics
from server.settings import ROOT, Settings
from server.staff.permissions import PERMISSIONS

REFERENCE: Final = (ROOT / "docs" / "reference.md").read_text("utf-8")
TAKEN_APART: Final = re.findall(r"`([^`]+)`", REFERENCE)


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_setting(name: str) -> None:
    assert f"`SPILLWAY_{name.upper()}`" in REFERENCE


def test_every_setting_says_what_it_is_for() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def commands() -> Iterator[str]:
    """Every command with the words before it, as it is typed."""
    from server.cli.main import app

    def walk(command: Any, words: tuple[str, ...]) -> Iterator[str]:
        if isinstance(command, Group):
            for name, inner in command.commands.items():
                yield from walk(inner, (*words, name))
        else:
            yield " ".join(words)

    yield from walk(typer.main.get_command(app), ())


@pytest.mark.parametrize("command", list(commands()))
def test_command(command: str) -> None:
    assert any(re.search(rf"(^|spillway ){re.escape(command)}\b", written) for written in TAKEN_APART), command


def test_every_command_says_what_it_does() -> None:
    from server.cli.main import app

    def walk(command: Any) -> Iterator[Any]:
        yield command
        for inner in getattr(command, "commands", {}).values():
            yield from walk(inner)

    for command in walk(typer.main.get_command(app)):
        assert (command.help or "").strip(), command.name


def routes(routed: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and path of everything that is served, through routers that include others."""
    for route in routed:
        if isinstance(route, APIRoute):
            yield from ((method, prefix + route.path) for method in sorted(route.methods or ()))
        elif (inner := getattr(route, "original_router", None)) is not None:
            context = getattr(route, "include_context", None)
            yield from routes(inner.routes, prefix + getattr(context, "prefix", ""))


def test_routes(app: FastAPI) -> None:
    written = {
        (method, path)
        for line in TAKEN_APART
        if (match := re.fullmatch(r"(GET|POST) (/\S*)", line))
        for method, path in [match.groups()]
    }
    served = {(method, path) for method, path in routes(app.routes) if method in ("GET", "POST") and path != "/"}
    assert served, "the routes were found"
    families = tuple(path for _, path in written if path.endswith("/") and path != "/")
    missing = {
        (method, path)
        for method, path in served - written
        if not (path.startswith(families) and path.startswith(("/simulator/", "/chat/")))
    }
    assert not missing
    assert {path for _, path in written} <= {path for _, path in served} | {"/openapi.json"}, "what is described is served"


@pytest.mark.parametrize(
    "metric", [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)], ids=lambda m: m._name
)
def test_metric(metric: Any) -> None:
    assert f"`{metric._name}`" in REFERENCE
    row = next(line for line in REFERENCE.splitlines() if f"`{metric._name}`" in line)
    for label in metric._labelnames:
        assert re.search(rf"\b{label}\b", row), label


@pytest.mark.parametrize(("permission", "roles"), list(PERMISSIONS.items()))
def test_permission(permission: str, roles: frozenset[str]) -> None:
    row = next((line for line in REFERENCE.splitlines() if f"`{permission}`" in line), "")
    assert row
    assert all(role in row for role in roles)
