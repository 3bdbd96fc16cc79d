"""What the spine needs from the parts above and beside it, so that it can be read and tested without them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.orm import Session

from server.conversations.models import Conversation
from server.conversations.turn import Answered, Asked


class Assistant(Protocol):
    """Understands one turn and answers it with approved messages. One that wraps another names it in `part`, for the step gauge."""

    async def respond(self, asked: Asked) -> Answered:
        """The answer to one turn. Raises when it cannot answer; the next assistant down is asked then."""
        ...


@dataclass(frozen=True)
class InLine:
    """Where a resident stands with the desk, and what is said about it."""

    place: int = 0
    """Counted from 1; 0 when they are not in the line."""
    minutes: int | None = None
    """The wait by our own measurements; nothing when too little was measured."""
    later: bool = False
    """True when nobody is at the desk and an agent comes back to them."""
    say: str | None = None
    """The system text that answers what they just asked of the desk, such as to leave the line."""


class Desk(Protocol):
    """The live agents' queue."""

    def queue(
        self, session: Session, *, conversation: Conversation, reason: str, text: str, slots: dict[str, Any] | None = None
    ) -> InLine:
        """Queues a conversation for a person and gives its place in line; one that is queued keeps its place."""
        ...

    def append(self, session: Session, *, conversation: Conversation, text: str) -> InLine:
        """Adds what a waiting resident, or one who speaks with an agent, wrote, and does what they ask of the desk."""
        ...

    def goes_by_itself(self, text: str) -> str | None:
        """The reason for which a message goes to a person besides its answer, such as a welfare check; nothing for the most."""
        ...

    def helped(self, session: Session, *, conversation: Conversation, helped: bool) -> None:
        """Stores the answer to "did this help?"."""
        ...


class LanguageDetector(Protocol):
    """Tells which language a message is in."""

    def __call__(self, text: str, *, current: str, fixed: bool) -> tuple[str, bool]:
        """The language to answer in, and whether the message was a confident sentence or a request for it."""
        ...
