"""The pages on which people judge what the triage decided."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date, timedelta
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel.dates import format_date
from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from bot.triage.decision import CATEGORIES
from console.catalogue import LANGUAGES
from console.review import figures, service
from console.review.export import export
from console.review.service import Filter
from server import clock
from server.audit.service import record
from server.conversations.turn import Channel
from server.database.engine import reading
from server.errors import BadInput
from server.http.deps import ChannelDeps
from server.http.pages import page_language, render
from server.staff.access import staff_user

MAY: Final = "triage.review"
STATES: Final = ("open", "done", "any")
PERIODS: Final = (1, 7, 30, 90, 365)


def router(deps: ChannelDeps) -> APIRouter:
    """The review of the triage."""
    routes = APIRouter(prefix="/console/review", tags=["console"], include_in_schema=False)

    @routes.get("/")
    def listing(request: Request) -> Response:
        user = staff_user(request, deps, MAY)
        wanted = filter_of(request)
        with reading(deps.sessions) as session:
            found = service.cases(session, wanted=wanted, limit=service.PAGE + 1)
            shown = found[: service.PAGE]
            more = query_of(replace(wanted, before=shown[-1].turn_id)) if len(found) > len(shown) else None
            return render(
                "review/list.html", request=request, deps=deps, user=user, cases=shown, more=more, **_words(request, wanted)
            )

    @routes.post("/turns/{turn_id}")
    def judge(
        request: Request,
        turn_id: int,
        verdict: Annotated[str, Form()] = "",
        level: Annotated[str, Form()] = "",
        category: Annotated[str, Form()] = "",
    ) -> Response:
        user = staff_user(request, deps, MAY)
        wanted = filter_of(request)
        with deps.sessions.begin() as session:
            if verdict == "right":
                service.agree(session, turn_id=turn_id, reviewer=user.name)
            elif verdict == "wrong":
                service.judge(session, turn_id=turn_id, level=level, category=category, reviewer=user.name)
            else:
                raise BadInput("Say whether it was right or wrong.")
            if "hx-request" in request.headers:
                case = service.case(session, turn_id=turn_id)
                return render("review/_case.html", request=request, deps=deps, user=user, case=case, **_words(request, wanted))
        return RedirectResponse(f"/console/review/?{query_of(wanted)}", 303)

    @routes.get("/figures")
    def shares(request: Request) -> Response:
        user = staff_user(request, deps, MAY)
        zone = ZoneInfo(str(deps.library.last_good.city.get("time_zone") or "UTC"))
        days = _period(request, 90)
        with reading(deps.sessions) as session:
            reviews = figures.judged(session, since=clock.now() - timedelta(days=days))
        found = figures.tables(reviews, zone=zone)
        return render(
            "review/figures.html",
            request=request,
            deps=deps,
            user=user,
            tables=found,
            days=days,
            periods=PERIODS,
            day=partial(_day, page_language(request, user)),
        )

    @routes.post("/export")
    def download(request: Request) -> Response:
        user = staff_user(request, deps, MAY)
        with deps.sessions.begin() as session:
            table = export(session)
            record(session, actor=user.name, action="triage.exported", subject="reviews", detail={"rows": table.count("\n") - 1})
        name = f"reviewed_{clock.now():%Y%m%d}.tsv"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return Response(table, media_type="text/tab-separated-values; charset=utf-8", headers=headers)

    return routes


def filter_of(request: Request) -> Filter:
    """The filter in an address. A value that is none of the choices asks for all."""

    def chosen(name: str, choices: tuple[str, ...], default: str = "") -> str:
        value = request.query_params.get(name, default)
        return value if value in choices else default

    before = request.query_params.get("before", "")
    return Filter(
        level=chosen("level", service.SHOWN),
        category=chosen("category", CATEGORIES),
        channel=chosen("channel", tuple(Channel)),
        language=chosen("language", LANGUAGES),
        state=chosen("state", STATES, "open"),
        released=request.query_params.get("released") == "1",
        days=_period(request, 30),
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 16 else 0,
    )


def query_of(wanted: Filter) -> str:
    """The address of a filter, without what is as usual."""
    usual = asdict(Filter())
    changed = {name: value for name, value in asdict(wanted).items() if value != usual[name]}
    return urlencode({name: 1 if value is True else value for name, value in changed.items()})


def _period(request: Request, usual: int) -> int:
    value = request.query_params.get("days", "")
    return int(value) if value in {str(days) for days in PERIODS} else usual


def _day(language: str, written: str) -> str:
    return format_date(date.fromisoformat(written), "medium", locale=language)


def _words(request: Request, wanted: Filter) -> dict[str, Any]:
    query = query_of(wanted)
    language = request.query_params.get("lang")
    return {
        "wanted": wanted,
        "query_set": bool(query_of(replace(wanted, before=0))),
        "query": f"{query}&lang={language}" if language in LANGUAGES else query,
        "levels": service.LEVELS,
        "shown": service.SHOWN,
        "categories": CATEGORIES,
        "channels": tuple(Channel),
        "spoken": LANGUAGES,
        "states": STATES,
        "periods": PERIODS,
    }
