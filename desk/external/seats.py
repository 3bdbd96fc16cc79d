"""Their agents' places at our desk. Each has one, so that residents are told who is with them, and so that a conversation comes
back to our line when their desk is not heard of: the same rule that holds for our own agents."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from desk.external.port import Agent
from desk.models import DeskAgent, Handoff
from desk.states import State
from server import clock

PREFIX: Final = "outside:"
"""Begins the name of every seat of theirs; no account of ours can be called so."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9._@-]{1,40}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}")


def is_outside(name: str | None) -> bool:
    """True for an agent of theirs."""
    return name is not None and name.startswith(PREFIX)


def seat_name(agent: Agent) -> str:
    """The name of an agent's seat."""
    known = agent.id if _PLAIN.fullmatch(agent.id) else hashlib.sha256(agent.id.encode()).hexdigest()[:24]
    return f"{PREFIX}{known}"


def sit(session: Session, *, agent: Agent, languages: Sequence[str]) -> str:
    """Makes sure that an agent of theirs has a seat, and gives its name. It is always `busy`: nothing is offered to it."""
    name, now = seat_name(agent), clock.now()
    spoken = [each for each in agent.languages or languages if _LANGUAGE.fullmatch(each)] or ["en"]
    seat = session.get(DeskAgent, name)
    if seat is None:
        seat = DeskAgent(name=name, state="busy", state_at=now, seen_at=now, capacity=3, languages=spoken, skills=[], group=None)
        try:
            with session.begin_nested():
                session.add(seat)
        except IntegrityError:
            # The same agent wrote in another conversation just now.
            seat = session.get_one(DeskAgent, name, populate_existing=True)
    seat.shown_as, seat.languages, seat.seen_at = shown_name(agent.name), spoken, now
    session.flush()
    return name


def shown_name(name: str) -> str:
    """The first name as residents are told it: letters only. Anything else is not said, and `311` stands for it."""
    first = name.strip().partition(" ")[0][:40]
    return first if first.replace("-", "").isalpha() else ""


def keep(session: Session) -> None:
    """Notes that their desk was heard of, for every agent of theirs who has a conversation."""
    holding = select(Handoff.accepted_by).where(Handoff.state == State.AGENT.value, Handoff.accepted_by.startswith(PREFIX))
    session.execute(
        update(DeskAgent)
        .where(DeskAgent.name.in_(holding))
        .values(seen_at=clock.now())
        .execution_options(synchronize_session=False)
    )
