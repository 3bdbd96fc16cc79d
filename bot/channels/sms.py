"""Text messages: Twilio's webhook, answered in the webhook's own response, and what becomes of the texts."""

from __future__ import annotations

import asyncio
import re
from typing import Final

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from twilio.twiml.messaging_response import MessagingResponse

from server.conversations.models import Claim
from server.conversations.turn import Channel, Inbound, Reply
from server.database.engine import Sessions, reading
from server.errors import BadInput
from server.http.deps import ChannelDeps
from server.identity.keys import Keys
from server.outbox import service
from server.twilio.addresses import is_withheld, reachable
from server.twilio.callbacks import read_reference, reference_of_claim, status_url
from server.twilio.http import TwilioRoute, twiml, xml_text
from server.twilio.signature import verified_form

log = structlog.get_logger()

LONGEST_REPLY: Final = 1600
"""Twilio refuses a longer body (error 21617)."""
LONGEST_BODY: Final = 10_000
_SID: Final = re.compile(r"[A-Za-z0-9]{1,64}")
_KEEP: Final = {"card": 0, "safety": 1, "answer": 2, "system": 3}


def router(deps: ChannelDeps) -> APIRouter:
    """The routes of text messages."""
    routes = APIRouter(route_class=TwilioRoute, tags=["twilio"])

    @routes.post("/twilio/sms")
    async def receive(request: Request) -> Response:
        """One text from a resident; the reply is the response."""
        inbound = inbound_of(await verified_form(request, deps.settings), keys=deps.keys)
        reply = await deps.spine.handle(inbound)
        if reply.duplicate and await asyncio.to_thread(_answered_elsewhere, deps.sessions, inbound.claim):
            return twiml(MessagingResponse())
        action = status_url(deps.settings, deps.keys, reference_of_claim(inbound.claim))
        return twiml(render(reply, action=action))

    @routes.post("/twilio/sms/status")
    async def status(request: Request) -> Response:
        """How far one of our texts got."""
        form = await verified_form(request, deps.settings)
        reference = read_reference(deps.keys, request.query_params)
        report = service.Report(
            reference=reference,
            provider_id=form.get("MessageSid") or form.get("SmsSid") or "",
            status=form.get("MessageStatus") or form.get("SmsStatus") or "",
            error_code=form.get("ErrorCode") or None,
        )
        await asyncio.to_thread(_store, deps.sessions, report)
        return Response(status_code=204)

    return routes


def inbound_of(form: dict[str, str], *, keys: Keys) -> Inbound:
    """The message in Twilio's fields. Raises `BadInput` without a usable MessageSid, because nothing else tells a retry apart.

    A sender that is withheld shares nothing with another: its conversation is known by the message itself."""
    sid = form.get("MessageSid") or form.get("SmsSid") or ""
    if not _SID.fullmatch(sid):
        raise BadInput("MessageSid is missing.")
    sender, ours = form.get("From", "").strip(), form.get("To", "").strip()
    withheld = is_withheld(sender)
    identity = keys.hash(sid if withheld else sender)
    return Inbound(
        channel=Channel.SMS,
        claim=f"sms:{sid}",
        key=f"sms:{identity}:{keys.hash(ours)}",
        text=form.get("Body", "")[:LONGEST_BODY],
        person=None if withheld else identity,
        contact=keys.seal(sender) if reachable(sender) else None,
        our_address=ours[:64],
        media=_count(form.get("NumMedia", "")),
        opt_out_type=form.get("OptOutType") or None,
    )


def render(reply: Reply, *, action: str) -> MessagingResponse:
    """The reply as one message, so that its parts cannot arrive shuffled; no message when there is nothing to say."""
    response = MessagingResponse()
    text = one_text(reply)
    if text:
        response.message(action=action, method="POST").body(xml_text(text))
    return response


def one_text(reply: Reply, limit: int = LONGEST_REPLY) -> str:
    """All parts in one text of at most `limit` characters. What does not fit is left out from the least important on; the 911
    line is never left out."""
    kept: set[int] = set()
    room = limit
    for index, part in sorted(enumerate(reply.parts), key=lambda item: (_KEEP[item[1].role], item[0])):
        size = len(part.text) + (2 if kept else 0)
        if size <= room:
            kept.add(index)
            room -= size
    if not kept and reply.parts:
        return cut_text(reply.parts[0].text, limit)
    return "\n\n".join(part.text for index, part in enumerate(reply.parts) if index in kept)


def cut_text(text: str, limit: int) -> str:
    """A text cut at the end of a sentence or word."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    sentence = max(head.rfind(mark) for mark in (". ", "! ", "? ", "\n"))
    end = sentence + 1 if sentence > limit // 2 else head.rfind(" ")
    return head[: end if end > 0 else limit].rstrip()


def _count(value: str) -> int:
    return min(int(value), 99) if value.isascii() and value.isdigit() and len(value) < 9 else 0


def _answered_elsewhere(sessions: Sessions, claim: str) -> bool:
    """True when the reply went or goes out through the outbox after a crash: a late retry must not send it twice."""
    try:
        with reading(sessions) as session:
            row = session.get(Claim, claim)
            return row is not None and row.state == "recovered"
    except SQLAlchemyError as error:
        # Twice is better than not at all.
        log.error("sms.claim_unread", error=repr(error))
        return False


def _store(sessions: Sessions, report: service.Report) -> None:
    with sessions.begin() as session:
        service.take_report(session, report=report)
