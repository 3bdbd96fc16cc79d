"""Where a model stands, and the one function that moves it and leaves a trace."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from sqlalchemy.orm import Session

from bot.learning.models import ModelRow
from server import clock
from server.audit.service import record
from server.errors import Conflict


class State(StrEnum):
    """Where a model stands."""

    QUEUED = "queued"
    WORKING = "working"
    READY = "ready"
    LIVE = "live"
    RETIRED = "retired"
    CHECKED = "checked"
    FAILED = "failed"


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    State.QUEUED: frozenset({State.WORKING, State.FAILED}),
    State.WORKING: frozenset({State.READY, State.CHECKED, State.FAILED, State.QUEUED}),
    State.READY: frozenset({State.LIVE}),
    State.LIVE: frozenset({State.RETIRED}),
    State.RETIRED: frozenset({State.LIVE}),
    State.CHECKED: frozenset(),
    State.FAILED: frozenset(),
}
"""The moves there are. From work back to the queue goes what a process leaves when it is stopped; a model that was replaced can
come back; a training that failed is begun anew as another row."""


def move(session: Session, *, row: ModelRow, to: State, actor: str, detail: Mapping[str, Any] | None = None) -> ModelRow:
    """Moves a model to another state and audits it. Raises `Conflict` for a move that there is not."""
    start = State(row.state)
    if to not in TRANSITIONS[start]:
        raise Conflict(f"A model that is {start} cannot become {to}.")
    row.state = to.value
    if to in (State.READY, State.CHECKED, State.FAILED):
        row.done_at = clock.now()
    record(
        session, actor=actor, action=f"model.{to.value}", subject=f"model:{row.id}", detail={"from": start.value, **(detail or {})}
    )
    return row
