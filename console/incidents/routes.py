"""The pages of incidents: what is open, one incident with its first hour, and what closing it leaves to learn from."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from console.incidents import view
from console.incidents.acts import add_acts
from console.incidents.after import after_action, as_csv
from knowledge.answer_changes import open_incidents
from knowledge.changes import LEVELS
from knowledge.incident_packs import to_collect
from knowledge.incident_steps import pack_of, steps, tick
from knowledge.models import IncidentRow
from server import clock
from server.database.engine import reading
from server.http.deps import ChannelDeps
from server.http.pages import page_language, render
from server.staff.access import staff_user
from server.staff.permissions import PERMISSIONS

CHANGE: Final = "incidents.change"
_CLOSED: Final = 50


def router(deps: ChannelDeps) -> APIRouter:
    """What is going on."""
    routes = APIRouter(prefix="/console/incidents", tags=["console"], include_in_schema=False)
    add_acts(routes, deps)

    @routes.get("/")
    def home(request: Request) -> Response:
        user = staff_user(request, deps, "console.see")
        closed = select(IncidentRow).where(IncidentRow.closed_at.is_not(None)).order_by(IncidentRow.closed_at.desc()).limit(_CLOSED)
        with reading(deps.sessions) as session:
            library = deps.library.get(session)
            ranks = [(one.name, one.started_at) for one in library.incidents]
            rows = sorted(open_incidents(session), key=lambda row: _rank(ranks, row))
            ended = list(session.scalars(closed))
        return render(
            "incidents/home.html",
            request=request,
            deps=deps,
            user=user,
            rows=rows,
            ended=ended,
            phase=library.phase,
            may_change=user.role in PERMISSIONS[CHANGE],
        )

    @routes.get("/{incident_id}")
    def incident(request: Request, incident_id: int) -> Response:
        user = staff_user(request, deps, "console.see")
        language, now = page_language(request, user), clock.now()
        with reading(deps.sessions) as session:
            row = view.find_incident(session, incident_id)
            library = deps.library.get(session)
            pack = pack_of(row, library.incident_packs)
            held = steps(session, incident_id=incident_id, pack=pack)
        more: dict[str, Any] = {
            "facts": to_collect(pack, library.facts, now=now) if pack else (),
            "expected": view.expected(pack, library, language) if pack else [],
            "templates": [library.plan[name] for name in pack.templates if name in library.plan] if pack else [],
            "gaps": view.zone_gaps(row, library) if row.closed_at is None else [],
            "zones": sorted({zone.name for zone in library.zones} | set(row.zones)),
        }
        return render(
            "incidents/incident.html",
            request=request,
            deps=deps,
            user=user,
            row=row,
            pack=pack,
            steps=held,
            done=sum(step.done_at is not None for step in held),
            phases=view.PHASES_OF_INCIDENTS,
            levels=LEVELS,
            titles={one.topic: library.title(one.topic, language) for one in more["expected"] if one.topic in library.topics},
            may_change=user.role in PERMISSIONS[CHANGE],
            **more,
        )

    @routes.post("/{incident_id}/step")
    def step(request: Request, incident_id: int, mark: Annotated[str, Form()], done: Annotated[str, Form()] = "") -> Response:
        user = staff_user(request, deps, CHANGE)
        with deps.sessions.begin() as session:
            row = view.find_incident(session, incident_id, lock=True)
            pack = pack_of(row, deps.library.get(session).incident_packs)
            tick(session, incident_id=incident_id, pack=pack, mark=mark, done=done == "1", actor=user.name)
        return RedirectResponse(f"/console/incidents/{incident_id}?lang={page_language(request, user)}#step-{mark[:8]}", 303)

    @routes.get("/{incident_id}/after")
    def after(request: Request, incident_id: int) -> Response:
        user = staff_user(request, deps, "console.see")
        language = page_language(request, user)
        with reading(deps.sessions) as session:
            row = view.find_incident(session, incident_id)
            report = after_action(session, row)
            library = deps.library.get(session)
        titles = {intent: library.title(intent, language) for intent, _ in report.topics if intent in library.topics}
        return render("incidents/after.html", request=request, deps=deps, user=user, row=row, report=report, titles=titles)

    @routes.get("/{incident_id}/after.csv")
    def after_csv(request: Request, incident_id: int) -> Response:
        staff_user(request, deps, "console.see")
        with reading(deps.sessions) as session:
            content = as_csv(after_action(session, view.find_incident(session, incident_id)))
        headers = {"content-disposition": f'attachment; filename="incident-{incident_id}.csv"', "cache-control": "no-store"}
        return Response("\ufeff" + content, media_type="text/csv; charset=utf-8", headers=headers)

    return routes


def _rank(ranks: list[tuple[str, Any]], row: IncidentRow) -> int:
    """The place in which an incident decides what is said; the first one does."""
    mark = (row.name, row.started_at)
    return ranks.index(mark) if mark in ranks else len(ranks)
