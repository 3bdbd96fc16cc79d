"""What is kept of recorded messages. The caller owns the transaction."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import clock
from server.alerts.service import raise_alert
from server.audit.service import record
from server.conversations.models import Conversation
from server.errors import NotFound
from server.voicemail.models import Voicemail

WAITING, DONE, NONE = "waiting", "done", "none"
LANGUAGES: Final = frozenset({"en"})
"""The languages in which Twilio writes recordings down; a message in another one has to be listened to."""


def find(session: Session, *, recording: str) -> Voicemail | None:
    """A message by the provider's id."""
    return session.scalar(select(Voicemail).where(Voicemail.recording == recording))


def keep(session: Session, *, conversation: Conversation, recording: str, seconds: int) -> Voicemail:
    """Notes a message, once, and puts it in front of staff: as urgent when nobody will write it down, since it may be anything."""
    known = find(session, recording=recording)
    if known is not None:
        known.seconds = known.seconds or seconds
        return known
    written = conversation.language in LANGUAGES
    made = Voicemail(
        conversation_id=conversation.id,
        recording=recording,
        seconds=seconds,
        transcript=WAITING if written else NONE,
        received_at=clock.now(),
    )
    session.add(made)
    session.flush()
    kind = "voicemail" if written else "voicemail_unread"
    raise_alert(session, kind=kind, severity="warning" if written else "critical", conversation_id=conversation.id)
    return made


def written_down(session: Session, *, voicemail: Voicemail, conversation: Conversation) -> None:
    """Its words are a turn of this conversation."""
    voicemail.transcript, voicemail.conversation_id = DONE, conversation.id
    session.flush()


def unreadable(session: Session, *, voicemail: Voicemail) -> None:
    """There are no words: somebody has to listen, at once, because nobody knows what it says."""
    if voicemail.transcript == WAITING:
        voicemail.transcript = NONE
        raise_alert(session, kind="voicemail_unread", severity="critical", conversation_id=voicemail.conversation_id)


def awaited(session: Session, *, conversation: Conversation) -> bool:
    """Whether words of a message of this conversation are still to come."""
    query = select(Voicemail.id).where(Voicemail.conversation_id == conversation.id, Voicemail.transcript == WAITING)
    return session.scalar(query.limit(1)) is not None


def of_conversation(session: Session, *, conversation_id: int) -> list[Voicemail]:
    """The messages of a conversation, the oldest first."""
    return list(session.scalars(select(Voicemail).where(Voicemail.conversation_id == conversation_id).order_by(Voicemail.id)))


def played(session: Session, *, voicemail_id: int, by: str) -> str:
    """Notes on record who listens; gives the provider's id. Raises `NotFound`."""
    found = session.get(Voicemail, voicemail_id)
    if found is None:
        raise NotFound("There is no such message.", words="voicemail.none_such")
    conversation = session.get_one(Conversation, found.conversation_id)
    if found.played_at is None:
        found.played_at, found.played_by = clock.now(), by
    record(session, actor=by, action="voicemail.played", subject=conversation.reference)
    return found.recording
