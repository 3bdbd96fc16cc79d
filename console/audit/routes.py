"""The audit for supervisors: who did what and when, its export, and the proof of its chain."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from server.audit.reading import PAGE, Wanted, lines, page
from server.audit.service import first_break, last_digest, record
from server.errors import BadInput
from server.http.deps import ChannelDeps
from server.http.pages import render
from server.staff.access import staff_user


def router(deps: ChannelDeps) -> APIRouter:
    """The pages under /console/audit/."""
    routes = APIRouter(prefix="/console/audit", tags=["console"], include_in_schema=False)

    def zone() -> ZoneInfo:
        return ZoneInfo(str(deps.library.last_good.city.get("time_zone") or "UTC"))

    @routes.get("/")
    def acts(request: Request, before: int | None = None) -> Response:
        user = staff_user(request, deps, "audit.see")
        asked = _asked(request)
        with deps.sessions() as session:
            rows = page(session, wanted=_wanted(asked, zone()), before=before)
        older = rows[PAGE - 1].id if len(rows) > PAGE else None
        query = urlencode({name: value for name, value in asked.items() if value})
        return render(
            "audit/list.html", request=request, deps=deps, user=user, rows=rows[:PAGE], older=older, asked=asked, query=query
        )

    @routes.get("/acts.csv")
    def export(request: Request) -> Response:
        user = staff_user(request, deps, "audit.see")
        wanted = _wanted(_asked(request), zone())
        with deps.sessions.begin() as session:
            record(session, actor=user.name, action="audit.exported", subject="audit")

        def written() -> object:
            with deps.sessions() as session:
                yield from lines(session, wanted=wanted)

        headers = {"content-disposition": 'attachment; filename="audit.csv"', "cache-control": "no-store"}
        return StreamingResponse(written(), media_type="text/csv; charset=utf-8", headers=headers)  # type: ignore[arg-type]

    @routes.post("/check")
    def check(request: Request) -> Response:
        user = staff_user(request, deps, "audit.see")
        with deps.sessions() as session:
            broken, (count, digest) = first_break(session), last_digest(session)
        return render("audit/check.html", request=request, deps=deps, user=user, broken=broken, count=count, digest=digest)

    return routes


def _asked(request: Request) -> dict[str, str]:
    return {name: request.query_params.get(name, "").strip()[:160] for name in ("actor", "action", "subject", "since", "until")}


def _wanted(asked: dict[str, str], zone: ZoneInfo) -> Wanted:
    since, until = (_day(asked[name], zone) for name in ("since", "until"))
    return Wanted(asked["actor"].lower(), asked["action"], asked["subject"], since, until + timedelta(days=1) if until else None)


def _day(written: str, zone: ZoneInfo) -> datetime | None:
    """The beginning of a day in the city's zone. Raises `BadInput`."""
    if not written:
        return None
    try:
        return datetime.combine(date.fromisoformat(written), time(), zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput("A day is written as year-month-day, such as 2026-09-30.", words="audit.bad_day") from error
