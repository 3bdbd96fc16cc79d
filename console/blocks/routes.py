"""Whom this service does not answer for a while: the list, a new block, and its end."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from server.blocks import service
from server.database.engine import reading
from server.errors import SpillwayError
from server.http.deps import ChannelDeps
from server.http.pages import go, page_language, render, told
from server.staff.access import staff_user
from server.staff.models import StaffUser


def router(deps: ChannelDeps) -> APIRouter:
    """The pages under /console/blocks/."""
    routes = APIRouter(prefix="/console/blocks", tags=["console"], include_in_schema=False)

    def page(request: Request, user: StaffUser, status: int = 200, **typed: str | None) -> Response:
        with reading(deps.sessions) as session:
            held, over = service.blocks(session)
        shown = {"reference": "", "reason": "", "length": "day", "problem": None, **typed}
        return render(
            "blocks/list.html",
            request=request,
            deps=deps,
            user=user,
            status=status,
            held=held,
            over=over,
            lengths=tuple(service.LENGTHS),
            longest=service.LONGEST_REASON,
            **shown,
        )

    @routes.get("/")
    def everybody(request: Request) -> Response:
        user = staff_user(request, deps, "residents.block")
        return page(request, user, reference=request.query_params.get("c", "")[:16])

    @routes.post("/")
    def block(
        request: Request,
        reference: Annotated[str, Form()] = "",
        reason: Annotated[str, Form()] = "",
        length: Annotated[str, Form()] = "",
    ) -> Response:
        user = staff_user(request, deps, "residents.block")
        try:
            with deps.sessions.begin() as session:
                service.block(session, reference=reference, reason=reason, length=length, by=user.name)
        except SpillwayError as error:
            # What was typed stays in the fields.
            problem = told(error, page_language(request, user))
            return page(request, user, error.status, reference=reference[:16], reason=reason, length=length, problem=problem)
        return go("/console/blocks/", notice="blocks.notice_blocked")

    @routes.post("/{block_id}/lift")
    def lift(request: Request, block_id: int) -> Response:
        user = staff_user(request, deps, "residents.block")
        with deps.sessions.begin() as session:
            service.lift(session, block_id=block_id, by=user.name)
        return go("/console/blocks/", notice="blocks.notice_lifted")

    return routes
