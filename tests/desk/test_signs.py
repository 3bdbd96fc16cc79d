"""That an agent writes, over the wire of the desk: a sign from who has the chat, and from nobody else."""

from __future__ import annotations

import httpx
from fastapi import FastAPI

from server.assembly import Service
from server.conversations.signs import Signs
from server.conversations.turn import Channel
from tests.server.harness import Resident
from tests.server.staffroom import SAME_SITE, signed_in


async def test_only_who_has_the_chat_gives_a_sign(client: httpx.AsyncClient, app: FastAPI, menu_service: Service) -> None:
    writer = Resident(menu_service.spine, channel=Channel.WEB)
    reference = (await writer.says("agent")).conversation
    conversation, signs = writer.conversation(), app.state.signs
    assert isinstance(signs, Signs)
    address = f"/desk/c/{reference}/signs"
    assert (await client.post(address, headers=SAME_SITE)).status_code in (303, 401, 403)
    await signed_in(client, menu_service)
    assert (await client.post(address, headers=SAME_SITE)).status_code == 204
    assert signs.of(conversation.id).agent_until == 0
    await client.post(f"/desk/c/{reference}/take", headers=SAME_SITE)
    assert (await client.post(address, headers=SAME_SITE)).status_code == 204
    assert signs.left(signs.of(conversation.id).agent_until) > 0
    page = (await client.get(f"/desk/c/{reference}")).text
    assert 'id="sign"' in page
    assert "The resident is writing" in page
    await client.post(f"/desk/c/{reference}/say", data={"text": "Hello"}, headers=SAME_SITE)
    assert signs.of(conversation.id).agent_until == 0, "what was written is there"
    assert (await client.post("/desk/c/HC-NOTHING/signs", headers=SAME_SITE)).status_code == 404


async def test_a_text_message_has_no_signs(client: httpx.AsyncClient, app: FastAPI, menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    reference = (await writer.says("agent")).conversation
    await signed_in(client, menu_service)
    await client.post(f"/desk/c/{reference}/take", headers=SAME_SITE)
    assert (await client.post(f"/desk/c/{reference}/signs", headers=SAME_SITE)).status_code == 204
    assert app.state.signs.of(writer.conversation().id).agent_until == 0
    assert 'id="sign"' not in (await client.get(f"/desk/c/{reference}")).text
