from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from knowledge import changes
from knowledge.models import FactRow
from knowledge.store import current_revision, read_contents
from server import clock
from server.audit.models import AuditRow
from server.database.engine import Sessions
from server.errors import BadInput, Conflict, NotFound


def fact(**changed: Any) -> dict[str, Any]:
    now = clock.now()
    return {
        "type": "shelter", "key": "oak", "data": {"name": "Oak"}, "source": "desk", "owner": "eoc", "as_of": now,
        "expires_at": now + timedelta(hours=1), "actor": "ana", **changed,
    }  # fmt: skip


def test_a_fact_is_put_replaced_and_removed(sessions: Sessions) -> None:
    with sessions.begin() as session:
        changes.put_fact(session, **fact())
        changes.put_fact(session, **fact(data={"name": "Oak", "status": "full"}, visibility="agents_only"))
        row = session.scalars(select(FactRow)).one()
        assert (row.data["status"], row.visibility) == ("full", "agents_only")
        assert not read_contents(session).facts[0].public
        changes.remove_fact(session, type="shelter", key="oak", actor="bo", reason="closed down")
        assert current_revision(session) == 3
        assert [row.action for row in session.scalars(select(AuditRow).order_by(AuditRow.id))] == [
            "fact.put",
            "fact.put",
            "fact.remove",
        ]
        with pytest.raises(NotFound):
            changes.remove_fact(session, type="shelter", key="oak", actor="bo", reason="again")


@pytest.mark.parametrize(
    "bad",
    [
        {"type": "castle"},
        {"data": {}},
        {"data": {"name": "Oak", "colour": "red"}},
        {"data": {"text": {"es": "x"}}},
        {"source": " "},
        {"owner": ""},
        {"visibility": "secret"},
        {"expires_at": clock.now() - timedelta(days=9)},
    ],
)
def test_a_fact_that_nobody_vouches_for(sessions: Sessions, bad: dict[str, Any]) -> None:
    with sessions.begin() as session:
        with pytest.raises(BadInput):
            changes.put_fact(session, **fact(**bad))
        assert current_revision(session) == 0


def test_an_incident_moves_and_closes(sessions: Sessions) -> None:
    with sessions.begin() as session:
        row = changes.open_incident(
            session, name="Odette", hazard="hurricane", phase="before", level="monitor", zones=[], actor="ana"
        )
        changes.change_incident(session, incident_id=row.id, actor="ana", phase="during", level="full", zones=["A"])
        assert [(one.phase, one.zones) for one in read_contents(session).incidents] == [("during", ("A",))]
        changes.close_incident(session, incident_id=row.id, actor="ana")
        assert read_contents(session).incidents == ()
        with pytest.raises(Conflict):
            changes.change_incident(session, incident_id=row.id, actor="ana", phase="after")
        with pytest.raises(NotFound):
            changes.close_incident(session, incident_id=99, actor="ana")


@pytest.mark.parametrize("bad", [{"name": " "}, {"hazard": "all"}, {"phase": "all"}, {"level": "high"}])
def test_an_incident_in_known_words(sessions: Sessions, bad: dict[str, Any]) -> None:
    good: dict[str, Any] = {"name": "X", "hazard": "flood", "phase": "during", "level": "full"}
    with sessions.begin() as session, pytest.raises(BadInput):
        changes.open_incident(session, zones=[], actor="ana", **{**good, **bad})
