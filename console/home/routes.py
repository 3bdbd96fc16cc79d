"""The first page of those who write and decide."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.home import board
from console.home.questions import unanswered
from console.messages.sight import title_of
from server import clock
from server.database.engine import reading
from server.http.deps import ChannelDeps
from server.http.pages import page_language, render
from server.staff.access import staff_user
from server.staff.permissions import PERMISSIONS


def router(deps: ChannelDeps) -> APIRouter:
    """`/console/`."""
    routes = APIRouter(prefix="/console", tags=["home"], include_in_schema=False)

    @routes.get("/")
    def home(request: Request) -> Response:
        user = staff_user(request, deps, "console.see")
        library, now = deps.library.get(), clock.now()
        reader = page_language(request, user)
        with reading(deps.sessions) as session:
            said = board.live(session, library, intents=board.topics_of(library), user=user, language=reader, now=now)
            return render(
                "home/home.html",
                request=request,
                deps=deps,
                user=user,
                incidents=library.incidents,
                may_start=user.role in PERMISSIONS["incidents.change"],
                first=said[: board.FIRST],
                others=said[board.FIRST :],
                ending=board.ending(session, now=now),
                ending_facts=board.ending_facts(library, now=now),
                contradictions=library.contradictions,
                waiting=board.waiting(session, user=user, training=not deps.settings.live, now=now),
                asked=unanswered(session, now=now),
                title=lambda version: title_of(library, version.message_id, version.intent, reader),
                now=now,
            )

    return routes
