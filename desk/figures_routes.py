"""The supervisors' pages: figures with their export, and who is at the desk and what they can."""

from __future__ import annotations

import csv
import io
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from desk import presence
from desk.figures import read_report, rows
from desk.views import mark_words, reason_words
from server.database.engine import reading
from server.errors import NotFound
from server.http.deps import ChannelDeps
from server.http.pages import go, page_language, render
from server.staff.access import staff_user


def router(deps: ChannelDeps) -> APIRouter:
    """Figures and team."""
    routes = APIRouter(tags=["desk"], include_in_schema=False)

    @routes.get("/figures")
    def figures(request: Request) -> Response:
        user = staff_user(request, deps, "desk.supervise")
        language = page_language(request, user)
        with reading(deps.sessions) as session:
            report = read_report(session, city=deps.library.last_good.city)
        name = "_figures.html" if request.query_params.get("piece") else "figures.html"
        return render(
            name,
            request=request,
            deps=deps,
            user=user,
            report=report,
            reason=lambda reason: reason_words(reason, language),
            mark=lambda key: mark_words(key, language),
            states=presence.STATES,
        )

    @routes.get("/figures.csv")
    def export(request: Request) -> Response:
        staff_user(request, deps, "desk.supervise")
        with reading(deps.sessions) as session:
            report = read_report(session, city=deps.library.last_good.city)
        text = io.StringIO()
        csv.writer(text).writerows(rows(report))
        name = f"desk-{report.at:%Y%m%dT%H%MZ}.csv"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return Response(text.getvalue(), media_type="text/csv", headers=headers)

    @routes.get("/team")
    def team(request: Request) -> Response:
        user = staff_user(request, deps, "desk.supervise")
        with reading(deps.sessions) as session:
            seats, groups = presence.seats(session), presence.groups(session)
        return render("team.html", request=request, deps=deps, user=user, seats=seats, groups=groups)

    @routes.post("/team/{name}")
    def set_up(
        request: Request,
        name: str,
        shown_as: Annotated[str, Form()] = "",
        capacity: Annotated[int, Form()] = 3,
        languages: Annotated[str, Form()] = "en",
        skills: Annotated[str, Form()] = "",
        group: Annotated[str, Form()] = "",
    ) -> Response:
        user = staff_user(request, deps, "desk.supervise")
        with deps.sessions.begin() as session:
            if name not in {seat.agent.name for seat in presence.seats(session)}:
                raise NotFound("That person has no place at the desk yet.", words="desk_refusal.no_seat")
            presence.set_up(
                session,
                name=name,
                actor=user.name,
                shown_as=shown_as,
                capacity=capacity,
                languages=_listed(languages),
                skills=_listed(skills),
                group=group,
            )
        return go("/desk/team", notice="desk_agent.notice_saved")

    return routes


def _listed(text: str) -> list[str]:
    parts = text.replace(",", " ").lower().split()
    return [part[:24] for part in dict.fromkeys(parts)][:12]
