"""The two transactions of a turn: taking it in, before anything answers, and settling what was answered."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from bot.triage.decision import Decision, Level
from server import clock
from server.conversations import statements
from server.conversations.models import Claim, Conversation, ReleasedTurn, Turn
from server.conversations.ownership import Owner
from server.conversations.turn import Answered, Channel, Inbound, Reply
from server.identity.keys import Keys

LATCH: Final = timedelta(minutes=30)
TOPIC_MEMORY: Final = timedelta(minutes=30)
NOT_FOLLOWED_UP: Final = frozenset({"talk_to_agent", "language_help"})
"""Topics that are a wish and no question: what is asked next is not about them."""
LEASE: Final = timedelta(seconds=30)
IDLE: Final = {Channel.SMS: timedelta(hours=12), Channel.WEB: timedelta(hours=24), Channel.IVR: timedelta(hours=4)}
"""After this long without a message the next one opens a new conversation."""

_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True)
class Opened:
    """A turn that was taken in: the conversation, and the reply of the first time when it is a repeat."""

    conversation: Conversation
    opted_out: bool
    first: bool
    repeat: Reply | None = None
    blocked: bool = False


def new_reference(prefix: str = "HC") -> str:
    """What people call a conversation; without letters that look like digits."""
    return f"{prefix}-" + "".join(secrets.choice(_ALPHABET) for _ in range(7))


def claim(session: Session, *, inbound: Inbound, keys: Keys, now: datetime, conversation_id: int | None = None) -> Claim | None:
    """Takes an inbound message in one INSERT. Returns the earlier claim when the provider sent it before, else nothing."""
    values = {
        "key": inbound.claim,
        "conversation_id": conversation_id,
        "payload": keys.seal(json.dumps(vars(inbound))),
        "state": "received",
        "lease_until": now + LEASE,
        "received_at": now,
    }
    if session.scalar(statements.TAKE[session.get_bind().dialect.name], values) is not None:
        return None
    return session.get_one(Claim, inbound.claim)


def open_claim(row: Claim, *, keys: Keys) -> Inbound:
    """The inbound message of a claim, to be answered after a crash."""
    data: dict[str, Any] = json.loads(keys.open(row.payload))
    return Inbound(**{**data, "channel": Channel(data["channel"])})


def accept(session: Session, *, inbound: Inbound, keys: Keys) -> Opened:
    """Takes a message in and finds or opens its conversation. After the commit it is ours, whatever happens."""
    now = clock.now()
    found, opted_out, blocked = _standing(session, inbound, now)
    lasting = found if found is not None and not _idle(found, inbound, now) else None
    earlier = claim(session, inbound=inbound, keys=keys, now=now, conversation_id=lasting.id if lasting else None)
    if earlier is not None and earlier.reply is not None and earlier.conversation_id is not None:
        conversation = session.get_one(Conversation, earlier.conversation_id)
        return Opened(conversation, False, False, Reply.from_json(earlier.reply))
    conversation = lasting or _open(session, inbound=inbound, previous=found, now=now)
    if lasting is None or earlier is not None:
        session.execute(statements.JOINED, {"this_key": inbound.claim, "this_conversation": conversation.id})
    return Opened(conversation, opted_out, lasting is None, blocked=blocked)


def _standing(session: Session, inbound: Inbound, now: datetime) -> tuple[Conversation | None, bool, bool]:
    """The open conversation of this resident on this channel, if there is one, whether the number asked us to stop, and whether
    a supervisor blocked it."""
    about = {
        "this_key": inbound.key,
        "this_person": inbound.person or inbound.key,
        "this_address": inbound.our_address or "",
        "this_now": now,
    }
    by_text = inbound.person is not None and inbound.channel is Channel.SMS
    row = session.execute(statements.STANDING, about).one_or_none()
    if row is not None:
        return row[0], by_text and bool(row[1]), bool(row[2])
    told = session.execute(statements.STOPPED_OR_BLOCKED, about).one()
    return None, by_text and bool(told[0]), bool(told[1])


def _idle(conversation: Conversation, inbound: Inbound, now: datetime) -> bool:
    return conversation.owner == Owner.BOT and now - conversation.last_at > IDLE[inbound.channel]


def _open(session: Session, *, inbound: Inbound, previous: Conversation | None, now: datetime) -> Conversation:
    """A new conversation; the one before it, left alone for too long, is closed first."""
    if previous is not None:
        previous.active_key, previous.closed_at, previous.owner = None, now, Owner.CLOSED.value
        previous.owner_version += 1
        session.flush()
    conversation = Conversation(
        channel=inbound.channel.value,
        key=inbound.key,
        active_key=inbound.key,
        person=inbound.person,
        contact=inbound.contact,
        our_address=inbound.our_address,
        reference=new_reference(),
        language=inbound.language or (previous.language if previous else "en"),
        language_fixed=bool(inbound.language) or bool(previous and previous.language_fixed),
        owner=Owner.BOT.value,
        owner_version=0,
        memory={},
        turns=0,
        opened_at=now,
        last_at=now,
    )
    session.add(conversation)
    session.flush()
    return conversation


@dataclass(frozen=True)
class Settled:
    """What the spine decided, to be stored in one transaction."""

    inbound: Inbound
    decision: Decision
    reply: Reply
    answered: Answered | None
    received_at: datetime
    elapsed_ms: float
    inline: bool


def settle(session: Session, *, conversation: Conversation, settled: Settled) -> None:
    """Stores the turn, the conversation's new state, the text that goes out, and the reply under its claim."""
    reply, inbound = settled.reply, settled.inbound
    conversation.turns += 1
    conversation.last_at = settled.received_at
    conversation.language = reply.language
    if settled.answered is not None:
        remember(conversation, settled.answered, now=settled.received_at)
    session.execute(statements.TURN, _turn_row(conversation, settled))
    if reply.parts:
        session.execute(statements.OUTBOUND, _outbound_row(conversation, settled))
    state = "answered" if settled.inline else "recovered"
    session.execute(statements.ANSWERED, {"this_key": inbound.claim, "this_state": state, "this_reply": reply.to_json()})


