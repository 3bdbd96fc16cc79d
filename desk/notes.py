"""What staff write for each other about a conversation. No resident ever sees it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import DeskNote
from server import clock
from server.errors import BadInput

MOST: Final = 2000
KINDS: Final = ("note", "transfer", "whisper")


def add_note(session: Session, *, conversation_id: int, kind: str, author: str, text: str) -> DeskNote:
    """Adds a note. Raises `BadInput` for an empty or too long one."""
    text = text.strip().replace("\x00", " ")
    if kind not in KINDS or not text or len(text) > MOST:
        raise BadInput(f"Write 1 to {MOST} characters.", words="desk_refusal.length", most=MOST)
    note = DeskNote(conversation_id=conversation_id, kind=kind, author=author, text=text, at=clock.now())
    session.add(note)
    session.flush()
    return note


def notes_of(session: Session, *, conversation_id: int) -> list[DeskNote]:
    """All notes of a conversation, the oldest first."""
    return list(session.scalars(select(DeskNote).where(DeskNote.conversation_id == conversation_id).order_by(DeskNote.id)))
