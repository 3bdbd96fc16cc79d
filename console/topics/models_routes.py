"""The pages of training: how far it is, what it would change, promoting it, returning to the model before; and Try it."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from bot.learning import service as learning
from bot.learning.states import State
from console.topics import trial
from console.topics.routes import fields, may
from knowledge.models import MessageVersion
from knowledge.rendering.segments import measure
from knowledge.topics import PHASES
from server.assembly import Service
from server.conversations.turn import Channel
from server.database.engine import reading
from server.errors import BadInput
from server.http.deps import ChannelDeps
from server.http.pages import page_language, render
from server.staff.access import staff_user

HOME: Final = "/console/topics/models/"
_KINDS: Final = {"train": "topics", "check": "check"}


def router(deps: ChannelDeps, service: Service) -> APIRouter:
    """The pages under /console/topics/models/ and /console/try/."""
    routes = APIRouter(prefix="/console", tags=["topics"], include_in_schema=False)

    @routes.get("/topics/models/")
    def home(request: Request) -> Response:
        user = staff_user(request, deps, "console.see")
        with reading(deps.sessions) as session:
            values: dict[str, Any] = {
                "recent": learning.recent(session),
                "live": learning.live(session),
                "before": learning.previous(session),
                "row": learning.under_way(session),
                "coming": {kind: learning.on_its_way(session, kind=kind) for kind in _KINDS.values()},
            }
        values |= {"may_train": may(user, "models.train"), "may_promote": may(user, "models.promote")}
        return render(
            "topics/models.html", request=request, deps=deps, user=user, trainable=service.assistant is not None, **values
        )

    @routes.get("/topics/progress")
    def progress(request: Request) -> Response:
        user = staff_user(request, deps, "console.see")
        wanted = request.query_params.get("model", "")
        with reading(deps.sessions) as session:
            row = learning.under_way(session)
            if row is None and wanted.isdecimal():
                row = learning.get(session, model_id=int(wanted))
        return render("topics/_progress.html", request=request, deps=deps, user=user, row=row)

    @routes.post("/topics/models/{act}")
    def ask(request: Request, act: str) -> Response:
        if act == "back":
            return _back(request)
        user = staff_user(request, deps, "models.train")
        if act not in _KINDS:
            raise BadInput("There is no such act.")
        with deps.sessions.begin() as session:
            pending = learning.on_its_way(session, kind=_KINDS[act])
            row = pending or learning.ask_for(session, kind=_KINDS[act], actor=user.name)
            place = f"{HOME}{row.id}{'?pending=1' if pending else ''}"
        return RedirectResponse(place, 303)

    @routes.get("/topics/models/{model_id}")
    def report(request: Request, model_id: int, pending: bool = False) -> Response:
        user = staff_user(request, deps, "console.see")
        library, language = deps.library.get(), page_language(request, user)
        with reading(deps.sessions) as session:
            row = learning.get(session, model_id=model_id)
        titles = {intent: library.title(intent, language) for intent in library.topics}
        values: dict[str, Any] = {
            "row": row,
            "pending": pending and row.state in (State.QUEUED, State.WORKING),
            "report": row.report,
            "titles": titles,
            "may_promote": may(user, "models.promote") and row.state == State.READY,
        }
        return render("topics/model.html", request=request, deps=deps, user=user, **values)

    @routes.post("/topics/models/{model_id}/promote")
    async def promote(request: Request, model_id: int) -> Response:
        form = await fields(request)

        def store() -> Response:
            user = staff_user(request, deps, "models.promote")
            beginning = service.keeper.beginning()
            with deps.sessions.begin() as session:
                learning.promote(
                    session, model_id=model_id, actor=user.name, reason=form.get("reason", "")[:500], beginning=beginning
                )
            return RedirectResponse(f"{HOME}{model_id}", 303)

        return await run_in_threadpool(store)

    def _back(request: Request) -> Response:
        user = staff_user(request, deps, "models.promote")
        with deps.sessions.begin() as session:
            learning.go_back(session, actor=user.name)
        return RedirectResponse(HOME, 303)

    @routes.get("/try/")
    def try_form(request: Request) -> Response:
        return _try(request, dict(request.query_params))

    @routes.post("/try/")
    async def try_it(request: Request) -> Response:
        form = await fields(request)
        return await run_in_threadpool(_try, request, form)

    def _try(request: Request, form: dict[str, str]) -> Response:
        user = staff_user(request, deps, "console.see")
        live = deps.library.get()
        language = page_language(request, user)
        question = _question(form)
        with reading(deps.sessions) as session:
            draft = session.get(MessageVersion, question.draft) if question.draft is not None else None
            library = trial.tried_library(session, phase=question.phase, draft=question.draft, live=live)
        results = []
        if question.text.strip():
            if draft is not None:
                results.append(("now", trial.ask(question, service=service, library=live)))
            results.append(("draft" if draft is not None else "answer", trial.ask(question, service=service, library=library)))
        values: dict[str, Any] = {
            "question": question,
            "draft": draft,
            "results": [(name, result, _cost(question, result)) for name, result in results],
            "channels": tuple(Channel),
            "phases": PHASES[1:],
            "titles": {intent: library.title(intent, language) for intent in library.topics},
        }
        name = "topics/_tried.html" if request.headers.get("hx-request") else "topics/try.html"
        return render(name, request=request, deps=deps, user=user, **values)

    return routes


def _question(form: dict[str, str]) -> trial.Question:
    channel, draft = form.get("channel", ""), form.get("draft", "")
    return trial.Question(
        text=form.get("text", "")[: trial.LONGEST],
        channel=Channel(channel) if channel in tuple(Channel) else Channel.SMS,
        language=form["language"] if form.get("language") in ("en", "es") else None,
        place=form.get("place", "").strip()[:64] or None,
        phase=form["phase"] if form.get("phase") in PHASES[1:] else None,
        draft=int(draft) if draft.isdecimal() and len(draft) < 12 else None,
    )


def _cost(question: trial.Question, result: trial.Tried) -> int | None:
    """The segments of a text; nothing on the other channels."""
    return measure(result.reply.text).segments if question.channel is Channel.SMS and result.reply.text else None
