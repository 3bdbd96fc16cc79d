"""Reading a long answer over the phone piece by piece: what was read, what is left, and whether it may still be said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from knowledge.library import Library, Said, Situation
from server.conversations.turn import Part


@dataclass(frozen=True)
class Piece:
    """One piece of an approved message, as kept in a conversation's memory."""

    message_id: str
    version: int
    language: str
    text: str

    @classmethod
    def of(cls, part: Part, text: str | None = None) -> Piece:
        """The piece that a part says, or another text of the same message."""
        return cls(part.message_id, part.version, part.language, part.text if text is None else text)

    @property
    def reference(self) -> str:
        """The message and its version."""
        return f"{self.message_id}@{self.version}"

    def to_json(self) -> dict[str, Any]:
        """The piece as stored."""
        return asdict(self)

    def before(self, library: Library, situation: Situation) -> Piece | None:
        """The piece of the same message that comes before this one, or nothing."""
        said = _now(self, library, situation)
        texts = (said.text, *said.more)
        if f"{said.message_id}@{said.version}" != self.reference or self.text not in texts[1:]:
            return None
        return Piece(self.message_id, self.version, self.language, texts[texts.index(self.text) - 1])


def pieces_of(stored: object) -> list[Piece]:
    """The pieces in a memory; what is not one is left out."""
    wanted = {"message_id", "version", "language", "text"}
    return [Piece(**item) for item in stored if isinstance(item, dict) and set(item) == wanted] if isinstance(stored, list) else []


def rest_of(parts: Sequence[Part] | Iterable[Part]) -> list[Piece]:
    """What is left to read of some parts, in order."""
    return [Piece.of(part, text) for part in parts for text in part.more]


def fresh(piece: Piece, library: Library, situation: Situation) -> Part:
    """The piece if its message still says so, else what the message says now; a withdrawn one becomes the holding text."""
    said = _now(piece, library, situation)
    part = Part.of(said, "answer")
    if part.reference == piece.reference and piece.text in (said.text, *said.more):
        return Part(piece.message_id, piece.version, piece.language, piece.text, role="answer")
    return part


def _now(piece: Piece, library: Library, situation: Situation) -> Said:
    return library.restated(piece.message_id, situation)
