"""The live agents' pages: what needs a person, and one conversation with everything already said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from sqlalchemy import func, select
from sse_starlette.sse import EventSourceResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from desk import board, reply, service
from server import clock
from server.alerts.service import acknowledge
from server.audit.service import record
from server.conversations.models import Conversation
from server.conversations.ownership import Owner
from server.database.engine import reading
from server.errors import Conflict
from server.http.deps import ChannelDeps
from server.http.pages import render
from server.staff.access import SignInNeeded, staff_user

REFRESH_SECONDS = 2


def router(deps: ChannelDeps) -> APIRouter:
    """The desk."""
    routes = APIRouter(prefix="/desk", tags=["desk"], include_in_schema=False)

    @routes.get("/")
    def home(request: Request) -> Response:
        try:
            user = staff_user(request, deps, "desk.see")
        except SignInNeeded:
            return RedirectResponse("/sign-in", 303)
        with reading(deps.sessions) as session:
            lists: dict[str, Any] = {
                "alerts": board.alerts(session),
                "waiting": board.queue(session),
                "taken": board.queue(session, state="agent"),
            }
            name = "_board.html" if request.query_params.get("piece") else "desk.html"
            return render(name, request=request, deps=deps, user=user, **lists)

    @routes.get("/events")
    async def events(request: Request) -> Response:
        await run_in_threadpool(staff_user, request, deps, "desk.see")
        return EventSourceResponse(_changes(request, deps), ping=15)

    @routes.get("/c/{reference}")
    def conversation_page(request: Request, reference: str) -> Response:
        try:
            user = staff_user(request, deps, "desk.see")
        except SignInNeeded:
            return RedirectResponse("/sign-in", 303)
        library = deps.library.last_good
        with reading(deps.sessions) as session:
            conversation = board.conversation_by_reference(session, reference=reference)
            handoff = service.current_handoff(session, conversation_id=conversation.id)
            return render(
                "_transcript.html" if request.query_params.get("piece") else "conversation.html",
                request=request,
                deps=deps,
                user=user,
                conversation=conversation,
                handoff=handoff,
                lines=board.transcript(session, conversation_id=conversation.id),
                topics=sorted((library.title(intent, conversation.language), intent) for intent in library.topics),
                contact=None,
            )

    @routes.post("/c/{reference}/{act}")
    async def change(request: Request, reference: str, act: str, text: Annotated[str, Form()] = "") -> Response:
        await run_in_threadpool(_change, deps, request, reference, act, text)
        return RedirectResponse(f"/desk/c/{reference}", 303)

    @routes.post("/alerts/{alert_id}")
    def seen(request: Request, alert_id: int) -> Response:
        user = staff_user(request, deps, "alerts.acknowledge")
        with deps.sessions.begin() as session:
            acknowledge(session, alert_id=alert_id, by=user.name)
        return RedirectResponse("/desk/", 303)

    @routes.post("/contact/{reference}")
    def contact(request: Request, reference: str) -> Response:
        user = staff_user(request, deps, "desk.contact")
        with deps.sessions.begin() as session:
            conversation = board.conversation_by_reference(session, reference=reference)
            number = deps.keys.open(conversation.contact) if conversation.contact else None
            record(session, actor=user.name, action="contact.shown", subject=reference)
        return render("_contact.html", request=request, deps=deps, user=user, contact=number)

    return routes


def _change(deps: ChannelDeps, request: Request, reference: str, act: str, text: str) -> None:
    user = staff_user(request, deps, "desk.take")
    with deps.sessions.begin() as session:
        conversation = board.conversation_by_reference(session, reference=reference)
        handoff = service.current_handoff(session, conversation_id=conversation.id)
        match act:
            case "take":
                if handoff is None:
                    handoff = service.open_handoff(session, conversation=conversation, reason="agent_pull", text="")
                service.accept(session, handoff_id=handoff.id, agent=user.name)
            case "say":
                reply.say_typed(session, conversation=conversation, agent=user.name, text=text)
            case "approved":
                reply.say_approved(
                    session, conversation=conversation, agent=user.name, library=deps.library.get(session), intent=text
                )
            case "return" if handoff is not None and conversation.owner == Owner.AGENT:
                service.give_back(session, handoff_id=handoff.id, agent=user.name)
            case "close" if conversation.owner != Owner.CLOSED:
                service.close(session, conversation=conversation, agent=user.name)
            case _:
                raise Conflict("That cannot be done with this conversation now.")
        conversation_id = conversation.id
    deps.wake.stored(conversation_id)


async def _changes(request: Request, deps: ChannelDeps) -> AsyncIterator[dict[str, str]]:
    """Tells an open desk that something changed; the page then fetches the piece anew."""
    before = ""
    while not await request.is_disconnected():
        now = await run_in_threadpool(_mark, deps)
        if now != before:
            before = now
            yield {"event": "changed", "id": clock.now().isoformat(), "data": now}
        await asyncio.sleep(REFRESH_SECONDS)


def _mark(deps: ChannelDeps) -> str:
    with reading(deps.sessions) as session:
        waiting, alerts = board.queue(session), board.alerts(session)
        latest = session.scalar(select(func.max(Conversation.last_at)))
        return f"{[item.handoff.id for item in waiting]}{[alert.id for alert, _ in alerts]}{latest}"
