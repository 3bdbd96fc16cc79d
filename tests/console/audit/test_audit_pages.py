"""The audit as supervisors read it: filters, pages, export, the proof."""

from __future__ import annotations

import csv
import io
import re

import httpx
import pytest
from sqlalchemy import text

from server.assembly import Service
from server.audit.service import record
from server.staff.permissions import PERMISSIONS
from server.staff.service import ROLES
from tests.server.staffroom import SAME_SITE, signed_in


def write(service: Service, *acts: tuple[str, str, str], detail: dict[str, str] | None = None) -> None:
    with service.sessions.begin() as session:
        for actor, action, subject in acts:
            record(session, actor=actor, action=action, subject=subject, detail=detail)


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_read_it(client: httpx.AsyncClient, menu_service: Service, role: str) -> None:
    await signed_in(client, menu_service, role)
    expected = 200 if role in PERMISSIONS["audit.see"] else 403
    for path in ("/console/audit/", "/console/audit/acts.csv"):
        assert (await client.get(path)).status_code == expected, path
    assert (await client.post("/console/audit/check", headers=SAME_SITE)).status_code == expected


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("actor=ben", ("fact:shelter:arena",), ("card.gas@2",)),
        ("action=message.", ("card.gas@2",), ("fact:shelter:arena",)),
        ("subject=fact:shelter", ("fact:shelter:arena",), ("card.gas@2",)),
        ("since=2999-01-01", (), ("fact:shelter:arena", "card.gas@2")),
        ("until=2000-01-01", (), ("fact:shelter:arena", "card.gas@2")),
        ("actor=BEN&action=fact", ("fact:shelter:arena",), ("card.gas@2",)),
    ],
)
async def test_filters(
    client: httpx.AsyncClient, menu_service: Service, query: str, shown: tuple[str, ...], hidden: tuple[str, ...]
) -> None:
    write(menu_service, ("ben", "fact.put", "fact:shelter:arena"), ("zoe", "message.published", "card.gas@2"))
    await signed_in(client, menu_service, "supervisor")
    for path in ("/console/audit/", "/console/audit/acts.csv"):
        page = (await client.get(f"{path}?{query}")).text
        assert all(subject in page for subject in shown), path
        assert not any(subject in page for subject in hidden), path


async def test_older_acts_are_reached_page_by_page(client: httpx.AsyncClient, menu_service: Service) -> None:
    write(menu_service, *(("ben", "fact.put", f"fact:n{number}") for number in range(120)))
    await signed_in(client, menu_service, "supervisor")
    seen: list[str] = []
    path: str | None = "/console/audit/?actor=ben"
    while path:
        page = (await client.get(path)).text
        seen += [part.split("<")[0].strip() for part in page.split("fact:")[1:] if part.startswith("n")]
        older = re.findall(r'href="([^"]*before=[0-9]+)">Older', page)
        path = older[0].replace("&amp;", "&") if older else None
    assert seen == [f"n{number}" for number in reversed(range(120))]


async def test_the_export_holds_no_formula_and_every_act(client: httpx.AsyncClient, menu_service: Service) -> None:
    write(menu_service, ("=cmd|'/c calc'!A1", "fact.put", "@sum(1)"), detail={"note": 'ño, "quoted"\nline'})
    await signed_in(client, menu_service, "supervisor")
    answer = await client.get("/console/audit/acts.csv")
    found = list(csv.DictReader(io.StringIO(answer.text)))
    [row] = [row for row in found if row["action"] == "fact.put" and row["subject"] == "'@sum(1)"]
    assert row["actor"] == "'=cmd|'/c calc'!A1"
    assert "ño" in row["detail"]
    assert found[-1]["action"] == "audit.exported", "who took it away is on record, too"


async def test_a_page_shows_what_was_written_as_text(client: httpx.AsyncClient, menu_service: Service) -> None:
    write(menu_service, ("ben", "fact.put", "<script>alert(1)</script>"), detail={"x": "<img src=x onerror=alert(1)>"})
    await signed_in(client, menu_service, "supervisor")
    page = (await client.get("/console/audit/")).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page


async def test_the_proof_names_the_row_that_was_changed(client: httpx.AsyncClient, menu_service: Service) -> None:
    write(menu_service, ("ben", "fact.put", "fact:a"), ("ben", "fact.put", "fact:b"))
    await signed_in(client, menu_service, "supervisor")
    assert "The chain holds" in (await client.post("/console/audit/check", headers=SAME_SITE)).text
    with menu_service.sessions.begin() as session:
        row = session.scalar(text("SELECT id FROM audit WHERE subject = 'fact:a'"))
        session.execute(text("UPDATE audit SET actor = 'zoe' WHERE id = :row"), {"row": row})
    page = (await client.post("/console/audit/check?lang=es", headers=SAME_SITE)).text
    assert "La cadena está rota" in page
    assert f"La fila {row} " in page


@pytest.mark.parametrize("query", ["since=tomorrow", "until=2026-13-01", "since=0001-01-01x"])
async def test_a_day_that_is_none(client: httpx.AsyncClient, menu_service: Service, query: str) -> None:
    await signed_in(client, menu_service, "supervisor")
    assert (await client.get(f"/console/audit/?{query}")).status_code == 400
