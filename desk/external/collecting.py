"""Finds what their desk has not been told, from what is stored: after a crash nothing is missing and nothing is told twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.external.models import OutsideParcel, OutsideThread
from desk.external.port import Kind
from desk.external.seats import is_outside
from desk.external.states import LIVE, Thread, reach
from desk.models import Handoff
from desk.states import WAITING, State
from server import clock
from server.alerts.models import Alert
from server.alerts.service import raise_alert
from server.conversations.models import Conversation, Turn
from server.conversations.turn import Channel
from server.outbox.models import OutboundMessage

AT_ONCE: Final = 100
"""So many are looked at in one round; the rest in the next."""
_OURS: Final = ("bot", "system")


@dataclass(frozen=True)
class Found:
    """Handoffs that their desk does not know yet, and threads in which something happened since."""

    handoffs: tuple[int, ...]
    threads: tuple[int, ...]


def look(session: Session) -> Found:
    """What there is to tell, in three queries and without a lock."""
    handoffs = session.scalars(
        select(Handoff.id)
        .join(Conversation, Conversation.id == Handoff.conversation_id)
        .outerjoin(OutsideThread, OutsideThread.handoff_id == Handoff.id)
        .where(Handoff.state == State.QUEUED.value, Conversation.channel != Channel.IVR.value, OutsideThread.id.is_(None))
        .order_by(Handoff.priority, Handoff.id)
        .limit(AT_ONCE)
    ).all()
    rows = session.execute(
        select(OutsideThread, Handoff.state, Handoff.accepted_by, Conversation.turns)
        .join(Handoff, Handoff.id == OutsideThread.handoff_id)
        .join(Conversation, Conversation.id == OutsideThread.conversation_id)
        .where(OutsideThread.state.in_(LIVE))
    ).all()
    newest = _newest_texts(session, [row.OutsideThread.conversation_id for row in rows])
    threads = [
        row.OutsideThread.id
        for row in rows
        if _is_over(row.state, row.accepted_by)
        or row.turns > row.OutsideThread.told_turn
        or newest.get(row.OutsideThread.conversation_id, 0) > row.OutsideThread.told_text
    ]
    return Found(tuple(handoffs), tuple(threads))


def _newest_texts(session: Session, conversation_ids: Sequence[int]) -> dict[int, int]:
    rows = session.execute(
        select(OutboundMessage.conversation_id, func.max(OutboundMessage.id).label("newest"))
        .where(OutboundMessage.conversation_id.in_(conversation_ids), OutboundMessage.speaker.in_(_OURS))
        .group_by(OutboundMessage.conversation_id)
    )
    return {row.conversation_id: row.newest for row in rows}


def _is_over(state: str, accepted_by: str | None) -> bool:
    """True when their desk has no part in a handoff any more: it ended, or one of our own agents took it."""
    return not (state in WAITING or (state == State.AGENT and is_outside(accepted_by)))


def open_thread(session: Session, *, handoff_id: int) -> OutsideThread | None:
    """Puts a waiting handoff on its way to their desk. It stays in our line all the same, and an emergency rings on our board."""
    handoff = session.get_one(Handoff, handoff_id)
    conversation = session.get_one(Conversation, handoff.conversation_id, with_for_update=True, populate_existing=True)
    session.refresh(handoff)
    known = session.scalar(select(OutsideThread.id).where(OutsideThread.handoff_id == handoff_id))
    if known is not None or handoff.state != State.QUEUED:
        return None
    thread = OutsideThread(
        handoff_id=handoff_id,
        conversation_id=conversation.id,
        state=Thread.NEW.value,
        told_turn=conversation.turns,
        told_text=_newest_texts(session, [conversation.id]).get(conversation.id, 0),
        opened_at=clock.now(),
    )
    session.add(thread)
    session.flush()
    put(session, thread=thread, kind=Kind.OPENED, cause="opened", detail={"turn": thread.told_turn, "text": thread.told_text})
    if handoff.priority == 0 and not _rings(session, conversation):
        detail = {"reason": handoff.reason}
        raise_alert(session, kind="emergency", severity="critical", conversation_id=conversation.id, detail=detail)
    return thread


def _rings(session: Session, conversation: Conversation) -> bool:
    mine = select(Alert.id).where(Alert.conversation_id == conversation.id, Alert.severity == "critical")
    return session.scalar(mine.limit(1)) is not None


def follow(session: Session, *, thread_id: int) -> None:
    """Puts what happened in a thread on its way: what the resident wrote, what we told them, and that it is over."""
    thread = session.get_one(OutsideThread, thread_id)
    conversation = session.get_one(Conversation, thread.conversation_id, with_for_update=True, populate_existing=True)
    session.refresh(thread, with_for_update=True)
    handoff = session.get_one(Handoff, thread.handoff_id, populate_existing=True)
    if thread.state not in LIVE:
        return
    turns = session.execute(
        select(Turn.seq, Turn.received_at).where(Turn.conversation_id == conversation.id, Turn.seq > thread.told_turn)
    ).all()
    texts = session.execute(
        select(OutboundMessage.id, OutboundMessage.created_at).where(
            OutboundMessage.conversation_id == conversation.id,
            OutboundMessage.speaker.in_(_OURS),
            OutboundMessage.id > thread.told_text,
        )
    ).all()
    found = [(row.received_at, 0, row.seq) for row in turns] + [(row.created_at, 1, row.id) for row in texts]
    for _at, ours, number in sorted(found):
        if ours:
            put(session, thread=thread, kind=Kind.MESSAGE, cause=f"text:{number}", text_id=number)
        else:
            put(session, thread=thread, kind=Kind.MESSAGE, cause=f"turn:{number}", turn_seq=number)
    thread.told_turn = max([thread.told_turn, *(row.seq for row in turns)])
    thread.told_text = max([thread.told_text, *(row.id for row in texts)])
    if _is_over(handoff.state, handoff.accepted_by):
        reason = "taken_here" if handoff.state == State.AGENT else handoff.state
        if reach(session, thread=thread, to=Thread.CLOSED, reason=reason):
            put(session, thread=thread, kind=Kind.CLOSED, cause="closed", detail={"reason": reason})


def put(
    session: Session,
    *,
    thread: OutsideThread,
    kind: Kind,
    cause: str,
    turn_seq: int | None = None,
    text_id: int | None = None,
    detail: dict[str, Any] | None = None,
) -> OutsideParcel:
    """Puts one parcel on its way, once for one cause."""
    key = f"spillway:{thread.handoff_id}:{cause}"[:140]
    known = session.scalar(select(OutsideParcel).where(OutsideParcel.dedupe_key == key))
    if known is not None:
        return known
    now = clock.now()
    parcel = OutsideParcel(
        thread_id=thread.id,
        dedupe_key=key,
        kind=kind.value,
        turn_seq=turn_seq,
        text_id=text_id,
        detail=detail or {},
        state="queued",
        attempts=0,
        next_attempt_at=now,
        created_at=now,
    )
    session.add(parcel)
    session.flush()
    return parcel
