"""That a resident writes, and how far they have read: told to the agent who has the chat, kept for seconds, never stored."""

from __future__ import annotations

from pydantic import BaseModel, Field, ValidationError
from sqlalchemy import select
from starlette.requests import ClientDisconnect, Request

from bot.channels.web.errors import TooMany
from bot.channels.web.limits import Limiter
from bot.channels.web.sessions import ChatSession
from console.catalogue import text
from server.conversations.models import Conversation
from server.conversations.ownership import Owner
from server.database.engine import reading
from server.errors import BadInput, TooLarge
from server.http.body import read_body
from server.http.deps import ChannelDeps
from server.http.peers import client_address

MAX_BODY = 200


class SignIn(BaseModel):
    """One sign: the resident writes, or has our text of this number on the screen."""

    writing: bool = False
    read: int = Field(default=0, ge=0, le=2**62)


def sign_limiter() -> Limiter:
    """A page renews its sign every three seconds at most."""
    return Limiter(per_session=60, per_address=600)


async def read_sign(request: Request, *, language: str) -> SignIn:
    """The sign in a request. Raises `BadInput` or `TooLarge`."""
    try:
        return SignIn.model_validate_json(await read_body(request, most=MAX_BODY))
    except TooLarge as error:
        raise TooLarge(text("chat.error_json", language)) from error
    except (ValidationError, ClientDisconnect) as error:
        raise BadInput(text("chat.error_json", language)) from error


def hold_to_limit(request: Request, *, deps: ChannelDeps, limiter: Limiter, session: ChatSession, language: str) -> None:
    """Raises `TooMany` for a browser that gives more signs than a page of ours does."""
    wait = limiter.wait_for(session=session.key, address=client_address(request, deps.settings))
    if wait:
        raise TooMany(text("chat.error_many", language, seconds=wait), wait=wait)


def give(deps: ChannelDeps, *, session: ChatSession, sign: SignIn) -> None:
    """Passes a sign on while an agent has the chat; at any other time it is nobody's business."""
    with reading(deps.sessions) as found:
        query = select(Conversation.id).where(Conversation.active_key == session.key, Conversation.owner == Owner.AGENT.value)
        conversation_id = found.scalar(query)
    if conversation_id is None:
        return
    if sign.writing:
        deps.signs.writes(conversation_id, "resident")
    if sign.read:
        deps.signs.has_read(conversation_id, sign.read)
