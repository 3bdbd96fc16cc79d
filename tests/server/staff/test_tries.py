"""Who guesses at the sign-in waits, wherever they guess from, and keeps nobody out of the browser they used before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta

import httpx
import pytest
import time_machine
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from server import clock
from server.assembly import Service
from server.audit.models import AuditRow
from server.database.engine import make_engine, make_sessions
from server.staff import access
from server.staff.models import StaffFailure, StaffUser
from server.staff.service import add_user, reset_user
from server.staff.tries import STRANGERS, note_failure, waits
from server.staff.visitors import MOST, PREFIX, Source, Visitor
from tests.server.harness import rows, running
from tests.server.staff.test_second_factor import code_of, enrol
from tests.server.staffroom import PASSWORD, SAME_SITE, make_user, sign_in, signed_in


@pytest.fixture
def frozen() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel("2026-09-30T12:00:00+00:00", tick=False) as coordinates:
        yield coordinates


class Street:
    """Browsers elsewhere, each with an address of its own."""

    def __init__(self, app: FastAPI, stack: AsyncExitStack) -> None:
        self._app, self._stack = app, stack

    async def browser(self, address: str) -> httpx.AsyncClient:
        client = await self._stack.enter_async_context(running(self._app))
        client.headers["x-forwarded-for"] = address
        return client


@pytest.fixture
async def street(app: FastAPI) -> AsyncIterator[Street]:
    async with AsyncExitStack() as stack:
        yield Street(app, stack)


async def guess(client: httpx.AsyncClient, times: int) -> None:
    for number in range(times):
        assert (await sign_in(client, password=f"guess {number}")).status_code == 403


def known(client: httpx.AsyncClient) -> dict[str, str]:
    return {cookie.name: cookie.value or "" for cookie in client.cookies.jar if cookie.name.startswith(PREFIX)}


async def test_who_guesses_waits_where_they_are_and_nobody_else_does(
    menu_service: Service, street: Street, frozen: time_machine.Coordinates
) -> None:
    make_user(menu_service)
    stranger, neighbour, elsewhere = [await street.browser(f"198.51.100.{last}") for last in (7, 7, 8)]
    await guess(stranger, 9)
    assert (await sign_in(neighbour)).status_code == 403, "the right one, too, from that address"
    assert (await sign_in(elsewhere)).status_code == 303
    frozen.shift(timedelta(seconds=31))
    assert (await sign_in(neighbour)).status_code == 303, "five were counted; those made meanwhile were not looked at"
    failed = rows(menu_service, AuditRow, AuditRow.action == "staff.sign_in_failed")
    assert [row.detail for row in failed] == [{"known_browser": False}] * 5


async def test_strangers_from_everywhere_lock_strangers_out_and_no_known_browser(
    menu_service: Service, street: Street, frozen: time_machine.Coordinates
) -> None:
    make_user(menu_service, role="approver")
    phone = await street.browser("203.0.113.5")
    assert (await sign_in(phone)).status_code == 303
    await phone.post("/sign-out", headers=SAME_SITE)
    for last in range(STRANGERS // 5):
        await guess(await street.browser(f"198.51.100.{last}"), 5)
    assert (await sign_in(await street.browser("192.0.2.1"))).status_code == 403, "a stranger for all we know"
    phone.headers["x-forwarded-for"] = "198.51.100.1"
    assert (await sign_in(phone)).status_code == 303, "her own phone, even behind the address of one who guesses"
    assert (await phone.get("/console/")).status_code == 200
    frozen.shift(timedelta(minutes=61))
    assert (await sign_in(await street.browser("192.0.2.1"))).status_code == 303


async def test_a_known_browser_guesses_no_faster(menu_service: Service, street: Street, frozen: time_machine.Coordinates) -> None:
    make_user(menu_service)
    phone = await street.browser("203.0.113.5")
    await sign_in(phone)
    await guess(phone, 6)
    phone.headers["x-forwarded-for"] = "203.0.113.6"
    assert (await sign_in(phone)).status_code == 403, "another address does not help it"
    assert (await sign_in(await street.browser("203.0.113.5"))).status_code == 303, "it is counted apart from strangers"
    frozen.shift(timedelta(seconds=31))
    assert (await sign_in(phone)).status_code == 303
    assert {row.known for row in rows(menu_service, StaffFailure)} == set(), "a sign-in begins the count anew"


async def test_what_a_browser_is_known_by(menu_service: Service, street: Street, frozen: time_machine.Coordinates) -> None:
    make_user(menu_service)
    make_user(menu_service, "ben")
    phone = await street.browser("203.0.113.5")
    answer = await sign_in(phone)
    (cookie,) = [value for value in answer.headers.get_list("set-cookie") if value.startswith(PREFIX)]
    for part in ("HttpOnly", "SameSite=strict", "Path=/sign-in", "Max-Age=15552000"):
        assert part in cookie
    ((name, value),) = known(phone).items()
    assert "ana" not in name + value
    browser, issued, signature = value.split(".")
    visitor = Visitor("203.0.113.5", {name: value}, menu_service.keys)
    assert visitor.source("Ana ").known
    assert not visitor.source("ben").known, "nobody makes a browser known to another account with their own"
    for wrong in (
        "",
        ".",
        "..",
        "x",
        f"{browser}x.{issued}.{signature}",
        f"{browser}.{int(issued) + 1}.{signature}",
        f"ñ.٣.{signature}",
    ):
        assert not Visitor("203.0.113.5", {name: wrong}, menu_service.keys).source("ana").known, wrong
    frozen.shift(timedelta(days=181))
    assert not visitor.source("ana").known


async def test_a_shared_station_is_known_to_the_last_few(
    menu_service: Service, street: Street, frozen: time_machine.Coordinates
) -> None:
    station = await street.browser("203.0.113.5")
    for number in range(MOST + 1):
        make_user(menu_service, f"agent{number}")
        assert (await sign_in(station, f"agent{number}")).status_code == 303
        frozen.shift(timedelta(minutes=1))
    assert len(known(station)) == MOST
    held = Visitor("", known(station), menu_service.keys)
    assert [held.source(f"agent{number}").known for number in range(MOST + 1)] == [False] + [True] * MOST


async def test_a_browser_is_known_only_once_the_code_was_right(
    client: httpx.AsyncClient, menu_service: Service, street: Street, frozen: time_machine.Coordinates
) -> None:
    await signed_in(client, menu_service, "approver")
    secret, _ = await enrol(client)
    frozen.shift(timedelta(seconds=31))
    thief = await street.browser("198.51.100.7")
    assert (await sign_in(thief)).status_code == 200, "the password is right"
    for _ in range(6):
        await thief.post("/sign-in/code", data={"code": "000000"}, headers=SAME_SITE)
    assert not known(thief)
    right = {"code": code_of(secret)}
    assert (await thief.post("/sign-in/code", data=right, headers=SAME_SITE)).status_code == 403, "five codes, then a wait"
    phone = await street.browser("203.0.113.5")
    await sign_in(phone)
    assert (await phone.post("/sign-in/code", data=right, headers=SAME_SITE)).status_code == 303
    assert known(phone)


async def test_a_reset_takes_the_waiting_away(menu_service: Service, street: Street, frozen: time_machine.Coordinates) -> None:
    make_user(menu_service)
    stranger = await street.browser("198.51.100.7")
    await guess(stranger, 6)
    with menu_service.sessions.begin() as session:
        first = reset_user(session, name="ana", actor="cruz")
    assert (await sign_in(stranger, password=first)).status_code == 303


async def test_a_flood_of_strangers_leaves_room_for_those_who_are_known(menu_service: Service, street: Street) -> None:
    make_user(menu_service)
    phone = await street.browser("203.0.113.5")
    await sign_in(phone)
    strangers = [await street.browser(f"198.51.100.{last}") for last in range(10)]
    flood = [sign_in(one, "nobody", "wrong") for one in strangers for _ in range(8)]
    *answers, entered = await asyncio.gather(*flood, sign_in(phone))
    assert {answer.status_code for answer in answers} == {403, 503}, "their line is full"
    assert entered.status_code == 303
    assert access.COOKIE in entered.headers["set-cookie"]


@settings(max_examples=12)
@given(addresses=st.integers(1, 12), minutes=st.integers(1, 20))
def test_however_many_guess_few_guesses_are_looked_at(addresses: int, minutes: int) -> None:
    engine = make_engine("sqlite://")
    StaffUser.metadata.create_all(engine)
    looked = []
    with make_sessions(engine)() as session, time_machine.travel("2026-09-30T12:00:00+00:00", tick=False) as now:
        add_user(session, name="ana", role="approver", actor="tests", password=PASSWORD)
        for _ in range(6 * 60 // minutes):
            looked += [clock.now() for number in range(addresses) if _tried(session, Source(f"address:{number}", False))]
            assert not waits(session, user=_ana(session), source=Source("browser:hers", True))
            now.shift(timedelta(minutes=minutes))
    engine.dispose()
    for begin in looked:
        assert sum(begin <= one < begin + timedelta(hours=1) for one in looked) <= STRANGERS


def _tried(session: Session, source: Source) -> bool:
    if waits(session, user=_ana(session), source=source):
        return False
    note_failure(session, user=_ana(session), source=source)
    session.flush()
    return True


def _ana(session: Session) -> StaffUser:
    return session.query(StaffUser).one()
