"""The pages of messages: the list, one message, one version, its editor, and the proof that it is said."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from console.messages import acts, editor, finding, plan, sight
from console.messages.forms import names_of
from console.messages.previews import checked
from console.messages.proof import deliveries, heard
from console.messages.standing import SOON
from knowledge.library import current_revision
from knowledge.lifecycle import State
from knowledge.topics import LANGUAGES
from server import clock
from server.database.engine import reading
from server.http.deps import ChannelDeps
from server.http.pages import page_language, render
from server.staff.access import staff_user

MOST_PAGES = 10_000


def router(deps: ChannelDeps) -> APIRouter:
    """Everything under `/console/messages/`."""
    routes = APIRouter(prefix="/console/messages", tags=["messages"], include_in_schema=False)

    @routes.get("/")
    def listed(
        request: Request,
        q: Annotated[str, Query(max_length=300)] = "",
        state: Annotated[str, Query(max_length=12)] = "",
        owner: Annotated[str, Query(max_length=48)] = "",
        language: Annotated[str, Query(max_length=9)] = "",
        page: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1,
    ) -> Response:
        user = staff_user(request, deps, "console.see")
        library = deps.library.get()
        chosen = finding.Query(
            text=q.replace("\x00", ""),
            state=state if state in finding.STATES else "",
            owner=owner if owner in library.owners else "",
            language=language if language.removeprefix("-") in LANGUAGES else "",
            page=page,
        )
        reader = page_language(request, user)
        now = clock.now()
        with reading(deps.sessions) as session:
            found = finding.find(session, query=chosen, titles=library.title_words, language=reader, now=now)
        return render(
            "messages/_rows.html" if request.query_params.get("piece") else "messages/list.html",
            request=request,
            deps=deps,
            user=user,
            found=found,
            query=chosen,
            states=finding.STATES,
            owners=names_of(library, reader),
            title=lambda row: sight.title_of(library, row.message_id, row.intent, reader),
            soon=now + SOON,
        )

    @routes.get("/m/{message_id}")
    def message_page(request: Request, message_id: str) -> Response:
        user = staff_user(request, deps, "console.see")
        with reading(deps.sessions) as session:
            return acts.message_view(deps, session, request=request, user=user, message_id=message_id)

    @routes.get("/v/{version_id}")
    def version_page(request: Request, version_id: int) -> Response:
        user = staff_user(request, deps, "console.see")
        with reading(deps.sessions) as session:
            return acts.version_view(deps, session, request=request, user=user, version_id=version_id)

    @routes.get("/v/{version_id}/edit")
    def edit_page(request: Request, version_id: int) -> Response:
        user = staff_user(request, deps, "messages.draft")
        library = deps.library.get()
        now = clock.now()
        with reading(deps.sessions) as session:
            version = sight.version_of(session, version_id=version_id)
            if version.state != State.DRAFT.value:
                return acts.version_view(
                    deps, session, request=request, user=user, version_id=version_id, problem="messages.not_draft", status=409
                )
            shown = sight.common(deps, session, version=version, user=user, now=now)
        reader = page_language(request, user)
        return render(
            "messages/edit.html",
            request=request,
            deps=deps,
            user=user,
            problem=None,
            values={},
            conflict=False,
            title=sight.title_of(library, version.message_id, version.intent, reader),
            check=checked(
                library,
                texts=version.texts,
                message_id=version.message_id,
                language=reader,
                now=now,
                meant=sight.meant_for(version),
            ),
            page=secrets.token_hex(8),
            **editor.fields_of(library, version, shown["message"], reader, now),
            **shown,
        )

    @routes.get("/v/{version_id}/live")
    def live_page(request: Request, version_id: int) -> Response:
        user = staff_user(request, deps, "console.see")
        library = deps.library.get()
        now = clock.now()
        reader = page_language(request, user)
        with reading(deps.sessions) as session:
            version = sight.version_of(session, version_id=version_id)
            shown = sight.common(deps, session, version=version, user=user, now=now)
            sent = deliveries(session, version, now=now)
            revision = current_revision(session)
        return render(
            "messages/live.html",
            request=request,
            deps=deps,
            user=user,
            heard=heard(library, version, now=now),
            sent=sent,
            revision=revision,
            here=library.revision,
            title=sight.title_of(library, version.message_id, version.intent, reader),
            **shown,
        )

    plan.add(routes, deps)
    # The editor's address would else be taken for an act.
    editor.add(routes, deps)
    acts.add(routes, deps)
    return routes
