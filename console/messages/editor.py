"""Keeping a draft while it is written: each save shows at once what residents would get, and never overwrites another's."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from console.messages import acts, sight
from console.messages.forms import (
    Refused,
    edit_in,
    field,
    field_value,
    names_of,
    phases_in,
    posted,
    texts_in,
    zone_of,
    zones_typed,
)
from console.messages.previews import checked, languages_of
from knowledge.editing import ChangedMeanwhile, Edit, cleaned, edit
from knowledge.library import Library
from knowledge.lifecycle import Wording, draft
from knowledge.lint_zones import Meant
from knowledge.models import MessageVersion
from knowledge.topics import PHASES
from server import clock
from server.database.engine import reading
from server.errors import SpillwayError
from server.http.deps import ChannelDeps
from server.http.pages import page_language, render
from server.staff.access import staff_user
from server.staff.models import StaffUser


def fields_of(library: Library, version: MessageVersion, message: sight.Message, language: str, now: datetime) -> dict[str, Any]:
    """What the fields of the editor hold."""
    zone = zone_of(library)
    return {
        "tongues": languages_of(version.texts),
        "owners": names_of(library, language),
        "phases": PHASES[1:],
        "zones": library.zones,
        "place": "",
        "zones_offered": sight.zones_offered(library, version),
        "zones_chosen": version.zones,
        "begins": field_value(version.valid_from, zone),
        "ends": field_value(version.expires_at or sight.default_end(version, message, now), zone),
        "said_first": sight.said_first(library, version, library.phase),
        "phase": library.phase,
    }


def add(routes: APIRouter, deps: ChannelDeps) -> None:
    """Adds the route that saves."""

    @routes.post("/v/{version_id}/edit")
    def save(request: Request, version_id: int, form: Annotated[FormData, Depends(posted)]) -> Response:
        user = staff_user(request, deps, "messages.draft")
        library = deps.library.get()
        zone = zone_of(library)
        problem: SpillwayError | None = None
        version: MessageVersion | None = None
        try:
            with deps.sessions.begin() as session:
                known = sight.version_of(session, version_id=version_id)
                change = edit_in(form, zone=zone, known=sight.zones_offered(library, known))
                sight.must_own(user, known.owner, change.owner)
                if field(form, "as_new"):
                    version = _as_new(session, known, change, user)
                else:
                    version = edit(session, version_id=version_id, change=change, actor=user.name)
        except SpillwayError as error:
            problem = error
        if request.headers.get("hx-request") == "true":
            return _piece(deps, request, user, version_id, form, version, problem)
        if problem is None and version is not None:
            after = "" if field(form, "then") == "look" else "/edit"
            return acts.lead(request, f"/console/messages/v/{version.id}{after}")
        return _again(deps, request, user, version_id, form, problem or Refused("problem_input"))


def _as_new(session: Session, known: MessageVersion, change: Edit, user: StaffUser) -> MessageVersion:
    wording = Wording(
        known.message_id,
        cleaned(change.texts),
        change.owner,
        change.source,
        known.intent,
        change.phases,
        known.position,
        tuple(known.zones) if change.zones is None else change.zones,
    )
    made = draft(session, wording=wording, author=user.name)
    made.valid_from, made.expires_at = change.valid_from, change.expires_at
    return made


def _piece(
    deps: ChannelDeps,
    request: Request,
    user: StaffUser,
    version_id: int,
    form: FormData,
    version: MessageVersion | None,
    problem: SpillwayError | None,
) -> Response:
    """What changes on the open page: the previews of what was typed, and whether it was kept."""
    library = deps.library.get()
    now = clock.now()
    with reading(deps.sessions) as session:
        known = version or sight.version_of(session, version_id=version_id)
    meant = Meant(known.intent, phases_in(form), zones_typed(form, known))
    place = field(form, "preview_zone", 64)
    wanted = field(form, "preview_phase", 12)
    phase = wanted if wanted in PHASES else library.phase
    reader = page_language(request, user)
    return render(
        "messages/_saved.html",
        request=request,
        deps=deps,
        user=user,
        version=known,
        problem=acts.words_of(problem) if problem is not None else None,
        values=acts.values_of(problem),
        conflict=isinstance(problem, ChangedMeanwhile),
        check=checked(
            library,
            texts=texts_in(form),
            message_id=known.message_id,
            language=reader,
            now=now,
            meant=meant,
            place=place or None,
        ),
        phase=phase,
        said_first=sight.said_first(library, known, phase),
        now=now,
    )


def _again(
    deps: ChannelDeps, request: Request, user: StaffUser, version_id: int, form: FormData, problem: SpillwayError
) -> Response:
    """The editor once more with what was typed: nothing of it is lost."""
    library = deps.library.get()
    now = clock.now()
    reader = page_language(request, user)
    with reading(deps.sessions) as session:
        version = sight.version_of(session, version_id=version_id)
        shown = sight.common(deps, session, version=version, user=user, now=now)
        session.expunge_all()
    typed = texts_in(form)
    version.texts = {language: typed.get(language, {}) for language in languages_of(typed)}
    version.source, version.owner = field(form, "source"), field(form, "owner", 48)
    version.phases, version.zones = list(phases_in(form)), list(zones_typed(form, version))
    edits = field(form, "edits", 12)
    version.edits = int(edits) if edits.isdecimal() else -1
    fields = fields_of(library, version, shown["message"], reader, now)
    return render(
        "messages/edit.html",
        request=request,
        deps=deps,
        user=user,
        status=problem.status,
        problem=acts.words_of(problem),
        values=acts.values_of(problem),
        conflict=isinstance(problem, ChangedMeanwhile),
        title=sight.title_of(library, version.message_id, version.intent, reader),
        check=checked(
            library, texts=version.texts, message_id=version.message_id, language=reader, now=now, meant=sight.meant_for(version)
        ),
        page=field(form, "page", 32),
        **{**fields, "begins": field(form, "valid_from", 20), "ends": field(form, "expires_at", 20)},
        **shown,
    )
