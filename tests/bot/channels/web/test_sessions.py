from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.web.routes import router
from bot.channels.web.sessions import known_session, new_session
from server.http.deps import ChannelDeps
from server.identity.keys import Keys

KEYS = Keys.from_secret("k" * 32)
OTHER = Keys.from_secret("o" * 32)


def test_a_session_is_known_again_and_its_key_does_not_tell_it() -> None:
    made = new_session(KEYS)
    again = known_session(made.token, KEYS)
    assert again is not None
    assert again.key == made.key
    identity = made.token.partition(".")[0]
    assert len(identity) == 22
    assert identity not in made.key


def test_no_two_are_alike() -> None:
    assert len({new_session(KEYS).key for _ in range(200)}) == 200


def test_a_session_signed_with_another_key_is_unknown() -> None:
    assert known_session(new_session(OTHER).token, KEYS) is None


@given(st.text(max_size=80))
def test_what_we_did_not_issue_is_unknown(token: str) -> None:
    assert known_session(token, KEYS) is None


@given(place=st.integers(0, 54), letter=st.sampled_from("abcXYZ019_-."))
def test_a_changed_one_is_unknown(place: int, letter: str) -> None:
    token = new_session(KEYS).token
    changed = token[:place] + letter + token[place + 1 :]
    assert changed == token or known_session(changed, KEYS) is None


@pytest.mark.parametrize(
    ("public_url", "secure"), [("https://311.example.gov", True), ("http://127.0.0.1:8311", False), ("", False)]
)
async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(deps: ChannelDeps, public_url: str, secure: bool) -> None:
    settings = deps.settings.model_copy(update={"public_url": public_url})
    app = FastAPI()
    app.include_router(router(ChannelDeps(settings, deps.spine, deps.library, deps.keys, deps.sessions, deps.wake)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as http:
        response = await http.post("/chat/sessions")
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/chat" in cookie
    assert ("secure" in cookie) is secure
    assert response.json()["session"] in response.headers["set-cookie"]
    assert response.headers["cache-control"] == "no-store"


async def test_a_session_that_is_there_is_given_back(http: httpx.AsyncClient) -> None:
    first = (await http.post("/chat/sessions")).json()["session"]
    assert (await http.post("/chat/sessions")).json()["session"] == first


async def test_the_header_carries_a_session_where_there_are_no_cookies(chat_app: FastAPI) -> None:
    transport = httpx.ASGITransport(chat_app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        token = (await http.post("/chat/sessions")).json()["session"]
    headers = {"x-spillway-session": token}
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        await http.post("/chat/messages", json={"text": "where is a shelter", "client_id": "a"}, headers=headers)
        http.cookies.clear()
        assert len((await http.get("/chat/messages", headers=headers)).json()["messages"]) == 2
        http.cookies.clear()
        other = (await http.post("/chat/sessions")).json()["session"]
        http.cookies.clear()
        assert (await http.get("/chat/messages", headers={"x-spillway-session": other})).json()["messages"] == []
