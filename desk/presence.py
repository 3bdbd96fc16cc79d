"""Who is at the desk: what an agent chose, whether we still hear of them, and how many conversations they can take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.models import DeskAgent, Handoff
from desk.states import State
from server import clock
from server.audit.service import record
from server.errors import BadInput

Presence = Literal["available", "busy", "break", "offline"]
STATES: Final[tuple[Presence, ...]] = ("available", "busy", "break", "offline")
LOST_AFTER: Final = timedelta(seconds=90)
"""Who is not heard of for so long is offline, and their conversations go back to the line."""
HEARTBEAT_SECONDS: Final = 25
"""How often an open page is heard of."""
MOST_AT_ONCE: Final = 20
_SAVED_EVERY: Final = timedelta(seconds=10)


@dataclass(frozen=True)
class Seat:
    """One agent as the desk sees them now."""

    agent: DeskAgent
    state: Presence
    load: int

    @property
    def room(self) -> int:
        """How many more conversations they can take now."""
        return max(self.agent.capacity - self.load, 0) if self.state == "available" else 0


def present_state(agent: DeskAgent, *, now: datetime) -> Presence:
    """What an agent is now: what they chose, or offline when they have not been heard of."""
    chosen: Presence = next((state for state in STATES if state == agent.state), "offline")
    return chosen if now - agent.seen_at < LOST_AFTER else "offline"


def heard_of(session: Session, *, name: str, language: str = "en") -> DeskAgent:
    """Notes that an agent is there; the first time it makes their place at the desk."""
    now = clock.now()
    agent = session.get(DeskAgent, name)
    if agent is None:
        agent = DeskAgent(
            name=name,
            shown_as=name[:40].capitalize(),
            state="offline",
            state_at=now,
            seen_at=now,
            capacity=3,
            languages=sorted({"en", language}),
            skills=[],
            group=None,
        )
        session.add(agent)
        session.flush()
    elif now - agent.seen_at >= _SAVED_EVERY:
        agent.seen_at = now
    return agent


def choose(session: Session, *, name: str, state: str) -> DeskAgent:
    """Sets what an agent is. Raises `BadInput` for a state that is none."""
    if state not in STATES:
        raise BadInput("Choose available, busy, break or offline.", words="desk_refusal.choose_presence")
    agent = heard_of(session, name=name)
    now = clock.now()
    before, agent.seen_at = agent.state, now
    if before != state:
        agent.state, agent.state_at = state, now
        record(session, actor=name, action="desk.presence", subject=name, detail={"from": before, "to": state})
    return agent


def sit_down(session: Session, *, name: str) -> DeskAgent:
    """Takes somebody who takes a conversation as being there."""
    agent = heard_of(session, name=name)
    agent.seen_at = clock.now()
    return choose(session, name=name, state="available") if agent.state == "offline" else agent


def set_up(
    session: Session,
    *,
    name: str,
    actor: str,
    shown_as: str,
    capacity: int,
    languages: list[str],
    skills: list[str],
    group: str | None,
) -> DeskAgent:
    """Changes what an agent takes and can, as a supervisor decides. Raises `BadInput`."""
    if not 1 <= capacity <= MOST_AT_ONCE:
        raise BadInput(
            f"An agent takes 1 to {MOST_AT_ONCE} conversations at once.", words="desk_refusal.capacity", most=MOST_AT_ONCE
        )
    if not shown_as.strip() or len(shown_as) > 40 or not shown_as.replace(" ", "").replace("-", "").replace(".", "").isalpha():
        raise BadInput("The name that residents are told has 1 to 40 letters.", words="desk_refusal.shown_name")
    if not languages:
        raise BadInput("Name at least one language.", words="desk_refusal.one_language")
    agent = session.get_one(DeskAgent, name)
    agent.shown_as, agent.capacity = shown_as.strip(), capacity
    agent.languages, agent.skills, agent.group = languages, skills, (group or "").strip()[:64] or None
    detail = {"capacity": capacity, "languages": languages, "skills": skills, "group": agent.group}
    record(session, actor=actor, action="desk.agent", subject=name, detail=detail)
    return agent


def seats(session: Session) -> list[Seat]:
    """All agents with what they are now and how many conversations they have."""
    now = clock.now()
    holding = (State.AGENT.value, State.WRAPUP.value, State.OFFERED.value)
    counted = select(Handoff.accepted_by, func.count().label("load")).where(Handoff.state.in_(holding))
    loads = {row.accepted_by: row.load for row in session.execute(counted.group_by(Handoff.accepted_by))}
    agents = session.scalars(select(DeskAgent).order_by(DeskAgent.name))
    return [Seat(agent, present_state(agent, now=now), loads.get(agent.name, 0)) for agent in agents]


def capacity_now(session: Session) -> int:
    """How many conversations the agents who are there can have at once."""
    return sum(seat.agent.capacity for seat in seats(session) if seat.state in ("available", "busy"))


def groups(session: Session) -> list[str]:
    """The groups that agents belong to."""
    return sorted({group for group in session.scalars(select(DeskAgent.group).distinct()) if group})
