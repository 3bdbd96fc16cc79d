"""Raising and acknowledging what staff must see."""

from __future__ import annotations

from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import clock
from server.alerts.models import Alert
from server.audit.service import record
from server.errors import NotFound
from server.metrics import ALERTS

Severity = Literal["critical", "warning"]
DANGER: Final = ("emergency", "crisis", "unclear")
"""Kinds that say that somebody who can be reached may be in danger."""


def raise_alert(
    session: Session, *, kind: str, severity: Severity, conversation_id: int | None = None, detail: dict[str, Any] | None = None
) -> Alert:
    """Puts one thing in front of staff. `detail` holds no message text and no number."""
    alert = Alert(kind=kind, severity=severity, conversation_id=conversation_id, detail=detail or {}, created_at=clock.now())
    session.add(alert)
    ALERTS.labels(kind=kind).inc()
    return alert


def open_alerts(session: Session, *, limit: int = 100) -> list[Alert]:
    """What nobody has acknowledged yet, the newest first."""
    return list(session.scalars(select(Alert).where(Alert.seen_at.is_(None)).order_by(Alert.id.desc()).limit(limit)))


def of_conversation(session: Session, *, conversation_id: int, limit: int = 20) -> list[Alert]:
    """What was raised about a conversation, the newest first, with who has seen it."""
    return list(
        session.scalars(select(Alert).where(Alert.conversation_id == conversation_id).order_by(Alert.id.desc()).limit(limit))
    )


def acknowledge(session: Session, *, alert_id: int, by: str) -> Alert:
    """Notes who has seen an alert, on record; the first one counts. Raises `NotFound`."""
    alert = session.get(Alert, alert_id)
    if alert is None:
        raise NotFound("There is no such alert.")
    if alert.seen_at is None:
        _seen(session, alert, by=by, how="seen")
    return alert


def taken_up(session: Session, *, conversation_id: int, by: str) -> list[Alert]:
    """Notes that an agent took a conversation: what says that somebody may be in danger rings no more. An alert that asks for
    something else, such as to phone them, stays until it is acknowledged."""
    ours = Alert.conversation_id == conversation_id
    found = list(session.scalars(select(Alert).where(ours, Alert.seen_at.is_(None), Alert.kind.in_(DANGER)).order_by(Alert.id)))
    for alert in found:
        _seen(session, alert, by=by, how="taken")
    return found


def _seen(session: Session, alert: Alert, *, by: str, how: str) -> None:
    alert.seen_at, alert.seen_by = clock.now(), by
    record(session, actor=by, action="alert.acknowledged", subject=str(alert.id), detail={"kind": alert.kind, "how": how})
