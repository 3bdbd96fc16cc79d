"""The pages of requests: the form that an agent fills in, the list for who works on them, and its export."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from desk.board import conversation_by_reference
from desk.forms import CALLBACK, fill_in
from desk.states import hold
from knowledge.fact_rows import guard
from server.audit.service import record
from server.conversations.models import Conversation
from server.database.engine import reading
from server.errors import BadInput, Conflict
from server.http.deps import ChannelDeps
from server.http.pages import go, page_language, render, told
from server.requests import service
from server.requests.kinds import KINDS
from server.staff.access import staff_user
from server.staff.models import StaffUser

Sheet = Callable[..., Response]
COLUMNS: Final = ("number", "kind", "state", "made", "made by", "conversation")
"""The first columns of the export; the fields of the forms follow."""


def router(deps: ChannelDeps, sheet: Sheet) -> APIRouter:
    """Requests. `sheet` shows the page of a conversation again, with what was typed, when a form is refused."""
    routes = APIRouter(tags=["desk"], include_in_schema=False)

    def make(user: StaffUser, reference: str, kind: str, given: dict[str, str]) -> int:
        with deps.sessions.begin() as session:
            conversation = conversation_by_reference(session, reference=reference)
            hold(session, conversation_ids=[conversation.id])
            fill_in(
                session,
                conversation=conversation,
                agent=user.name,
                kind=kind,
                given=given,
                library=deps.library.get(session),
                keys=deps.keys,
                once=given.get("once", ""),
            )
            return conversation.id

    @routes.post("/c/{reference}/request/{kind}")
    async def fill(request: Request, reference: str, kind: str) -> Response:
        user = await run_in_threadpool(staff_user, request, deps, "desk.take")
        given = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        try:
            conversation_id = await run_in_threadpool(make, user, reference, kind, given)
        except (BadInput, Conflict) as error:
            if "text/html" not in request.headers.get("accept", ""):
                raise
            problem = told(error, page_language(request, user))
            return await run_in_threadpool(
                sheet, request, user, reference, status=error.status, problem=problem, form=kind, typed=given
            )
        deps.wake.stored(conversation_id)
        if kind == CALLBACK:
            return go("/desk/", notice="desk_requests.notice_callback")
        return go(f"/desk/c/{reference}", notice="desk_requests.notice_made")

    @routes.get("/requests")
    def listed(request: Request) -> Response:
        user = staff_user(request, deps, "desk.take")
        asked = request.query_params
        wanted = {"kind": asked.get("kind", "")[:24], "state": asked.get("state", "")[:12], "reference": asked.get("q", "")[:16]}
        with reading(deps.sessions) as session:
            found = service.listed(session, kind=wanted["kind"], state=wanted["state"], reference=wanted["reference"])
        return render(
            "requests.html",
            request=request,
            deps=deps,
            user=user,
            found=found,
            wanted=wanted,
            kinds=KINDS,
            states=[state.value for state in service.State],
            following=service.ALLOWED,
            most=service.MOST_LISTED,
        )

    @routes.get("/requests.csv")
    def export(request: Request) -> Response:
        user = staff_user(request, deps, "desk.supervise")
        with deps.sessions.begin() as session:
            found = service.listed(session, kind=request.query_params.get("kind", "")[:24], most=None)
            record(session, actor=user.name, action="requests.exported", subject="requests", detail={"rows": len(found)})
        names = list(dict.fromkeys(field.name for kind in KINDS.values() for field in kind.fields if field.type != "phone"))
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow((*COLUMNS, *names))
        for row, conversation in found:
            fixed = (row.reference, row.kind, row.state, row.made_at.isoformat(timespec="seconds"), row.made_by, conversation)
            writer.writerow([guard(str(cell)) for cell in (*fixed, *(row.fields.get(name, "") for name in names))])
        headers = {"content-disposition": 'attachment; filename="requests.csv"', "cache-control": "no-store"}
        return Response(text.getvalue(), media_type="text/csv", headers=headers)

    @routes.post("/requests/{reference}")
    def move(
        request: Request,
        reference: str,
        to: Annotated[str, Form()] = "",
        seen: Annotated[str, Form()] = "",
        back: Annotated[str, Form()] = "",
    ) -> Response:
        user = staff_user(request, deps, "desk.take")
        with deps.sessions.begin() as session:
            row = service.move(session, reference=reference, to=to, actor=user.name, seen=seen or None)
            conversation = session.get_one(Conversation, row.conversation_id).reference
        return RedirectResponse(f"/desk/c/{conversation}" if back else f"/desk/requests?q={row.reference}", 303)

    @routes.post("/requests/{reference}/contact")
    def contact(request: Request, reference: str) -> Response:
        user = staff_user(request, deps, "desk.contact")
        with deps.sessions.begin() as session:
            row = service.by_reference(session, reference=reference)
            conversation = session.get_one(Conversation, row.conversation_id)
            sealed = row.contact or conversation.contact
            number = deps.keys.open(sealed) if sealed else None
            watched = bool(conversation.memory.get("watched"))
            record(session, actor=user.name, action="contact.shown", subject=row.reference)
        there = conversation.reference
        return render("_contact.html", request=request, deps=deps, user=user, contact=number, reference=there, watched=watched)

    return routes


def form_values(form: str = "", typed: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the page of a conversation needs to show the forms: which one is open, and what was typed into it."""
    return {"forms": KINDS, "form": form, "typed": typed or {}}
