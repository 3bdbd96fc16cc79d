"""The pages of staff over a conversation of which nothing but what was done is left."""

from __future__ import annotations

import httpx
import time_machine
from sqlalchemy import update

from server import clock
from server.assembly import Service
from server.conversations.models import Conversation
from server.outbox.models import OutboundMessage
from server.outbox.states import State
from server.requests.kinds import fill
from server.requests.service import make, move
from server.retention.rounds import purge
from server.retention.rules import Kind, Rules
from tests.server.harness import Resident
from tests.server.staffroom import SAME_SITE, signed_in


async def test_they_open_and_tell_nothing(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, role="supervisor")
    who = Resident(menu_service.spine)
    await who.says("my house is on fire and the key is under the mat")
    reference = str((await who.says("agent")).conversation)
    await client.post(f"/desk/c/{reference}/take", headers=SAME_SITE)
    await client.post(f"/desk/c/{reference}/finish", headers=SAME_SITE)
    await client.post(f"/desk/c/{reference}/file", data={"to": "answered"}, headers=SAME_SITE)
    with menu_service.sessions.begin() as session:
        conversation = session.get_one(Conversation, who.conversation().id)
        filled = fill("damage_report", {"address": "12 Canal St", "what": "the roof"})
        request = make(session, conversation=conversation, kind="damage_report", filled=filled, made_by="ana").reference
        move(session, reference=request, to="done", actor="ana")
        # What was told the resident has gone out; the sender of this process may be as far, or not.
        session.execute(update(OutboundMessage).values(state=State.DELIVERED.value))
    pages = (f"/desk/c/{reference}", "/desk/requests", "/desk/requests.csv", "/desk/", "/console/review/", "/desk/figures")
    before = {page: (await client.get(page)).text for page in pages}
    assert "the mat" in before[f"/desk/c/{reference}"]
    with time_machine.travel(clock.now().replace(year=clock.now().year + 2), tick=False):
        counts = purge(menu_service.sessions, rules=Rules({Kind.WORDS: 100, Kind.NUMBERS: 100}), actor="tests")
    assert counts["conversations_words"] == counts["conversations_numbers"] == counts["requests"] == 1
    for page in pages:
        answer = await client.get(page)
        assert answer.status_code == 200, page
        assert "the mat" not in answer.text, page
        assert "Canal" not in answer.text, page
    assert request in (await client.get("/desk/requests")).text
