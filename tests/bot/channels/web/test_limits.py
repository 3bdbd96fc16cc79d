from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from bot.channels.web.limits import Limiter
from server.http.peers import client_address
from server.settings import Settings
from tests.bot.channels.web.conftest import Clock


@given(gaps=st.lists(st.floats(0, 30), max_size=150))
def test_no_minute_holds_more_than_the_limit_and_waiting_as_told_helps(gaps: list[float]) -> None:
    clock = Clock()
    limiter = Limiter(per_session=5, per_address=100, time_of=clock)
    passed: list[float] = []
    for gap in gaps:
        clock.seconds += gap
        wait = limiter.wait_for(session="s", address="a")
        if wait:
            assert 1 <= wait <= 60
            clock.seconds += wait
            assert limiter.wait_for(session="s", address="a") == 0
        passed.append(clock.seconds)
        assert sum(clock.seconds - at < 60 for at in passed) <= 5


def test_others_are_not_held_up_by_one_browser_but_an_address_has_a_limit() -> None:
    limiter = Limiter(per_session=2, per_address=3, time_of=Clock())
    assert [bool(limiter.wait_for(session=s, address="a")) for s in ("x", "x", "x", "y", "y")] == [False, False, True, False, True]
    assert limiter.wait_for(session="x2", address="b") == 0


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "6.6.6.6, 198.51.100.1, 10.9.9.9", "198.51.100.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "nonsense", "nonsense"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("testclient", "", "testclient"),
    ],
)
def test_only_our_own_proxies_tell_who_somebody_is(peer: str, forwarded: str, address: str) -> None:
    settings = Settings(trusted_proxies=("127.0.0.1", "10.0.0.0/8"))
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    request = Request({"type": "http", "headers": headers, "client": (peer, 1)})
    assert client_address(request, settings) == address
