from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update

from server.assembly import Service
from server.audit.models import AuditRow
from server.audit.service import first_break, last_digest, record
from tests.server.harness import rows


def fill(service: Service, count: int = 8) -> list[int]:
    with service.sessions.begin() as session:
        for number in range(count):
            detail = {"from": "bot", "n": number, "z": [1, 2.5, None, True], "ñ": "día 🌊", "a": {"c": 1, "b": 2}}
            record(session, actor="ana", action="conversation.agent", subject=f"HC-{number}", detail=detail)
    return [row.id for row in rows(service, AuditRow)]


def broken_at(service: Service) -> int | None:
    with service.sessions() as session:
        return first_break(session)


def test_a_whole_chain_holds(either_service: Service) -> None:
    fill(either_service)
    assert broken_at(either_service) is None


@pytest.mark.parametrize(
    "change",
    [
        {"actor": "ben"},
        {"action": "staff.added"},
        {"subject": "HC-X"},
        {"detail": {"from": "agent"}},
        {"digest": "0" * 64},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_row_shows(either_service: Service, change: dict[str, Any]) -> None:
    ids = fill(either_service)
    with either_service.sessions.begin() as session:
        session.execute(update(AuditRow).where(AuditRow.id == ids[-4]).values(change))
    assert broken_at(either_service) == ids[-4]


def test_a_changed_time_shows(either_service: Service) -> None:
    ids = fill(either_service)
    other = "datetime(at, '+1 second')" if either_service.engine.dialect.name == "sqlite" else "at + interval '1 second'"
    with either_service.sessions.begin() as session:
        session.execute(text(f"UPDATE audit SET at = {other} WHERE id = :id"), {"id": ids[-4]})
    assert broken_at(either_service) == ids[-4]


@pytest.mark.parametrize("position", [0, -4])
def test_a_removed_row_shows_at_the_next_one(either_service: Service, position: int) -> None:
    ids = fill(either_service)
    with either_service.sessions.begin() as session:
        session.execute(delete(AuditRow).where(AuditRow.id == ids[position]))
    assert broken_at(either_service) == ids[position + 1]


def test_two_rows_in_another_order_show(either_service: Service) -> None:
    ids = fill(either_service)
    with either_service.sessions.begin() as session:
        for before, after in ((ids[-3], -1), (ids[-4], ids[-3]), (-1, ids[-4])):
            session.execute(update(AuditRow).where(AuditRow.id == before).values(id=after))
    assert broken_at(either_service) == ids[-4]


def test_what_is_rolled_back_leaves_no_gap(either_service: Service) -> None:
    fill(either_service, 2)
    session = either_service.sessions()
    record(session, actor="ana", action="staff.added", subject="nobody")
    session.rollback()
    session.close()
    fill(either_service, 2)
    assert broken_at(either_service) is None


def test_rows_cut_off_at_the_end_show_in_the_last_digest(either_service: Service) -> None:
    ids = fill(either_service)
    with either_service.sessions() as session:
        count, digest = last_digest(session)
    assert count == len(ids)
    with either_service.sessions.begin() as session:
        session.execute(delete(AuditRow).where(AuditRow.id == ids[-1]))
        assert first_break(session) is None
        assert last_digest(session) != (count, digest)
        assert digest not in session.scalars(select(AuditRow.digest)).all()


async def test_writers_at_once_make_one_chain(either_service: Service) -> None:
    before = len(rows(either_service, AuditRow))
    await asyncio.gather(*(asyncio.to_thread(fill, either_service, 5) for _ in range(6)))
    assert len(rows(either_service, AuditRow)) == before + 30
    assert broken_at(either_service) is None
