"""Raising and acknowledging what staff must see."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import clock
from server.alerts.models import Alert
from server.errors import NotFound
from server.metrics import ALERTS

Severity = Literal["critical", "warning"]


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


def acknowledge(session: Session, *, alert_id: int, by: str) -> Alert:
    """Notes who has seen an alert; the first one counts. Raises `NotFound`."""
    alert = session.get(Alert, alert_id)
    if alert is None:
        raise NotFound("There is no such alert.")
    if alert.seen_at is None:
        alert.seen_at, alert.seen_by = clock.now(), by
    return alert
