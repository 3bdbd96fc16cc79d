"""The live agents' pages: what needs a person, and one conversation with everything already said."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from sse_starlette.sse import EventSourceResponse
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from desk import acts, board, practice, presence, service, voicemails
from desk.boards import read_board
from desk.changes import TO_BOARD, change, seen
from desk.figures_routes import router as figures_router
from desk.live import DeskFollower
from desk.pieces import Pieces, Viewer
from desk.requests_routes import form_values
from desk.requests_routes import router as requests_router
from desk.signs_routes import router as signs_router
from desk.suggest import search
from desk.told import told_words
from desk.views import mark_words, read_sheet, reason_words
from desk.voice.doing import perform
from knowledge.rendering.segments import foreign_to_gsm, measure
from server import clock
from server.alerts.service import acknowledge
from server.audit.service import record
from server.conversations.models import Conversation
from server.database.engine import reading
from server.errors import SpillwayError
from server.http.deps import ChannelDeps
from server.http.pages import fragment, go, page_language, render, told
from server.staff.access import staff_user
from server.staff.models import StaffUser
from server.staff.permissions import PERMISSIONS
from server.voicemail.service import of_conversation


def router(deps: ChannelDeps) -> APIRouter:
    """The desk."""
    routes = APIRouter(prefix="/desk", tags=["desk"], include_in_schema=False)

    def make(name: str, *, language: str, **values: Any) -> str:
        reason, mark = partial(reason_words, language=language), partial(mark_words, language=language)
        return fragment(name, deps=deps, language=language, reason=reason, mark=mark, **values)

    follower = DeskFollower(deps.sessions, deps.wake, Pieces(make), deps.signs)
    routes.include_router(signs_router(deps))

    def page(name: str, request: Request, user: StaffUser, status: int = 200, **values: Any) -> Response:
        language = page_language(request, user)
        return render(
            name,
            request=request,
            deps=deps,
            user=user,
            status=status,
            reason=lambda reason: reason_words(reason, language),
            mark=lambda key: mark_words(key, language),
            called=lambda reference: told_words(deps.library.last_good, reference, language),
            takes=user.role in PERMISSIONS["desk.take"],
            supervises=user.role in PERMISSIONS["desk.supervise"],
            settled=service.SETTLED,
            heartbeat=presence.HEARTBEAT_SECONDS,
            **values,
        )

    def here(user: StaffUser) -> None:
        if user.role in PERMISSIONS["desk.take"]:
            with deps.sessions.begin() as session:
                presence.heard_of(session, name=user.name, language=user.language)

    @routes.get("/")
    def home(request: Request) -> Response:
        user = staff_user(request, deps, "desk.see")
        here(user)
        with reading(deps.sessions) as session:
            name = "_board.html" if request.query_params.get("piece") else "desk.html"
            return page(name, request, user, board=read_board(session, name=user.name), now=clock.now())

    @routes.get("/events")
    async def events(request: Request) -> Response:
        user = await run_in_threadpool(staff_user, request, deps, "desk.see")

        def still() -> bool:
            try:
                return staff_user(request, deps, "desk.see").name == user.name
            except SpillwayError:
                # Signed out, or no longer of this role: the page learns it when it asks again.
                return False

        if request.query_params.get("board"):
            viewer = Viewer(user.name, page_language(request, user), user.role in PERMISSIONS["desk.take"])
            return EventSourceResponse(follower.boards(viewer, still), ping=15)
        reference = request.query_params.get("of")
        return EventSourceResponse(follower.stream(request, still, reference=reference), ping=15)

    def sheet(request: Request, user: StaffUser, reference: str, *, status: int = 200, **values: Any) -> Response:
        library = deps.library.last_good
        if user.role in PERMISSIONS["desk.take"]:
            seen(deps, name=user.name, reference=reference)
        with reading(deps.sessions) as session:
            read = read_sheet(session, reference=reference, name=user.name, language=page_language(request, user), library=library)
            if request.query_params.get("piece") == "suggested":
                return page(
                    "_offers.html",
                    request,
                    user,
                    conversation=read.conversation,
                    found=read.suggested,
                    keyed=True,
                    once=uuid.uuid4().hex,
                )
            name = {"": "conversation.html", "call": "_call.html"}.get(request.query_params.get("piece", ""), "_sheet.html")
            recorded = of_conversation(session, conversation_id=read.conversation.id)
            if "form" in values:
                values |= form_values(values["form"], values["typed"])
            shown: dict[str, Any] = {
                "problem": None,
                "once": uuid.uuid4().hex,
                "draft": "",
                "query": "",
                "found": [],
                "act": f"/desk/c/{reference}",
                **form_values(),
                **values,
            }
            return page(name, request, user, status, sheet=read, voicemails=recorded, **shown)

    @routes.get("/c/{reference}")
    def conversation_page(request: Request, reference: str) -> Response:
        user = staff_user(request, deps, "desk.see")
        here(user)
        query = request.query_params.get("q", "")[:80]
        with reading(deps.sessions) as session:
            conversation = board.conversation_by_reference(session, reference=reference)
            library, language = deps.library.last_good, page_language(request, user)
            found = search(library, conversation=conversation, query=query, language=language) if query else []
        if request.query_params.get("piece") == "search":
            return page("_found.html", request, user, conversation=conversation, found=found, query=query, once=uuid.uuid4().hex)
        return sheet(request, user, reference, query=query, found=found)

    @routes.post("/c/{reference}/{act}")
    async def do(
        request: Request,
        reference: str,
        act: str,
        text: Annotated[str, Form()] = "",
        to: Annotated[str, Form()] = "",
        once: Annotated[str, Form()] = "",
    ) -> Response:
        user = await run_in_threadpool(staff_user, request, deps, "desk.take")
        try:
            effects = await run_in_threadpool(
                change, deps, user=user, reference=reference, act=act, text=text, to=to[:80], once=once
            )
        except SpillwayError as error:
            if error.status not in (400, 409) or not _wants_page(request):
                raise
            # What was typed stays in the field: nothing that an agent wrote is lost.
            draft = text if act == "say" else ""
            return await run_in_threadpool(
                sheet, request, user, reference, status=error.status, problem=told(error, page_language(request, user)), draft=draft
            )
        if act in ("take", "say", "approved"):
            await practice.answer(deps, reference=reference)
        # The packet is on its way to the screen before the agent's telephone rings.
        done = BackgroundTask(perform, deps, effects)
        return RedirectResponse("/desk/" if act in TO_BOARD else f"/desk/c/{reference}", 303, background=done)

    @routes.post("/lint")
    def lint(request: Request, text: Annotated[str, Form()] = "") -> Response:
        user = staff_user(request, deps, "desk.take")
        counted = measure(text[:2000])
        return page("_lint.html", request, user, counted=counted, foreign="".join(dict.fromkeys(foreign_to_gsm(text[:2000])))[:20])

    @routes.post("/presence")
    def choose(request: Request, state: Annotated[str, Form()] = "") -> Response:
        user = staff_user(request, deps, "desk.take")
        with deps.sessions.begin() as session:
            left = acts.choose_presence(session, agent=user.name, state=state, library=deps.library.get(session))
        for conversation_id in left:
            deps.wake.stored(conversation_id)
        return RedirectResponse("/desk/", 303)

    @routes.post("/heartbeat")
    def heartbeat(request: Request) -> Response:
        here(staff_user(request, deps, "desk.take"))
        return Response(status_code=204)

    @routes.post("/practice")
    async def practise(request: Request) -> Response:
        await run_in_threadpool(staff_user, request, deps, "desk.take")
        await practice.begin(deps)
        return go("/desk/", notice="desk_agent.notice_practice")

    @routes.post("/alerts/{alert_id}")
    def acknowledged(request: Request, alert_id: int, back: Annotated[str, Form()] = "") -> Response:
        user = staff_user(request, deps, "alerts.acknowledge")
        with deps.sessions.begin() as session:
            alert = acknowledge(session, alert_id=alert_id, by=user.name)
            there = session.get(Conversation, alert.conversation_id) if back and alert.conversation_id else None
        return RedirectResponse(f"/desk/c/{there.reference}" if there is not None else "/desk/", 303)

    @routes.get("/voicemail/{voicemail_id}")
    async def listen(request: Request, voicemail_id: int) -> Response:
        user = await run_in_threadpool(staff_user, request, deps, "desk.contact")
        return await voicemails.play(request, deps, user=user, voicemail_id=voicemail_id)

    @routes.post("/contact/{reference}")
    def contact(request: Request, reference: str) -> Response:
        user = staff_user(request, deps, "desk.contact")
        with deps.sessions.begin() as session:
            conversation = board.conversation_by_reference(session, reference=reference)
            number = deps.keys.open(conversation.contact) if conversation.contact else None
            watched = bool(conversation.memory.get("watched"))
            record(session, actor=user.name, action="contact.shown", subject=reference)
        return render("_contact.html", request=request, deps=deps, user=user, contact=number, reference=reference, watched=watched)

    routes.include_router(figures_router(deps))
    routes.include_router(requests_router(deps, sheet))
    return routes


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")