def _turn_row(conversation: Conversation, settled: Settled) -> dict[str, Any]:
    reply, decision, inbound = settled.reply, settled.decision, settled.inbound
    return {
        "conversation_id": conversation.id,
        "seq": conversation.turns,
        "claim": inbound.claim,
        "kind": inbound.kind,
        "text": inbound.text,
        "language": reply.language,
        "outcome": reply.outcome.value,
        "topic": reply.topic,
        "topics": list(reply.topics),
        "level": decision.level.value,
        "category": decision.category,
        "evidence": {"evidence": list(decision.evidence), "vetoes": list(decision.vetoes)},
        "safety_line": reply.safety_line,
        "message_ids": [part.reference for part in reply.parts],
        "confidence": settled.answered.confidence if settled.answered else None,
        "engine": reply.engine,
        "elapsed_ms": settled.elapsed_ms,
        "received_at": settled.received_at,
    }


def _outbound_row(conversation: Conversation, settled: Settled) -> dict[str, Any]:
    reply, at, inline = settled.reply, settled.received_at, settled.inline
    return {
        "conversation_id": conversation.id,
        "dedupe_key": f"turn:{settled.inbound.claim}",
        "channel": settled.inbound.channel.value,
        "speaker": "bot",
        "owner_version": conversation.owner_version,
        "emergency": reply.emergency,
        "text": reply.text,
        "parts": [asdict(part) for part in reply.parts],
        "message_ids": [part.reference for part in reply.parts],
        "state": "sent" if inline else "queued",
        "inline": inline,
        "attempts": 1 if inline else 0,
        "created_at": at,
        "next_attempt_at": None if inline else at,
        "valid_until": at + timedelta(seconds=300 if reply.emergency else 1800),
        "sent_at": at if inline else None,
    }


def remember(conversation: Conversation, answered: Answered, *, now: datetime) -> None:
    """Keeps what the next turn needs: the dialogue state, the topic, the place, the options offered."""
    conversation.memory = {**conversation.memory, **answered.memory}
    if answered.tracker is not None:
        conversation.tracker = answered.tracker
    if answered.topic is not None and answered.topic not in NOT_FOLLOWED_UP:
        conversation.topic, conversation.topic_at = answered.topic, now
    if answered.place is not None:
        conversation.place = answered.place


def latch(conversation: Conversation, *, card: str, now: datetime) -> None:
    """From now on every reply starts with the 911 line, until the resident says it is no emergency or half an hour passes."""
    conversation.latch_until, conversation.latch_card = now + LATCH, card


def note_release(session: Session, *, conversation: Conversation, now: datetime) -> None:
    """Keeps, for review, which emergencies the resident said were none."""
    listed = exists().where(ReleasedTurn.turn_id == Turn.id)
    found = select(Turn.id).where(
        Turn.conversation_id == conversation.id, Turn.level == Level.HARD.value, Turn.received_at >= now - LATCH, ~listed
    )
    session.add_all(ReleasedTurn(turn_id=turn_id, released_at=now) for turn_id in session.scalars(found))


def release(conversation: Conversation) -> None:
    """Ends the latch."""
    conversation.latch_until = conversation.latch_card = None
