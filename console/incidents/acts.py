"""Starting, moving and closing an incident. Each shows first which answers will change, and takes a fresh proof of who one is."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from console.incidents import view
from knowledge import changes
from knowledge.answer_changes import Outlook, Version, incident_of, open_incidents, outlook
from knowledge.changes import LEVELS
from knowledge.incident_packs import IncidentPack, open_from_pack
from knowledge.incident_steps import pack_of
from knowledge.library import Library
from knowledge.lifecycle import State, transition
from knowledge.records import Incident
from server import clock
from server.database.engine import reading
from server.errors import BadInput, Conflict, SpillwayError
from server.http.deps import ChannelDeps
from server.http.pages import page_language, render
from server.staff.access import check_owner, staff_user
from server.staff.models import StaffUser
from server.staff.permissions import PERMISSIONS

CHANGE: Final = "incidents.change"
WITHDRAW: Final = "messages.withdraw"
Zones = Annotated[list[str], Query()]
FormZones = Annotated[list[str], Form()]
MOST_LISTED: Final = 30
"""Changing answers that are listed at once, besides those that tell people what to do to stay alive, which are all listed."""


def add_acts(routes: APIRouter, deps: ChannelDeps) -> None:
    """Adds the pages that change what is going on."""

    @routes.get("/new")
    def new(request: Request, pack: str = "") -> Response:
        user = staff_user(request, deps, CHANGE)
        library = deps.library.last_good
        if pack not in library.incident_packs:
            packs = sorted(library.incident_packs.values(), key=lambda one: (one.hazard == "all", one.name))
            return render("incidents/packs.html", request=request, deps=deps, user=user, packs=packs)
        return _start_form(deps, request, user, pack=library.incident_packs[pack])

    @routes.get("/start")
    def start(
        request: Request,
        pack: str,
        name: str = "",
        hazard: str = "",
        phase: str = "",
        level: str = "",
        zones: Zones = [],  # noqa: B006
    ) -> Response:
        user = staff_user(request, deps, CHANGE, fresh=True)
        entered = {"name": name, "hazard": hazard, "phase": phase, "level": level, "zones": zones}
        return _start_outlook(deps, request, user, pack=pack, entered=entered)

    @routes.post("/start")
    def open_it(
        request: Request,
        pack: Annotated[str, Form()],
        name: Annotated[str, Form()] = "",
        hazard: Annotated[str, Form()] = "",
        phase: Annotated[str, Form()] = "",
        level: Annotated[str, Form()] = "",
        zones: FormZones = [],  # noqa: B006
    ) -> Response:
        user = staff_user(request, deps, CHANGE, fresh=True)
        entered: dict[str, Any] = {"name": name, "hazard": hazard, "phase": phase, "level": level, "zones": zones}
        chosen = _pack(deps.library.last_good, pack)
        problem = ""
        with deps.sessions.begin() as session:
            library = deps.library.get(session)
            problem = _problem(session, chosen, library, entered)
            if not problem:
                row = open_from_pack(
                    session,
                    pack=chosen,
                    name=name.strip(),
                    actor=user.name,
                    hazard=hazard or None,
                    phase=phase,
                    level=level,
                    zones=view.known_zones(library, zones),
                )
                number = row.id
        if problem:
            return _start_form(deps, request, user, pack=chosen, entered=entered, problem=problem, status=400)
        return _to(request, user, f"/console/incidents/{number}")

    @routes.get("/{incident_id}/change")
    def look(request: Request, incident_id: int, phase: str = "", level: str = "", zones: Zones = []) -> Response:  # noqa: B006
        user = staff_user(request, deps, CHANGE, fresh=True)
        return _change_outlook(deps, request, user, incident_id, phase=phase, level=level, zones=zones)

    @routes.post("/{incident_id}/change")
    def change(
        request: Request,
        incident_id: int,
        phase: Annotated[str, Form()],
        level: Annotated[str, Form()],
        seen: Annotated[str, Form()],
        zones: FormZones = [],  # noqa: B006
    ) -> Response:
        user = staff_user(request, deps, CHANGE, fresh=True)
        with deps.sessions.begin() as session:
            row = view.find_incident(session, incident_id, lock=True)
            stale = view.seen_of(row) != seen
            if not stale:
                chosen = view.known_zones(deps.library.get(session), zones, row.zones)
                changes.change_incident(session, incident_id=incident_id, actor=user.name, phase=phase, level=level, zones=chosen)
        if stale:
            return _change_outlook(deps, request, user, incident_id, phase=phase, level=level, zones=zones, stale=True)
        return _to(request, user, f"/console/incidents/{incident_id}")

    @routes.get("/{incident_id}/close")
    def look_at_closing(request: Request, incident_id: int) -> Response:
        user = staff_user(request, deps, CHANGE, fresh=True)
        return _close_outlook(deps, request, user, incident_id)

    @routes.post("/{incident_id}/close")
    def close(
        request: Request,
        incident_id: int,
        seen: Annotated[str, Form()],
        withdraw: Annotated[list[int], Form()] = [],  # noqa: B006
    ) -> Response:
        user = staff_user(request, deps, CHANGE, fresh=True)
        with deps.sessions.begin() as session:
            row = view.find_incident(session, incident_id, lock=True)
            stale = view.seen_of(row) != seen
            if not stale:
                _withdraw(session, user, row_name=row.name, wanted=withdraw, offered=view.published_during(session, row))
                changes.close_incident(session, incident_id=incident_id, actor=user.name)
        if stale:
            return _close_outlook(deps, request, user, incident_id, stale=True)
        return _to(request, user, f"/console/incidents/{incident_id}/after")


def _to(request: Request, user: StaffUser, path: str) -> Response:
    return RedirectResponse(f"{path}?lang={page_language(request, user)}", 303)


def _pack(library: Library, name: str) -> IncidentPack:
    pack = library.incident_packs.get(name)
    if pack is None:
        raise BadInput("There is no such pack. Choose one from the list.", words="incidents.no_pack")
    return pack


def _problem(session: Session, pack: IncidentPack, library: Library, entered: dict[str, Any]) -> str:
    """The catalogue key of what is wrong with what was entered; empty when nothing is."""
    if not entered["name"].strip() or len(entered["name"]) > 100:
        return "incidents.name_needed"
    if entered["hazard"] not in view.HAZARDS_OF_INCIDENTS or pack.hazard not in ("all", entered["hazard"]):
        return "incidents.hazard_needed"
    if entered["phase"] not in view.PHASES_OF_INCIDENTS or entered["level"] not in LEVELS:
        return "incidents.phase_needed"
    name = entered["name"].strip().casefold()
    if any(row.name.casefold() == name for row in open_incidents(session)):
        return "incidents.open_already"
    try:
        view.known_zones(library, entered["zones"])
    except BadInput:
        return "incidents.zone_unknown"
    return ""


def _start_form(
    deps: ChannelDeps,
    request: Request,
    user: StaffUser,
    *,
    pack: IncidentPack,
    entered: dict[str, Any] | None = None,
    problem: str = "",
    status: int = 200,
) -> Response:
    library = deps.library.last_good
    begun = {
        "name": "",
        "hazard": "" if pack.hazard == "all" else pack.hazard,
        "phase": pack.phase,
        "level": pack.level,
        "zones": [],
    }
    return render(
        "incidents/start.html",
        request=request,
        deps=deps,
        user=user,
        status=status,
        pack=pack,
        entered=entered or begun,
        problem=problem,
        hazards=view.HAZARDS_OF_INCIDENTS if pack.hazard == "all" else (pack.hazard,),
        phases=view.PHASES_OF_INCIDENTS,
        levels=LEVELS,
        zones=sorted(zone.name for zone in library.zones),
    )


def _start_outlook(deps: ChannelDeps, request: Request, user: StaffUser, *, pack: str, entered: dict[str, Any]) -> Response:
    now = clock.now()
    with reading(deps.sessions) as session:
        library = deps.library.get(session)
        chosen = _pack(library, pack)
        problem = _problem(session, chosen, library, entered)
        if problem:
            return _start_form(deps, request, user, pack=chosen, entered=entered, problem=problem, status=400)
        fresh = Incident(
            entered["name"].strip(), entered["hazard"], entered["phase"], entered["level"], tuple(entered["zones"]), now
        )
        held = [incident_of(row) for row in open_incidents(session)]
        return _outlook(
            deps, request, user, session, act="start", incidents=[*held, fresh], pack=chosen, entered=entered, others=held
        )


def _change_outlook(
    deps: ChannelDeps,
    request: Request,
    user: StaffUser,
    incident_id: int,
    *,
    phase: str,
    level: str,
    zones: list[str],
    stale: bool = False,
) -> Response:
    with reading(deps.sessions) as session:
        row = view.find_incident(session, incident_id)
        _still_open(row.closed_at is not None)
        chosen = view.known_zones(deps.library.get(session), zones, row.zones)
        fresh = view.moved(row, phase=phase or row.phase, level=level or row.level, zones=chosen)
        others = [incident_of(one) for one in open_incidents(session) if one.id != row.id]
        entered = {"phase": fresh.phase, "level": fresh.level, "zones": chosen}
        held = [*others, fresh]
        return _outlook(
            deps, request, user, session, act="change", incidents=held, row=row, entered=entered, others=others, stale=stale
        )  # fmt: skip


def _close_outlook(deps: ChannelDeps, request: Request, user: StaffUser, incident_id: int, *, stale: bool = False) -> Response:
    with reading(deps.sessions) as session:
        row = view.find_incident(session, incident_id)
        _still_open(row.closed_at is not None)
        others = [incident_of(one) for one in open_incidents(session) if one.id != row.id]
        published = view.published_during(session, row)
        mine = [one for one in published if one.began and _may_withdraw(user, one.version.owner)]
        # While another incident goes on, what was published may belong to that one: nothing is chosen beforehand.
        chosen = {one.version.id for one in mine} if not others else set()
        without = {(one.version.message_id, one.version.version) for one in mine if one.version.id in chosen}
        library = deps.library.get(session)
        pack = pack_of(row, library.incident_packs)
        closing = [template for template in library.plan.values() if template.phase == view.CLOSING]
        return _outlook(
            deps, request, user, session, act="close", incidents=others, row=row, others=others, stale=stale, without=without,
            withdrawn=mine, chosen=chosen, kept=[one for one in published if one not in mine], closing=closing, pack=pack,
        )  # fmt: skip


def _still_open(closed: bool) -> None:
    if closed:
        raise Conflict("This incident is closed. Open a new one.", words="incidents.closed_already")


def _may_withdraw(user: StaffUser, owner: str) -> bool:
    try:
        check_owner(user, owner)
    except SpillwayError:
        return False
    return user.role in PERMISSIONS[WITHDRAW]


def _named(seen: Outlook) -> set[str]:
    """The topics that the page names."""
    return {*(one.intent for one in seen.answers), *seen.menu_before, *seen.menu_after}


def _withdraw(session: Session, user: StaffUser, *, row_name: str, wanted: Collection[int], offered: list[view.Published]) -> None:
    """Withdraws what was ticked, of that which was offered; anything else in the form is refused whole."""
    may = {one.version.id for one in offered if one.began and _may_withdraw(user, one.version.owner)}
    if not set(wanted) <= may:
        text = "The messages of this incident changed meanwhile. Nothing was closed; look again."
        raise Conflict(text, words="incidents.messages_changed")
    for version_id in sorted(set(wanted)):
        transition(session, version_id=version_id, to=State.WITHDRAWN, actor=user.name, reason=f"{row_name} closed")


def _outlook(
    deps: ChannelDeps,
    request: Request,
    user: StaffUser,
    session: Session,
    *,
    act: str,
    incidents: list[Incident],
    others: list[Incident],
    stale: bool = False,
    without: Collection[Version] = (),
    **values: Any,
) -> Response:
    language = page_language(request, user)
    library = deps.library.get(session)
    # What was sent to be confirmed has no address of its own to lead to the whole list.
    every = "all" in request.query_params
    most = None if every or request.method != "GET" else MOST_LISTED
    seen = outlook(before=library, incidents=incidents, language=language, now=clock.now(), without=without, most=most)
    shown: dict[str, Any] = {"row": None, "pack": None, "entered": {}, "withdrawn": [], "chosen": set(), "kept": [], "closing": []}
    shown |= values
    if shown["row"] is not None:
        shown["seen"] = view.seen_of(shown["row"])
    return render(
        "incidents/outlook.html",
        request=request,
        deps=deps,
        user=user,
        status=409 if stale else 200,
        act=act,
        outlook=seen,
        every=every,
        rest=[one for one in seen.answers if not one.protective],
        more="" if not seen.more else f"{request.url.path}?{request.url.include_query_params(all=1).query}",
        others=others,
        stale=stale,
        titles={intent: library.title(intent, language) for intent in _named(seen)},
        **shown,
    )
