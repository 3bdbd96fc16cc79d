from __future__ import annotations

import httpx
from fastapi import FastAPI

from desk import reply, service
from server.conversations.models import Conversation
from server.database.engine import reading
from server.http.deps import ChannelDeps
from tests.bot.channels.web.conftest import Browser


def agent_says(deps: ChannelDeps, text: str, *, accept: bool = True) -> int:
    """A person takes the newest web conversation and writes; gives its number."""
    with deps.sessions.begin() as session:
        conversation = session.query(Conversation).filter_by(channel="web").order_by(Conversation.id.desc()).first()
        assert conversation is not None
        if accept:
            handoff = service.open_handoff(session, conversation=conversation, reason="user_request", text="")
            service.accept(session, handoff_id=handoff.id, agent="kim")
        reply.say_typed(session, conversation=conversation, agent="kim", text=text)
        number = conversation.id
    deps.wake.stored(number)
    return number


async def test_both_sides_come_in_order_with_their_languages(browser: Browser) -> None:
    await browser.says("where is a shelter")
    await browser.says("¿Es seguro tomar el agua de la llave en mi casa?")
    talk = await browser.history()
    assert [each["speaker"] for each in talk["messages"]] == ["resident", "bot", "resident", "bot"]
    assert [each["parts"][0]["lang"] for each in talk["messages"]][2:] == ["es", "es"]
    assert [each["client_id"] for each in talk["messages"]] == [browser.sent[0]] * 2 + [browser.sent[1]] * 2
    assert talk["last"] == talk["messages"][-1]["id"]


async def test_after_a_number_everything_newer_is_there(browser: Browser) -> None:
    first = await browser.says("where is a shelter")
    second = await browser.says("my power is out")
    talk = await browser.history(after=first["id"])
    assert second["id"] in [each["id"] for each in talk["messages"]]
    assert browser.sent[1] in [each["client_id"] for each in talk["messages"]]


async def test_a_number_of_somebody_else_tells_nothing_of_them(browser: Browser, chat_app: FastAPI) -> None:
    secret = await browser.says("my secret question about a shelter")
    transport = httpx.ASGITransport(chat_app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        other = Browser(http, browser.deps)
        await other.says("hello")
        talk = await other.history(after=secret["id"])
        assert "secret" not in str(talk)
        assert secret["reference"] not in str(talk)


async def test_what_a_person_writes_is_shown_as_plain_words(browser: Browser, deps: ChannelDeps) -> None:
    await browser.says("agent")
    agent_says(deps, "Hello <b>there</b> & welcome")
    talk = await browser.history()
    last = talk["messages"][-1]
    assert (talk["owner"], last["speaker"]) == ("agent", "agent")
    assert last["parts"][0]["text"] == "Hello <b>there</b> & welcome"
    page = (await browser.http.get("/chat/")).text
    assert "Hello &lt;b&gt;there&lt;/b&gt; &amp; welcome" in page
    assert "A person from 311 is with you" in page


async def test_while_a_person_speaks_the_assistant_is_silent_except_for_emergencies(browser: Browser, deps: ChannelDeps) -> None:
    await browser.says("agent")
    agent_says(deps, "Hello")
    assert (await browser.says("where is a shelter"))["parts"] == []
    assert (await browser.says("there is a fire in my kitchen"))["parts"][0]["role"] == "card"


async def test_a_pressed_number_is_shown_with_the_words_of_its_button(browser: Browser) -> None:
    menu = await browser.says("xyzzy plugh")
    await browser.says("2")
    shown = [each["parts"][0]["text"] for each in (await browser.history())["messages"] if each["speaker"] == "resident"]
    assert shown == ["xyzzy plugh", menu["options"][1]["label"]]


async def test_buttons_stand_under_the_last_answer_only(browser: Browser) -> None:
    await browser.says("xyzzy plugh")
    assert (await browser.history())["messages"][-1]["options"]
    await browser.says("where is a shelter")
    assert not any(each["options"] for each in (await browser.history())["messages"])


async def test_a_closed_conversation_stays_readable_and_the_next_message_opens_a_new_one(
    browser: Browser, deps: ChannelDeps
) -> None:
    await browser.says("agent")
    agent_says(deps, "All done, take care.")
    with deps.sessions.begin() as session:
        conversation = session.get_one(Conversation, browser.conversations()[-1].id)
        service.close(session, conversation=conversation, agent="kim")
    assert (await browser.history())["owner"] == "closed"
    reply = await browser.says("where is a shelter")
    talk = await browser.history()
    assert talk["reference"] == reply["reference"]
    assert "All done, take care." in str(talk["messages"])
    with reading(deps.sessions) as session:
        assert session.query(Conversation).filter_by(channel="web").count() == 2
