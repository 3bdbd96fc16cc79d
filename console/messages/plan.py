"""Filling a template of the communications plan: the gaps as fields, the texts as residents would get them, and a draft."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from console.messages import acts, sight
from console.messages.forms import Refused, field, names_of, posted, zone_of, zones_in
from console.messages.previews import checked
from knowledge.library import Library
from knowledge.lifecycle import unnamed_zones
from knowledge.lint_zones import Meant
from knowledge.models import MessageVersion
from knowledge.plan import PlanField, PlanTemplate
from knowledge.plan_fill import Slip, draft_filled, so_far
from server import clock
from server.database.engine import reading
from server.errors import NotFound, SpillwayError
from server.http.deps import ChannelDeps
from server.http.pages import page_language, render
from server.staff.access import staff_user
from server.staff.permissions import PERMISSIONS

PHASES: Final = ("initial", "watch", "protective_action", "response", "relief", "recovery", "close", "before", "all")
"""The phases of the plan, those of the first hours first."""
INPUTS: Final[Mapping[str, str]] = {"time": "datetime-local", "date": "date", "phone": "tel", "number": "text"}
GAP: Final = "(...)"


@dataclass(frozen=True)
class Gap:
    """One input of the form: a gap, in one language where it is told in each."""

    about: PlanField
    language: str | None
    value: str
    slips: tuple[Slip, ...]

    @property
    def name(self) -> str:
        """The name of the input."""
        return f"gap.{self.about.name}" + (f".{self.language}" if self.language else "")

    @property
    def kind(self) -> str:
        """The type of the input."""
        return INPUTS.get(self.about.type, "text")


def add(routes: APIRouter, deps: ChannelDeps) -> None:
    """Adds the pages."""

    @routes.get("/plan/")
    def templates(request: Request) -> Response:
        user = staff_user(request, deps, "console.see")
        library = deps.library.get()
        by_phase = {phase: [one for one in library.plan.values() if one.phase == phase] for phase in PHASES}
        return render("messages/plan.html", request=request, deps=deps, user=user, by_phase=by_phase)

    @routes.get("/plan/{name}")
    def form_page(request: Request, name: str) -> Response:
        return _form(deps, request, name, FormData())

    @routes.post("/plan/{name}/look")
    def look(request: Request, name: str, form: Annotated[FormData, Depends(posted)]) -> Response:
        user = staff_user(request, deps, "messages.draft")
        library = deps.library.get()
        template = _template(library, name)
        return render(
            "messages/_plan_filled.html",
            request=request,
            deps=deps,
            user=user,
            check=_look(library, template, form, page_language(request, user)),
        )

    @routes.post("/plan/{name}")
    def fill(request: Request, name: str, form: Annotated[FormData, Depends(posted)]) -> Response:
        user = staff_user(request, deps, "messages.draft")
        library = deps.library.get()
        template = _template(library, name)
        zone, values = zone_of(library), _values(template, form)
        try:
            sight.must_own(user, template.owner)
            if so_far(template, values, zone=zone).slips:
                raise Refused("plan_mend")
            source = field(form, "source", 500)
            if not source:
                raise Refused("plan_need_source")
            zones = zones_in(form, known=[one.name for one in library.zones]) or ()
            topic = _topic(library, template, form)
            _check_zones(template, values, zones, topic, zone)
            with deps.sessions.begin() as session:
                made = draft_filled(
                    session,
                    template=template,
                    values=values,
                    zone=zone,
                    author=user.name,
                    source=source,
                    intent=topic,
                    replaces=field(form, "replaces", 100) or None,
                    zones=zones,
                )
                identity = made.id
        except SpillwayError as error:
            return _form(deps, request, name, form, problem=error)
        return acts.lead(request, f"/console/messages/v/{identity}")


def _template(library: Library, name: str) -> PlanTemplate:
    template = library.plan.get(name)
    if template is None:
        raise NotFound("There is no such template.")
    return template


def _topic(library: Library, template: PlanTemplate, form: FormData) -> str | None:
    """The topic that the message will answer: the template's own, or the one that was chosen."""
    topic = template.topic or field(form, "topic", 48)
    return topic if topic in library.topics else None


def _check_zones(
    template: PlanTemplate, values: Mapping[str, Any], zones: tuple[str, ...], topic: str | None, zone: ZoneInfo
) -> None:
    if zones and topic is None:
        raise Refused("plan_zones_topic")
    left = unnamed_zones(so_far(template, values, zone=zone).texts, zones)
    if left:
        raise Refused("plan_zones", zones=", ".join(left))


def _values(template: PlanTemplate, form: FormData) -> dict[str, Any]:
    return {
        one.name: {language: field(form, f"gap.{one.name}.{language}", 200) for language in template.texts}
        if one.type == "text"
        else field(form, f"gap.{one.name}", 200)
        for one in template.fields
    }


def _gaps(template: PlanTemplate, form: FormData, slips: tuple[Slip, ...]) -> list[Gap]:
    made = []
    for one in template.fields:
        for language in template.texts if one.type == "text" else (None,):
            mine = tuple(slip for slip in slips if slip.field == one.name and (language is None or slip.language == language))
            gap = Gap(one, language, "", mine)
            made.append(Gap(one, language, field(form, gap.name, 200), mine[:1]))
    return made


def _look(library: Library, template: PlanTemplate, form: FormData, language: str) -> Any:
    texts = so_far(template, _values(template, form), zone=zone_of(library), gap=GAP).texts
    return checked(
        library, texts=texts, message_id=f"plan.{template.name}", language=language, now=clock.now(), meant=Meant(template.topic)
    )


def _form(deps: ChannelDeps, request: Request, name: str, form: FormData, *, problem: SpillwayError | None = None) -> Response:
    """The form, with what was typed and what is wrong with it; who may not write sees the wording."""
    user = staff_user(request, deps, "console.see" if problem is None else "messages.draft")
    library = deps.library.get()
    template, language = _template(library, name), page_language(request, user)
    slips = so_far(template, _values(template, form), zone=zone_of(library)).slips if problem is not None else ()
    with reading(deps.sessions) as session:
        earlier = _earlier(session, template)
    return render(
        "messages/plan_fill.html",
        request=request,
        deps=deps,
        user=user,
        status=problem.status if problem is not None else 200,
        problem=acts.words_of(problem) if problem is not None else None,
        values=acts.values_of(problem),
        template=template,
        may_fill=user.role in PERMISSIONS["messages.draft"],
        topic=library.title(template.topic, language) if template.topic and template.topic in library.topics else None,
        topics=sorted((library.title(one, language), one) for one in library.topics) if template.topic is None else [],
        topic_chosen=field(form, "topic", 48),
        owner=names_of(library, language).get(template.owner, template.owner),
        gaps=_gaps(template, form, slips),
        slips=[slip for slip in slips if slip.field not in {one.name for one in template.fields}],
        check=_look(library, template, form, language),
        source=field(form, "source", 500),
        zones=[zone.name for zone in library.zones],
        chosen=[zone for zone in form.getlist("zones") if isinstance(zone, str)],
        earlier=earlier,
        replaces=field(form, "replaces", 100),
    )


def _earlier(session: Session, template: PlanTemplate) -> list[str]:
    """The messages that were made from a template, the newest first: a filling may correct one of them."""
    stem = f"plan.{template.name}-"
    found = session.scalars(
        select(MessageVersion.message_id)
        .where(MessageVersion.message_id.startswith(stem, autoescape=True))
        .group_by(MessageVersion.message_id)
        .order_by(MessageVersion.message_id.desc())
        .limit(20)
    )
    return list(found)
