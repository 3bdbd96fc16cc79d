"""The JSON of the web chat."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from bot.channels.web.history import Choice, Said, ShownPart, Talk, choices_of
from server.conversations.turn import Reply, shown_role


class PartOut(BaseModel):
    """One paragraph. `html` is safe to show; without it `text` is plain words."""

    html: str | None
    text: str
    lang: str
    role: str


class OptionOut(BaseModel):
    """A button: sending `value` as a message chooses it."""

    value: str
    label: str


class ReplyOut(BaseModel):
    """The reply to one message. `id` numbers it in the history; it is empty while nothing can be stored."""

    outcome: str
    language: str
    parts: list[PartOut]
    options: list[OptionOut]
    owner: str
    reference: str | None
    id: int | None
    client_id: str
    session: str | None = Field(None, description="Given when a new session was made for this message.")


class SaidOut(BaseModel):
    """One bubble of the history."""

    id: int | None
    speaker: str
    client_id: str | None
    at: datetime
    parts: list[PartOut]
    options: list[OptionOut]


class TalkOut(BaseModel):
    """The history of a session, or the part after a number; a little of it may be told twice."""

    messages: list[SaidOut]
    last: int
    owner: str
    reference: str | None


class SessionOut(BaseModel):
    """What the browser keeps, and sends in `X-Spillway-Session` where it gets no cookies."""

    session: str
    privacy: str


class ErrorOut(BaseModel):
    """What went wrong, in words for the resident."""

    code: str
    error: str


class MessageIn(BaseModel):
    """A message of a resident; only described here, since a body that breaks it is answered all the same where it can be."""

    text: str = Field(description="What the resident wrote; up to 10,000 characters.")
    client_id: str | None = Field(None, description="The browser's own name for the message: sent twice, it is one message.")
    language: str | None = Field(None, description="`en` or `es`, when the resident has just picked it.")


def parts_out(parts: tuple[ShownPart, ...]) -> list[PartOut]:
    """Paragraphs as JSON."""
    return [PartOut(html=part.html, text=part.text, lang=part.language, role=part.role) for part in parts]


def options_out(choices: tuple[Choice, ...]) -> list[OptionOut]:
    """Buttons as JSON."""
    return [OptionOut(value=choice.value, label=choice.label) for choice in choices]


def said_out(said: Said) -> SaidOut:
    """A bubble as JSON."""
    return SaidOut(
        id=said.id,
        speaker=said.speaker,
        client_id=said.client_id,
        at=said.at,
        parts=parts_out(said.parts),
        options=options_out(said.choices),
    )


def talk_out(talk: Talk) -> TalkOut:
    """A history as JSON."""
    return TalkOut(messages=[said_out(each) for each in talk.said], last=talk.last, owner=talk.owner, reference=talk.reference)


def shown_parts(reply: Reply) -> tuple[ShownPart, ...]:
    """The parts of a reply as a page shows them."""
    return tuple(ShownPart(part.text, part.html, part.language, shown_role(part.message_id, part.role)) for part in reply.parts)


def reply_out(reply: Reply, *, number: int | None, client_id: str, session: str | None) -> ReplyOut:
    """A reply as JSON."""
    return ReplyOut(
        outcome=reply.outcome.value,
        language=reply.language,
        parts=parts_out(shown_parts(reply)),
        options=options_out(choices_of(reply.options)),
        owner=reply.owner,
        reference=reply.conversation,
        id=number,
        client_id=client_id,
        session=session,
    )
