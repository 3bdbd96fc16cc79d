"""What was said in a browser's chat, both ways, in order, as a page shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.conversations.models import Claim, Conversation, Turn
from server.conversations.turn import Reply, shown_role
from server.outbox.models import OutboundMessage

SHOWN: Final = ("sent", "delivered")
"""States of a text that has left: only these are shown."""
_MOST: Final = 200
_OVERLAP: Final = timedelta(minutes=2)
"""Two writers on PostgreSQL may commit in another order than they took their numbers: what is this recent is told again."""


@dataclass(frozen=True)
class ShownPart:
    """One paragraph of ours. `html` comes from an approved message and is safe; without it `text` is shown as plain words."""

    text: str
    html: str | None
    language: str
    role: str


@dataclass(frozen=True)
class Choice:
    """A button that sends the number of an option."""

    value: str
    label: str


@dataclass(frozen=True)
class Said:
    """One bubble: the resident's (`speaker` is `resident`) or ours (`bot`, `agent`, `system`)."""

    speaker: str
    at: datetime
    parts: tuple[ShownPart, ...]
    client_id: str | None
    """The browser's name of the message, or of the message that this answers."""
    id: int | None = None
    """The number of the outgoing text; nothing for the resident's own."""
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class Talk:
    """A whole chat, and where it stands."""

    said: tuple[Said, ...] = ()
    reference: str | None = None
    owner: str = "bot"
    language: str | None = None

    @property
    def last(self) -> int:
        """The number of our last text, to ask for what came after it."""
        return max((each.id for each in self.said if each.id is not None), default=0)


def choices_of(options: Sequence[Any]) -> tuple[Choice, ...]:
    """Options as a resident chooses them: by their number."""
    return tuple(Choice(str(number), option.label) for number, option in enumerate(options, 1))


def parts_of(row: OutboundMessage) -> tuple[ShownPart, ...]:
    """The paragraphs of an outgoing text; what an agent wrote is plain words."""
    if row.parts:
        return tuple(_shown(part) for part in row.parts)
    return (ShownPart(row.text, None, "", row.speaker),)


def _shown(part: Mapping[str, Any]) -> ShownPart:
    role = shown_role(part.get("message_id", ""), part.get("role", "answer"))
    return ShownPart(part["text"], part.get("html"), part.get("language", "en"), role)


def conversations_of(session: Session, *, key: str) -> list[Conversation]:
    """The last conversations of one browser, the newest first."""
    return list(session.scalars(select(Conversation).where(Conversation.key == key).order_by(Conversation.id.desc()).limit(3)))


def outgoing_after(session: Session, *, conversation_ids: Sequence[int], after: int) -> list[OutboundMessage]:
    """Our texts with a number above `after`, in order."""
    found = session.scalars(
        select(OutboundMessage)
        .where(OutboundMessage.conversation_id.in_(conversation_ids), OutboundMessage.id > after, OutboundMessage.state.in_(SHOWN))
        .order_by(OutboundMessage.id.desc())
        .limit(_MOST)
    )
    return list(found)[::-1]


def read_talk(session: Session, *, key: str, after: int = 0) -> Talk:
    """What was said, or, with `after`, at least what was said since that number; a little of it may be told twice."""
    conversations = conversations_of(session, key=key)
    if not conversations:
        return Talk()
    ids = [conversation.id for conversation in conversations]
    since = _since(session, ids, after)
    rows = (
        select(OutboundMessage)
        .where(OutboundMessage.conversation_id.in_(ids), OutboundMessage.state.in_(SHOWN))
        .order_by(OutboundMessage.id.desc())
        .limit(_MOST)
    )
    turns = select(Turn).where(Turn.conversation_id.in_(ids)).order_by(Turn.id.desc()).limit(_MOST)
    if since is not None:
        rows = rows.where((OutboundMessage.created_at >= since) | (OutboundMessage.id > after))
        turns = turns.where(Turn.received_at >= since)
    said = _merge(key, list(session.scalars(turns)), list(session.scalars(rows)), _replies(session, key, ids))
    newest = conversations[0]
    return Talk(said=said, reference=newest.reference, owner=newest.owner, language=newest.language)


def resident_said(words: str, language: str, at: datetime, client_id: str | None) -> Said:
    """What a resident wrote, as a bubble."""
    return Said("resident", at, (ShownPart(words, None, language, "resident"),), client_id)


def said_of(row: OutboundMessage, *, key: str, reply: Reply | None = None) -> Said:
    """An outgoing text as a bubble."""
    cause = row.dedupe_key.removeprefix("turn:")
    client_id = cause.removeprefix(f"{key}:") if cause.startswith(f"{key}:") else None
    choices = choices_of(reply.options) if reply is not None else ()
    return Said(row.speaker, row.created_at, parts_of(row), client_id, row.id, choices)


def _since(session: Session, ids: Sequence[int], after: int) -> datetime | None:
    if after <= 0:
        return None
    at = session.scalar(
        select(OutboundMessage.created_at).where(OutboundMessage.id == after, OutboundMessage.conversation_id.in_(ids))
    )
    return at - _OVERLAP if at is not None else None


def _replies(session: Session, key: str, ids: Sequence[int]) -> dict[str, Reply]:
    found = session.execute(
        select(Claim.key, Claim.reply)
        .where(Claim.conversation_id.in_(ids), Claim.reply.is_not(None))
        .order_by(Claim.received_at.desc())
        .limit(_MOST)
    )
    return {claim.removeprefix(f"{key}:"): Reply.from_json(reply) for claim, reply in found if reply}


def _merge(key: str, turns: Sequence[Turn], rows: Sequence[OutboundMessage], replies: Mapping[str, Reply]) -> tuple[Said, ...]:
    mine = [resident_said(turn.text, turn.language, turn.received_at, turn.claim.removeprefix(f"{key}:")) for turn in turns]
    ours = [said_of(row, key=key) for row in rows]
    ordered = sorted([*mine, *ours], key=lambda each: (each.at, each.id is not None, each.id or 0))
    return _with_choices(ordered, replies)


def _with_choices(said: Sequence[Said], replies: Mapping[str, Reply]) -> tuple[Said, ...]:
    """Buttons under the last word of ours only; a number that a resident pressed is shown as what stood on the button."""
    shown: list[Said] = []
    offered: tuple[Choice, ...] = ()
    for position, each in enumerate(said):
        if each.speaker == "resident":
            label = next((choice.label for choice in offered if choice.value == each.parts[0].text), None)
            shown.append(_relabelled(each, label) if label else each)
            continue
        reply = replies.get(each.client_id or "")
        offered = choices_of(reply.options) if reply is not None else ()
        last = position == len(said) - 1
        shown.append(Said(each.speaker, each.at, each.parts, each.client_id, each.id, offered if last else ()))
    return tuple(shown)


def _relabelled(said: Said, label: str) -> Said:
    return resident_said(label, said.parts[0].language, said.at, said.client_id)
