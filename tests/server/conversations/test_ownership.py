from __future__ import annotations

import itertools

import pytest

from server.assembly import Service
from server.audit.models import AuditRow
from server.conversations.models import Conversation
from server.conversations.ownership import ALLOWED, Owner, transfer
from server.errors import Conflict
from tests.server.harness import Resident, rows

TABLE = {
    ("bot", "queued"), ("bot", "agent"), ("bot", "closed"),
    ("queued", "agent"), ("queued", "bot"), ("queued", "closed"),
    ("agent", "queued"), ("agent", "bot"), ("agent", "closed"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), list(itertools.product(Owner, Owner)))
async def test_what_may_follow_what(menu_service: Service, before: Owner, after: Owner) -> None:
    writer = Resident(menu_service.spine)
    await writer.says("where is a shelter")
    with menu_service.sessions.begin() as session:
        conversation = session.merge(writer.conversation())
        conversation.owner = before.value
        version = conversation.owner_version
        audited = len(rows(menu_service, AuditRow))
        if (before.value, after.value) in TABLE:
            transfer(session, conversation=conversation, to=after, actor="ana", reason="test")
            assert (conversation.owner, conversation.owner_version) == (after.value, version + 1)
            assert (conversation.active_key is None) is (after is Owner.CLOSED)
            assert (conversation.closed_at is not None) is (after is Owner.CLOSED)
        else:
            with pytest.raises(Conflict):
                transfer(session, conversation=conversation, to=after, actor="ana", reason="test")
            assert (conversation.owner, conversation.owner_version) == (before.value, version)
    recorded = rows(menu_service, AuditRow)[audited:]
    if (before.value, after.value) in TABLE:
        assert [(row.actor, row.action, row.detail["from"]) for row in recorded] == [("ana", f"conversation.{after}", before.value)]
    else:
        assert recorded == []


def test_every_owner_is_in_the_table() -> None:
    assert set(ALLOWED) == set(Owner)


async def test_the_second_of_two_agents_gets_a_conflict(either_service: Service) -> None:
    writer = Resident(either_service.spine)
    await writer.says("agent")
    stale = writer.conversation()
    with either_service.sessions.begin() as session:
        fresh = session.get_one(Conversation, stale.id)
        transfer(session, conversation=fresh, to=Owner.AGENT, actor="ana", reason="accepted")
    with either_service.sessions.begin() as session:
        late = session.get_one(Conversation, stale.id)
        session.expunge(late)
        late.owner, late.owner_version = stale.owner, stale.owner_version
        with pytest.raises(Conflict, match="first"):
            transfer(session, conversation=late, to=Owner.AGENT, actor="ben", reason="accepted")
    assert Owner(writer.conversation().owner) is Owner.AGENT
    assert [row.actor for row in rows(either_service, AuditRow, AuditRow.action == "conversation.agent")] == ["ana"]
