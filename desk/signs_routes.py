"""That an agent writes: shown to the resident of a web chat for seconds, never stored."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from desk import board, service
from server.conversations.turn import Channel
from server.database.engine import reading
from server.http.deps import ChannelDeps
from server.staff.access import staff_user


def router(deps: ChannelDeps) -> APIRouter:
    """The one address to which a page tells that its agent writes."""
    routes = APIRouter()

    @routes.post("/c/{reference}/signs")
    def writes(request: Request, reference: str) -> Response:
        """Only who has the conversation gives a sign in it; from anybody else it is nothing."""
        user = staff_user(request, deps, "desk.take")
        with reading(deps.sessions) as session:
            conversation = board.conversation_by_reference(session, reference=reference)
            held = service.holder(session, conversation_id=conversation.id) == user.name
        if held and conversation.channel == Channel.WEB:
            deps.signs.writes(conversation.id, "agent")
            deps.wake.stored(conversation.id)
        return Response(status_code=204)

    return routes
