from __future__ import annotations

from datetime import timedelta

import pytest

from bot.channels.web import delivery
from server import clock
from server.conversations.models import Conversation
from server.http.deps import ChannelDeps
from server.outbox.models import OutboundMessage
from tests.bot.channels.web.conftest import Browser


@pytest.mark.parametrize(
    ("speaker", "emergency", "moved", "old", "state"),
    [
        ("bot", False, False, False, "sent"),
        ("bot", False, True, False, "dropped"),
        ("bot", False, False, True, "expired"),
        ("bot", True, True, True, "sent"),
        ("agent", False, True, True, "sent"),
        ("system", False, True, False, "sent"),
        ("system", False, False, True, "expired"),
    ],
)
async def test_a_waiting_text_leaves_only_while_it_may_be_said(
    browser: Browser, deps: ChannelDeps, speaker: str, emergency: bool, moved: bool, old: bool, state: str
) -> None:
    await browser.says("where is a shelter")
    now = clock.now()
    with deps.sessions.begin() as session:
        conversation = session.get_one(Conversation, browser.conversations()[0].id)
        row = OutboundMessage(
            conversation_id=conversation.id,
            dedupe_key="later",
            channel="web",
            speaker=speaker,
            owner_version=conversation.owner_version - moved,
            emergency=emergency,
            text="Later words",
            state="queued",
            created_at=now,
            valid_until=now - timedelta(seconds=1) if old else now + timedelta(minutes=5),
        )
        session.add(row)
    talk = await browser.history()
    assert ("Later words" in str(talk)) is (state == "sent")
    with deps.sessions.begin() as session:
        kept = session.get_one(OutboundMessage, row.id)
        assert kept.state == state
        assert delivery.let_out(session, conversation_ids=[kept.conversation_id]) == []


async def test_a_turn_taken_up_after_a_crash_reaches_the_page(browser: Browser, deps: ChannelDeps) -> None:
    from server.conversations.turn import Channel, Inbound

    await browser.says("hello")
    key = browser.conversations()[0].key
    await deps.spine.handle(Inbound(Channel.WEB, f"{key}:lost", key, "where is a shelter"), inline=False)
    last = (await browser.history())["messages"][-1]
    assert (last["client_id"], last["speaker"]) == ("lost", "bot")
    assert "Lincoln High School" in last["parts"][0]["text"]
