"""Takes a browser's messages to the spine. What would be refused is looked at by the triage first: an emergency always passes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request

from bot.channels.web.errors import Empty, NoSession, TooMany
from bot.channels.web.intake import LONGEST, Message, Sent, page_language
from bot.channels.web.limits import Limiter
from bot.channels.web.sessions import ChatSession, new_session, session_of
from bot.triage.decision import Level
from bot.triage.engine import Context
from console.catalogue import LANGUAGES, text
from server.conversations.looking import look
from server.conversations.models import Conversation
from server.conversations.turn import Channel, Inbound, Reply
from server.database.engine import reading
from server.errors import SpillwayError, TooLarge
from server.http.deps import ChannelDeps
from server.http.peers import client_address
from server.metrics import REFUSED
from server.outbox.models import OutboundMessage


@dataclass(frozen=True)
class Taken:
    """One message and its reply. `number` is the reply's place in the history; nothing when it has none."""

    message: Message
    reply: Reply
    number: int | None


@dataclass(frozen=True)
class Answering:
    """The way from a request to replies."""

    deps: ChannelDeps
    limiter: Limiter

    async def answer(self, request: Request, sent: Sent) -> tuple[ChatSession, list[Taken]]:
        """Answers each message of a request, in order. Raises `Empty`, `NoSession`, `TooMany` or `TooLarge`, but never for a
        message that speaks of danger."""
        session = session_of(request, self.deps.keys, field=sent.session)
        refusal = self._refusal(request, sent, session)
        if refusal is not None and not await self._danger(sent):
            REFUSED.labels(reason=f"web_{refusal.code}").inc()
            raise refusal
        session = session or new_session(self.deps.keys)
        taken = []
        for message in sent.messages:
            claim = session.claim(message.client_id)
            inbound = Inbound(
                channel=Channel.WEB,
                claim=claim,
                key=session.key,
                text=message.text[:LONGEST],
                language=sent.language or await self._first_language(request, session, message),
            )
            reply = await self.deps.spine.handle(inbound)
            taken.append(Taken(message, reply, await asyncio.to_thread(self._number, claim)))
        return session, taken

    def _refusal(self, request: Request, sent: Sent, session: ChatSession | None) -> SpillwayError | None:
        language = page_language(request)
        if not any(message.text for message in sent.messages):
            return Empty(text("chat.error_empty", language))
        if session is None and not sent.is_form:
            return NoSession(text("chat.error_session", language))
        address = client_address(request, self.deps.settings)
        wait = self.limiter.wait_for(session=session.key if session else address, address=address)
        if wait:
            return TooMany(text("chat.error_many", language, seconds=wait), wait=wait)
        if any(len(message.text) > LONGEST for message in sent.messages):
            return TooLarge(text("chat.error_long", language, limit=LONGEST))
        return None

    async def _danger(self, sent: Sent) -> bool:
        for message in sent.messages:
            decision = await look(self.deps.spine.triage, message.text[:LONGEST], context=Context(channel="web"))
            if decision.level in (Level.HARD, Level.CRISIS):
                return True
        return False

    async def _first_language(self, request: Request, session: ChatSession, message: Message) -> str | None:
        """The language of the page, for the first message of a chat, unless the message is clearly in another one: a lone
        `agua` on the Spanish page is Spanish."""
        language = page_language(request)
        if language == LANGUAGES[0] or await asyncio.to_thread(self._has_talked, session.key):
            return None
        heard, _sure = self.deps.spine.detect(message.text, current=language, fixed=False)
        return language if heard == language else None

    def _has_talked(self, key: str) -> bool:
        try:
            with reading(self.deps.sessions) as session:
                return session.scalar(select(Conversation.id).where(Conversation.active_key == key)) is not None
        except SQLAlchemyError:
            # The spine meets the same failure next and answers it with the 911 line, in the language of the page.
            return False

    def _number(self, claim: str) -> int | None:
        try:
            with reading(self.deps.sessions) as session:
                return session.scalar(select(OutboundMessage.id).where(OutboundMessage.dedupe_key == f"turn:{claim}"))
        except SQLAlchemyError:
            # A number only spares the page a second look; the reply itself is at hand.
            return None
