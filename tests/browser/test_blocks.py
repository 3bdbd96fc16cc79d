"""The page of blocked residents, and a conversation with a recorded message on a watched phone, with nothing that axe-core finds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, expect

from server.blocks import service as blocks
from server.conversations.turn import Channel
from server.twilio.standin.records import recorded_sound
from server.voicemail import service as voicemail
from tests.browser.conftest import Site
from tests.browser.test_review import faults, signed_in
from tests.server.harness import Resident
from tests.server.staffroom import make_user

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def conversations(site: Site) -> tuple[str, str]:
    """Somebody who threatens, and a caller who cannot speak freely and left a recorded message."""
    make_user(site.service, "sam", "supervisor")
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, made(site)).result()


async def made(site: Site) -> tuple[str, str]:
    spine, keys = site.service.spine, site.service.keys
    writer, caller = Resident(spine), Resident(spine, channel=Channel.IVR)
    await writer.says("you will all pay for this")
    await caller.says("can't talk he is here", contact=keys.seal("+15555550161"))
    with site.service.sessions.begin() as session:
        conversation = session.merge(caller.conversation())
        for number, seconds in enumerate((9, 41)):
            kept = voicemail.keep(session, conversation=conversation, recording=f"RE{number}", seconds=seconds)
            kept.audio = keys.seal_bytes(recorded_sound(1))
        voicemail.unreadable(session, voicemail=kept)
        for length in ("hour", "week"):
            threat = writer.conversation().reference
            one = blocks.block(session, reference=threat, reason="Threats to three agents.", length=length, by="sam")
            if length == "hour":
                blocks.lift(session, block_id=one.id, by="sam")
    return writer.conversation().reference, caller.conversation().reference


@pytest.mark.parametrize("lang", ["en", "es"])
@pytest.mark.parametrize("width", [360, 1280])
def test_at_any_width(open_page: Open, conversations: tuple[str, str], lang: str, width: int) -> None:
    threat, watched = conversations
    page = signed_in(open_page, "sam", f"/console/blocks/?c={threat}&lang={lang}", width=width, bypass_csp=True)
    expect(page.locator("#reference")).to_have_value(threat)
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(f"/desk/c/{watched}?lang={lang}")
    expect(page.locator("audio")).to_have_count(2)
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_message_is_played_from_our_own_server(open_page: Open, conversations: tuple[str, str]) -> None:
    page = signed_in(open_page, "sam", f"/desk/c/{conversations[1]}")
    length = page.evaluate(
        "async () => { const one = document.querySelector('audio'); "
        " await new Promise((done, failed) => { one.onloadedmetadata = done; one.onerror = failed; one.preload = 'auto'; one.load(); });"
        " return one.duration; }"
    )
    assert length == pytest.approx(1, abs=0.1)
