"""Health, errors, headers, and every described route under arbitrary requests."""

from __future__ import annotations

import contextlib
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Err

from server.app import create_app
from server.assembly import Service
from server.errors import NotReady
from server.settings import Mode
from tests.server.harness import Resident, failing, running
from tests.server.staffroom import SAME_SITE


async def test_health_readiness_and_counts(client: httpx.AsyncClient, menu_service: Service) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["ready"], ready.json()["mode"]) == (200, True, "training")
    assert ready.json()["parts"]["assistant"] == "keyword menu", "a part that has stepped down is named"
    await Resident(menu_service.spine).says("my number is 212 555 0123, where is a shelter")
    counts = (await client.get("/metrics")).text
    assert "spillway_turns_total" in counts
    assert "555 0123" not in counts
    assert "5550123" not in counts


async def test_not_ready_while_the_database_is_away(client: httpx.AsyncClient, menu_service: Service) -> None:
    with failing(menu_service.engine, "SELECT 1"):
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["parts"]["database"]) == (503, "down")
    assert (await client.get("/readyz")).status_code == 200


async def test_the_front_door_leads_to_the_chat(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/chat/")


@pytest.mark.parametrize(
    "path", ["/nothing", "/desk/c/", "/twilio", "/static/../settings.py", "/static/%2e%2e/settings.py", "/%00"]
)
async def test_what_is_not_there(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code in (404, 405)
    for person in ("text/html", "application/json"):
        page = await client.get(path, headers={"accept": person})
        assert "Traceback" not in page.text
        assert "911" in page.text or person == "application/json"


@pytest.mark.parametrize("path", ["/healthz", "/desk/", "/chat/", "/sign-in", "/nothing", "/openapi.json"])
async def test_every_answer_carries_the_policy_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in ("same-origin", "no-referrer"), "no other site learns what was read here"


async def test_a_fault_of_ours_is_a_page_with_the_911_line(app: FastAPI, menu_service: Service) -> None:
    async with running(app) as client:
        with failing(menu_service.engine, "SELECT staff", "SELECT"):
            answer = await client.post(
                "/sign-in", data={"name": "ana", "password": "x"}, headers={**SAME_SITE, "accept": "text/html"}
            )
    assert answer.status_code >= 500
    assert "911" in answer.text
    assert "lost on purpose" not in answer.text


def test_live_mode_names_each_gap(menu_service: Service) -> None:
    live = menu_service.settings.model_copy(update={"mode": Mode.LIVE})
    with pytest.raises(NotReady) as error:
        create_app(live, service=menu_service)
    for gap in ("SPILLWAY_PUBLIC_URL", "Two staff accounts", "has a second factor"):
        assert gap in error.value.safe_text


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_described_route_fails(app: FastAPI, mode: GenerationMode) -> None:
    """Every operation of /openapi.json is sent requests that fit its description, and requests that do not."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    sent: list[str] = []
    for operation in (result.ok() for result in schema.get_all_operations() if not isinstance(result, Err)):
        if operation.path.endswith("/events"):
            continue  # A stream has no end to wait for.

        @settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)
        @given(case=operation.as_strategy(mode))
        def send(case: Any) -> None:
            # The caller's own dictionary gets schemathesis's headers put into it.
            response = case.call(headers={**SAME_SITE})
            assert response.status_code < 500, (case.as_curl_command(), response.text)
            sent.append(case.path)

        with contextlib.suppress(Unsatisfiable):
            send()
    assert sent
    assert len(set(sent)) >= 5 or mode is GenerationMode.NEGATIVE, "few operations can be asked wrongly"
