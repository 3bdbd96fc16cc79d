"""The table of an agent's leg, and random orders of everything that can happen to it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from desk import acts, presence
from desk import service as handoffs
from desk.models import Handoff
from desk.states import OWNER, State
from desk.voice import acts as call
from desk.voice import service
from desk.voice.models import VoiceLeg
from desk.voice.rules import Rules
from desk.voice.states import ALLOWED, LIVE, Phase, live_leg, newest_leg
from server.assembly import Service
from server.conversations import ledger
from server.conversations.models import Conversation
from server.conversations.turn import Channel, Inbound
from server.errors import Conflict

AGENTS = ("ana", "ben")
EVENTS = (
    "take", "over", "pass", "return", "finish", "hold", "resume", "to_911", "at_911", "back_911", "picked_up", "pressed", "joins",
    "both_in", "agent_gone", "busy", "no-answer", "completed", "ringing", "caller_gone", "talked", "astray",
)  # fmt: skip


def test_the_table() -> None:
    assert set(ALLOWED) == set(Phase)
    assert {phase for phase in Phase if not ALLOWED[phase]} == {Phase.OVER, Phase.FAILED}
    assert all(Phase.OVER in ALLOWED[Phase(phase)] for phase in LIVE)
    before = {phase for phase in Phase if Phase.JOINING in ALLOWED[phase]}
    assert before == {Phase.WHISPER}, "only a key leads to the caller"
    assert not any(Phase.FAILED in ALLOWED[phase] for phase in (Phase.TALKING, Phase.HELD)), "who spoke was reached"


def rules(service_: Service) -> Rules:
    return Rules(service_.keys, psaps=("+15555550111",), agents_line=False, practice=True, numbers=())


def caller(service_: Service) -> int:
    """A call in the line; gives its conversation."""
    key = f"ivr:CA{uuid.uuid4().hex}"
    with service_.sessions.begin() as session:
        inbound = Inbound(channel=Channel.IVR, claim=f"{key}:1", key=key, text="agent", kind="keys", our_address="+15555550100")
        conversation = ledger.accept(session, inbound=inbound, keys=service_.keys).conversation
        handoffs.open_handoff(session, conversation=conversation, reason="user_request", text="")
        for name in AGENTS:
            presence.choose(session, name=name, state="available")
            held = select(VoiceLeg).where(VoiceLeg.agent == name, VoiceLeg.phase.in_(LIVE))
            for leg in session.scalars(held):
                leg.phase = Phase.OVER.value
        return conversation.id


class Step:
    """One thing that happens, in one transaction."""

    def __init__(self, service_: Service, conversation_id: int) -> None:
        self.service = service_
        self.rules = rules(service_)
        self.conversation_id = conversation_id

    def __call__(self, event: str, agent: str) -> None:
        """Lets it happen; what cannot be done changes nothing."""
        try:
            with self.service.sessions.begin() as session:
                self._do(session, event, agent)
                conversation = session.get_one(Conversation, self.conversation_id)
                service.follow(session, conversation=conversation, rules=self.rules, reason=event)
        except Conflict:
            return

    def _do(self, session: Session, event: str, agent: str) -> None:
        conversation = session.get_one(Conversation, self.conversation_id)
        library = self.service.library.last_good
        leg = newest_leg(session, conversation_id=conversation.id)
        desk: dict[str, Callable[[], Any]] = {
            "take": lambda: acts.take(session, conversation=conversation, agent=agent, library=library),
            "over": lambda: acts.take_over(session, conversation=conversation, supervisor=agent, library=library),
            "pass": lambda: acts.pass_on(
                session, conversation=conversation, actor=agent, note="x", library=library, agent=AGENTS[agent == AGENTS[0]]
            ),
            "return": lambda: acts.give_back(session, conversation=conversation, agent=agent, library=library),
            "finish": lambda: acts.finish(session, conversation=conversation, agent=agent, library=library),
            "hold": lambda: call.hold(session, conversation=conversation, agent=agent, on=True),
            "resume": lambda: call.hold(session, conversation=conversation, agent=agent, on=False),
            "to_911": lambda: call.to_911(session, conversation=conversation, agent=agent, rules=self.rules),
            "at_911": lambda: service.handed_on(session, conversation=conversation, reason="to_911"),
            "back_911": lambda: ledger.release(conversation),
            "caller_gone": lambda: service.caller_gone(session, conversation=conversation),
        }
        if event in desk:
            done = desk[event]()
            if event in ("take", "over"):
                service.follow(session, conversation=conversation, rules=self.rules, reason=event)
                service.begin(session, conversation=conversation, handoff=done, rules=self.rules)
            return
        if leg is None:
            return
        told: dict[str, Callable[[], Any]] = {
            "picked_up": lambda: service.picked_up(session, leg=leg, call_sid="CAagent"),
            "pressed": lambda: service.pressed(session, leg=leg, rules=self.rules),
            "joins": lambda: service.caller_joins(session, leg=leg),
            "both_in": lambda: service.both_in(leg),
            "agent_gone": lambda: service.agent_gone(session, leg=leg, rules=self.rules),
            "talked": lambda: service.agent_gone(session, leg=leg, rules=self.rules, caller_here=True),
            "astray": lambda: service.astray(session),
        }
        if event in told:
            told[event]()
        else:
            service.progress(session, leg=leg, status=event, rules=self.rules)


def holds(service_: Service, conversation_id: int, ended: dict[int, str]) -> None:
    """What is true after everything that happens."""
    with service_.sessions() as session:
        conversation = session.get_one(Conversation, conversation_id)
        legs = list(session.scalars(select(VoiceLeg).where(VoiceLeg.conversation_id == conversation_id)))
        live = [leg for leg in legs if leg.phase in LIVE]
        assert len(live) <= 1, "a caller is put together with one agent at a time"
        for leg in live:
            handoff = session.get_one(Handoff, leg.handoff_id)
            assert (handoff.state, handoff.accepted_by) == ("agent", leg.agent)
            assert live_leg(session, conversation_id=conversation_id) == leg
        handoff = handoffs.current_handoff(session, conversation_id=conversation_id)
        if handoff is not None:
            assert conversation.owner in OWNER[State(handoff.state)]
        for leg in legs:
            assert ended.get(leg.id, leg.phase) == leg.phase, "what is over stays over"
            if leg.phase not in LIVE:
                ended[leg.id] = leg.phase


@settings(max_examples=40)
@given(happened=st.lists(st.tuples(st.sampled_from(EVENTS), st.sampled_from(AGENTS)), min_size=5, max_size=25))
def test_in_whatever_order(menu_service: Service, happened: list[tuple[str, str]]) -> None:
    conversation_id, ended = caller(menu_service), dict[int, str]()
    step = Step(menu_service, conversation_id)
    for event, agent in happened:
        step(event, agent)
        holds(menu_service, conversation_id, ended)


@pytest.mark.parametrize("status", ["busy", "completed"])
def test_the_same_on_either_database(either_service: Service, status: str) -> None:
    conversation_id, ended = caller(either_service), dict[int, str]()
    step = Step(either_service, conversation_id)
    for event in ("take", "picked_up", "pressed", "joins", "both_in", "hold", "pass", "agent_gone", "take", status, "talked"):
        step(event, "ana")
        holds(either_service, conversation_id, ended)
