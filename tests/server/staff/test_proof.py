"""The fresh proof: strangers cannot take it away, what was typed before it is kept, and a flood of sign-ins leaves room."""

from __future__ import annotations

import asyncio
import html
import re
import threading
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
import time_machine
from fastapi import FastAPI

from server.assembly import Service
from server.audit.models import AuditRow
from server.staff.models import StaffFailure, StaffSession, StaffUser
from server.staff.turnstile import Busy, Turnstile
from tests.server.harness import rows, running
from tests.server.staffroom import PASSWORD, SAME_SITE, sign_in, signed_in

REASON = 'The <wrong> gate & the "old" hours.\r\nSecond line: año.'
HERE = "http://testserver/console/people/"


@pytest.fixture
def frozen() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel("2026-09-30T12:00:00+00:00", tick=False) as coordinates:
        yield coordinates


async def post(client: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    return await client.post(path, data=fields, headers={**SAME_SITE, "accept": "text/html", "referer": HERE})


async def test_strangers_at_the_sign_in_keep_nobody_from_proving(
    app: FastAPI, client: httpx.AsyncClient, menu_service: Service, frozen: time_machine.Coordinates
) -> None:
    await signed_in(client, menu_service, "approver")
    async with running(app) as stranger:
        for _ in range(7):
            await sign_in(stranger, password="wrong")
        assert (await sign_in(stranger)).status_code == 403, "where they are, nothing is accepted"
    assert (await post(client, "/confirm", secret=PASSWORD)).status_code == 303
    assert len(rows(menu_service, StaffFailure)) == 5, "a proof elsewhere takes nothing from the count of the sign-in"


async def test_wrong_proofs_lock_their_session_alone_and_end_it(
    app: FastAPI, client: httpx.AsyncClient, menu_service: Service, frozen: time_machine.Coordinates
) -> None:
    await signed_in(client, menu_service, "approver")
    async with running(app) as other:
        await sign_in(other)
        for _ in range(5):
            assert (await post(client, "/confirm", secret="wrong")).status_code == 403
        assert (await post(client, "/confirm", secret=PASSWORD)).status_code == 403, "the right one, too, while it is locked"
        assert (await post(other, "/confirm", secret=PASSWORD)).status_code == 303
        frozen.shift(timedelta(seconds=31))
        assert (await post(client, "/confirm", secret=PASSWORD)).status_code == 303
        for _ in range(10):
            await post(client, "/confirm", secret="wrong")
            frozen.shift(timedelta(minutes=16))
            for one in (client, other):
                await one.get("/account")
        assert (await client.get("/account")).status_code == 303, "the session is over"
        assert (await other.get("/account")).status_code == 200
    failed = rows(menu_service, AuditRow, AuditRow.action == "staff.proof_failed")
    assert [row.detail["tries"] for row in failed][-1] == 10


async def test_a_form_is_kept_while_the_proof_is_asked_for(
    client: httpx.AsyncClient, menu_service: Service, frozen: time_machine.Coordinates
) -> None:
    await signed_in(client, menu_service, "administrator")
    frozen.shift(timedelta(minutes=31))
    asked = await post(client, "/console/people/?lang=es", name="ben", role="agent", reason=REASON)
    place = asked.headers["location"]
    assert place == "/confirm?next=%2Fconsole%2Fpeople%2F&kept=1"
    (row,) = rows(menu_service, StaffSession)
    assert "wrong" not in str(row.kept), "it is sealed"
    assert "se conserva" in (await client.get(f"{place}&lang=es")).text
    assert "Do it now" not in (await client.get(place)).text, "not before the proof"
    wrong = await post(client, "/confirm", secret="wrong", kept="1", next="/console/people/")
    assert 'name="kept"' in wrong.text
    proved = await post(client, "/confirm", secret=PASSWORD, kept="1", next="/console/people/")
    page = (await client.get(proved.headers["location"])).text
    fields = {html.unescape(name): html.unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', page)}
    assert fields == {"name": "ben", "role": "agent", "reason": REASON}
    assert "<wrong>" not in page
    (action,) = re.findall(r'method="post" action="(/console[^"]+)"', page)
    assert action == "/console/people/?lang=es"
    assert len(rows(menu_service, StaffUser)) == 1, "nothing is done by itself"
    assert (await post(client, action, **fields)).status_code == 200
    assert len(rows(menu_service, StaffUser)) == 2
    frozen.shift(timedelta(minutes=16))
    late = await client.get(proved.headers["location"])
    assert 'id="secret"' in late.text, "a form is not kept for ever"


@pytest.mark.parametrize("form", ["file", "long", "account"])
async def test_what_is_not_kept(
    client: httpx.AsyncClient, menu_service: Service, frozen: time_machine.Coordinates, form: str
) -> None:
    await signed_in(client, menu_service, "administrator")
    frozen.shift(timedelta(minutes=31))
    path = "/password" if form == "account" else "/console/people/"
    data = {"name": "x" * 50_000} if form == "long" else {"new": "a new password", "name": "ben"}
    files = {"file": ("a.csv", b"a,b")} if form == "file" else None
    asked = await client.post(path, data=data, files=files, headers={**SAME_SITE, "accept": "text/html"})
    assert asked.status_code == 303
    assert asked.headers["location"].startswith("/confirm")
    assert "kept" not in asked.headers["location"]
    assert rows(menu_service, StaffSession)[0].kept is None


async def test_two_checks_run_and_one_address_cannot_fill_the_line() -> None:
    turnstile = Turnstile(at_once=2, waiting=6, of_one=4)
    go, running_now, most = threading.Event(), 0, 0
    lock = threading.Lock()

    def work() -> str:
        nonlocal running_now, most
        with lock:
            running_now += 1
            most = max(most, running_now)
        go.wait()
        with lock:
            running_now -= 1
        return "done"

    waiting = [asyncio.create_task(turnstile.run(work, address="flood")) for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await turnstile.run(work, address="flood")
    waiting += [asyncio.create_task(turnstile.run(work, address=f"office {number}")) for number in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await turnstile.run(work, address="late")
    go.set()
    assert await asyncio.gather(*waiting) == ["done"] * 6
    assert most <= 2
    assert await turnstile.run(work, address="flood") == "done"


async def test_a_flood_of_sign_ins_is_told_to_wait_and_others_are_served(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "approver")
    wrong = {"name": "ana", "password": "wrong"}
    flood = [client.post("/sign-in?lang=es", data=wrong, headers=SAME_SITE) for _ in range(20)]
    *answers, page = await asyncio.gather(*flood, client.get("/account"))
    assert page.status_code == 200
    busy = [answer for answer in answers if answer.status_code == 503]
    assert busy
    assert "Ahora mismo entran demasiadas personas" in busy[0].text
    assert {answer.status_code for answer in answers} == {403, 503}
