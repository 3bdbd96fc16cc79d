"""What holds whatever is written in whatever order."""

from __future__ import annotations

import asyncio
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from desk import service as desk
from server.assembly import Service
from server.audit.models import AuditRow
from server.conversations.ownership import ALLOWED, Owner
from server.conversations.turn import Channel, Outcome
from server.outbox.models import OutboundMessage
from tests.server.harness import Resident, rows

EMERGENCIES = (
    "my house is on fire and we cannot get out",
    "mi casa se está quemando y no podemos salir",
    "i smell gas in my house",
)
WORDS = st.one_of(
    st.sampled_from(
        [
            *EMERGENCIES,
            "where is a shelter",
            "dónde hay un refugio",
            "agent",
            "agente",
            "STOP",
            "START",
            "HELP",
            "yes",
            "no",
            "1",
            "2",
            "9",
            "0",
            "",
            "   ",
            "🔥",
            "menu",
            "/restart",
            "{{7*7}}",
            "\x00",
            "and pets?",
            "i want to die",
            "ok",
            "help me!!",
        ]
    ),
    st.text(max_size=30),
)
ACTS = st.one_of(WORDS, st.sampled_from([("agent takes",), ("agent returns",), ("agent closes",), ("again",)]))


def act(service: Service, writer: Resident, what: str) -> None:
    """What an agent does meanwhile, as far as it can be done."""
    try:
        conversation = writer.conversation()
    except AssertionError:
        return
    with service.sessions.begin() as session:
        conversation = session.merge(conversation)
        handoff = desk.current_handoff(session, conversation_id=conversation.id)
        if what == "agent takes" and handoff is not None and handoff.state == "queued":
            desk.accept(session, handoff_id=handoff.id, agent="ana")
        if what == "agent returns" and handoff is not None and handoff.state == "agent":
            desk.give_back(session, handoff_id=handoff.id, agent="ana")
        if what == "agent closes" and conversation.owner != Owner.CLOSED:
            desk.close(session, conversation=conversation, agent="ana")


@settings(max_examples=50)
@given(acts=st.lists(ACTS, min_size=1, max_size=14), channel=st.sampled_from(Channel))
def test_invariants(menu_service: Service, acts: list[str | tuple[str]], channel: Channel) -> None:
    writer = Resident(menu_service.spine, channel=channel)
    owner, number = Owner.BOT, 0
    for given_act in acts:
        if isinstance(given_act, tuple) and given_act[0] != "again":
            act(menu_service, writer, given_act[0])
            owner = Owner(writer.conversation().owner) if number else Owner.BOT
            continue
        if isinstance(given_act, str):
            text, number = given_act, number + 1
        elif not number:
            continue
        reply = asyncio.run(writer.says(text, claim=f"{writer.key}:{number}"))
        after = Owner(writer.conversation().owner)
        if isinstance(given_act, tuple):
            assert reply.duplicate
            continue
        assert reply.engine != "static", "nothing failed"
        if text in EMERGENCIES:
            assert reply.parts
            assert reply.parts[0].role == "card"
            assert reply.outcome is Outcome.EMERGENCY_911
        before = Owner.BOT if owner is Owner.CLOSED else owner
        assert after is before or after in ALLOWED[before]
        if before is Owner.AGENT:
            assert all(part.role == "card" or reply.engine in ("carrier", "triage") for part in reply.parts), "the bot is silent"
        for part in reply.parts:
            assert part.version >= 1, "only approved words"
            assert part.text.strip()
        assert len(reply.text) <= 4000
        owner = after
    turns = writer.turns()
    assert len(turns) == number
    sent = Counter(row.dedupe_key for row in rows(menu_service, OutboundMessage))
    assert all(sent[f"turn:{turn.claim}"] <= 1 for turn in turns)
    references = {row.subject for row in rows(menu_service, AuditRow, AuditRow.action.like("conversation.%"))}
    assert all(reference.startswith("HC-") for reference in references)
