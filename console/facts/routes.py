"""The pages of facts: one page a type, made for a thumb at two in the morning, and one page a fact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from console.facts import cards, forms
from console.facts.city import zone_of_city
from console.facts.history import differences
from console.facts.tables import add_table_routes
from knowledge import fact_edits
from knowledge.changes import put_fact, remove_fact
from knowledge.fact_edits import Stale, checked_now, find_fact, seen_fact
from knowledge.fact_tables import row_cells
from knowledge.facts import STATUS, STATUS_LINES, STATUSES, TYPES
from knowledge.models import FactRow
from knowledge.quotes import quotes
from server import clock
from server.database.engine import reading
from server.errors import NotFound
from server.http.deps import ChannelDeps
from server.http.pages import page_language, render
from server.staff.access import check_owner, staff_user
from server.staff.models import StaffUser
from server.staff.permissions import PERMISSIONS

CHANGE = "facts.change"


async def entered(request: Request) -> dict[str, str]:
    """What a form holds, its files left out."""
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


Entered = Annotated[dict[str, str], Depends(entered)]


def may_change(user: StaffUser, owner: str) -> bool:
    """True when this person may change what belongs to an owner; a page then shows the buttons."""
    return user.role in PERMISSIONS[CHANGE] and (not user.owners or owner in user.owners)


def router(deps: ChannelDeps) -> APIRouter:
    """The facts of the city."""
    routes = APIRouter(prefix="/console/facts", tags=["console"], include_in_schema=False)
    add_table_routes(routes, deps)

    @routes.get("/")
    def home(request: Request, type: str = "", q: str = "", show: str = "all", done: int = 0, at: str = "") -> Response:
        user = staff_user(request, deps, "console.see")
        if not type and not q.strip() and show == "all":
            with reading(deps.sessions) as session:
                counts = cards.overview(session, now=clock.now())
            return render("facts/overview.html", request=request, deps=deps, user=user, counts=counts)
        return _list(deps, request, user, type_=_known(type) if type else None, query=q, show=show, done=done, at=at)

    @routes.get("/{type_}/new")
    def new(request: Request, type_: str) -> Response:
        user = staff_user(request, deps, CHANGE)
        owner = user.owners[0] if user.owners else ""
        values = forms.new_values(_known(type_), zone=zone_of_city(deps), now=clock.now(), owner=owner)
        return _form(deps, request, user, type_=type_, key=None, values=values)

    @routes.post("/{type_}/new")
    def add(request: Request, type_: str, values: Entered) -> Response:
        user = staff_user(request, deps, CHANGE)
        return _save(deps, request, user, type_=_known(type_), key=None, values=values)

    @routes.get("/{type_}/{key}")
    def fact(request: Request, type_: str, key: str, done: int = 0) -> Response:
        user = staff_user(request, deps, "console.see")
        return _page(deps, request, user, type_=_known(type_), key=key, done=done)

    @routes.get("/{type_}/{key}/{_act}")
    def refused(request: Request, type_: str, key: str, _act: str) -> Response:
        """Where the language links of a page that refused a tap lead."""
        return _to(request, staff_user(request, deps, "console.see"), f"/console/facts/{_known(type_)}/{key}")

    @routes.post("/{type_}/{key}")
    def change(request: Request, type_: str, key: str, values: Entered) -> Response:
        user = staff_user(request, deps, CHANGE)
        return _save(deps, request, user, type_=_known(type_), key=key, values=values)

    @routes.post("/{type_}/{key}/state")
    def state(
        request: Request,
        type_: str,
        key: str,
        to: Annotated[str, Form()],
        seen: Annotated[str, Form()],
        page: Annotated[str, Form()] = "",
    ) -> Response:
        user = staff_user(request, deps, CHANGE)

        def act(session: Session) -> FactRow:
            return fact_edits.set_status(session, type=type_, key=key, status=to, seen=seen, actor=user.name)

        return _tap(deps, request, user, type_=_known(type_), key=key, act=act, page=page)

    @routes.post("/{type_}/{key}/still")
    def still(request: Request, type_: str, key: str, seen: Annotated[str, Form()], page: Annotated[str, Form()] = "") -> Response:
        user = staff_user(request, deps, CHANGE)

        def act(session: Session) -> FactRow:
            return fact_edits.still_true(session, type=type_, key=key, seen=seen, actor=user.name)

        return _tap(deps, request, user, type_=_known(type_), key=key, act=act, page=page)

    @routes.post("/{type_}/{key}/back")
    def back(
        request: Request,
        type_: str,
        key: str,
        act: Annotated[int, Form()],
        seen: Annotated[str, Form()] = "",
        page: Annotated[str, Form()] = "",
    ) -> Response:
        user = staff_user(request, deps, CHANGE)

        def undo(session: Session) -> FactRow | None:
            return fact_edits.put_back(session, type=type_, key=key, act=act, seen=seen, actor=user.name)

        return _tap(deps, request, user, type_=_known(type_), key=key, act=undo, page=page)

    @routes.post("/{type_}/{key}/remove")
    def remove(
        request: Request, type_: str, key: str, seen: Annotated[str, Form()], reason: Annotated[str, Form()] = ""
    ) -> Response:
        user = staff_user(request, deps, CHANGE)
        if not reason.strip():
            return _page(deps, request, user, type_=_known(type_), key=key, problem="facts.reason_needed", status=400)
        try:
            with deps.sessions.begin() as session:
                row = seen_fact(session, type=_known(type_), key=key, seen=seen)
                check_owner(user, row.owner)
                remove_fact(session, type=type_, key=key, actor=user.name, reason=reason)
        except Stale:
            return _page(deps, request, user, type_=type_, key=key, problem="facts.stale", status=409)
        return _to(request, user, f"/console/facts/{type_}/{key}")

    return routes


def _known(type_: str) -> str:
    if type_ not in TYPES:
        raise NotFound("There is no such type of facts.", words="facts.no_type")
    return type_


def _to(request: Request, user: StaffUser, path: str, *, anchor: str = "", **query: str | int) -> Response:
    asked = urlencode({"lang": page_language(request, user), **query})
    return RedirectResponse(f"{path}?{asked}{f'#{anchor}' if anchor else ''}", 303)


def _tap(deps: ChannelDeps, request: Request, user: StaffUser, *, type_: str, key: str, act: Any, page: str) -> Response:
    """One tap: done and shown at once, or refused with what changed. The person stays on the page they tapped on."""
    piece = "hx-request" in request.headers
    stale, done = False, 0
    try:
        with deps.sessions.begin() as session:
            before = find_fact(session, type=type_, key=key, lock=True)
            latest = fact_edits.latest_act(session, type=type_, key=key)
            _check_owners(session, user, type_, key, before)
            act(session)
            session.flush()
            newest = fact_edits.latest_act(session, type=type_, key=key) or 0
            done = newest if newest != latest else 0
    except Stale:
        stale = True
    if page == "fact":
        return _page(deps, request, user, type_=type_, key=key, problem="facts.stale", status=409) if stale else _to(
            request, user, f"/console/facts/{type_}/{key}", done=done
        )  # fmt: skip
    if piece:
        return _piece(deps, request, user, type_=type_, key=key, done=done, stale=stale)
    if stale:
        return _list(deps, request, user, type_=type_, query="", show="all", stale=key, status=409)
    return _to(request, user, "/console/facts/", anchor=f"f-{type_}-{key}", type=type_, done=done, at=key)


def _check_owners(session: Session, user: StaffUser, type_: str, key: str, row: FactRow | None) -> None:
    """A fact that is gone belongs to who owned it last."""
    if row is not None:
        check_owner(user, row.owner)
        return
    acts = fact_edits.history(session, type=type_, key=key, limit=1)
    if acts and acts[0].detail.get("before"):
        check_owner(user, str(acts[0].detail["before"].get("owner")))


def _piece(deps: ChannelDeps, request: Request, user: StaffUser, *, type_: str, key: str, done: int, stale: bool) -> Response:
    now, language = clock.now(), page_language(request, user)
    with reading(deps.sessions) as session:
        found = [
            one for one in cards.cards(session, type_=type_, query="", show="all", language=language, now=now) if one.row.key == key
        ]
        gone = fact_edits.history(session, type=type_, key=key, limit=1) if not found else []
    return render(
        "facts/_answer.html",
        request=request,
        deps=deps,
        user=user,
        status=409 if stale else 200,
        card=found[0] if found else None,
        gone=gone[0] if gone else None,
        key=key,
        type=type_,
        done=done,
        stale=stale,
        **_words(user),
    )


def _list(
    deps: ChannelDeps,
    request: Request,
    user: StaffUser,
    *,
    type_: str | None,
    query: str,
    show: str,
    done: int = 0,
    at: str = "",
    stale: str = "",
    status: int = 200,
) -> Response:
    now, language = clock.now(), page_language(request, user)
    with reading(deps.sessions) as session:
        found = cards.cards(session, type_=type_, query=query, show=show, language=language, now=now)
    return render(
        "facts/list.html",
        request=request,
        deps=deps,
        user=user,
        status=status,
        type=type_,
        query=query,
        show=show,
        shows=cards.SHOWS,
        cards=found,
        done=done,
        at=at,
        stale=stale,
        may_add=user.role in PERMISSIONS[CHANGE],
        types=cards.ORDER,
        **_words(user),
    )


def _words(user: StaffUser) -> dict[str, Any]:
    return {"state_words": cards.state_words, "may_change": lambda owner: may_change(user, owner)}


def _page(
    deps: ChannelDeps,
    request: Request,
    user: StaffUser,
    *,
    type_: str,
    key: str,
    done: int = 0,
    problem: str = "",
    status: int = 200,
) -> Response:
    """One fact: its state, the messages that say it, its form and its history. A fact that was removed keeps its history."""
    now, language = clock.now(), page_language(request, user)
    with reading(deps.sessions) as session:
        found = [
            one for one in cards.cards(session, type_=type_, query="", show="all", language=language, now=now) if one.row.key == key
        ]
        acts = fact_edits.history(session, type=type_, key=key)
        library = deps.library.get(session)
    if not found and not acts:
        raise NotFound("There is no such fact.", words="facts.no_fact")
    row = found[0].row if found else None
    quoted, unshown = quotes(library, type=type_, key=key, now=now, place=row.data.get("zip")) if row else ((), 0)
    return render(
        "facts/fact.html",
        request=request,
        deps=deps,
        user=user,
        status=status,
        type=type_,
        key=key,
        card=found[0] if found else None,
        quotes=quoted,
        unshown=unshown,
        titles={one.intent: library.title(one.intent, language) for one in quoted if one.intent and not one.asleep},
        acts=acts,
        differences=differences(type_, key, language, zone_of_city(deps)),
        done=done,
        problem=problem,
        stale=problem == "facts.stale",
        fields=forms.fields(type_, forms.values_of(row, zone_of_city(deps))) if row else [],
        **_choices(deps, user, type_, language),
        **_words(user),
    )


def _form(
    deps: ChannelDeps,
    request: Request,
    user: StaffUser,
    *,
    type_: str,
    key: str | None,
    values: Mapping[str, str],
    problems: tuple[Any, ...] = (),
    seen: str = "",
    checked: bool = True,
    problem: str = "",
    status: int = 200,
) -> Response:
    language = page_language(request, user)
    with reading(deps.sessions) as session:
        taken = {one.row.key for one in cards.cards(session, type_=type_, query="", show="all", language=language, now=clock.now())}
    return render(
        "facts/edit.html",
        request=request,
        deps=deps,
        user=user,
        status=status,
        type=type_,
        key=key,
        values=values,
        fields=forms.fields(type_, values, problems),
        others=[one for one in problems if one.column in ("key", "row")],
        seen=seen,
        checked=checked,
        problem=problem,
        lines=[name for name in STATUS_LINES if name not in taken] if type_ == STATUS and key is None else [],
        **_choices(deps, user, type_, language),
        **_words(user),
    )


def _choices(deps: ChannelDeps, user: StaffUser, type_: str, language: str) -> dict[str, Any]:
    library = deps.library.last_good
    owners = {name: words.get(language) or words.get("en", name) for name, words in library.owners.items()}
    mine = {name: words for name, words in owners.items() if not user.owners or name in user.owners}
    return {"owners": mine, "zones": sorted(zone.name for zone in library.zones), "states": STATUSES.get(type_, ())}


def _save(deps: ChannelDeps, request: Request, user: StaffUser, *, type_: str, key: str | None, values: dict[str, str]) -> Response:
    """Takes a form: everything or nothing. What was typed stands in the form again when something is wrong."""
    own = {name: values.pop(name, "") for name in ("seen", "now", "lang", "line")}
    zone, now, checked = zone_of_city(deps), clock.now(), own["now"] == "1"
    with deps.sessions.begin() as session:
        if key is None:
            taken = [row.key for row in session.query(FactRow.key).filter(FactRow.type == type_)]
            name = own["line"] if type_ == STATUS and own["line"] not in taken else forms.key_for(values, taken)
            row = None
        else:
            name, row = key, find_fact(session, type=type_, key=key, lock=True)
        if checked:
            expires = checked_now(type_, expires_at=row.expires_at if row else now, now=now)
            values.update(
                as_of=now.astimezone(zone).strftime(forms.INPUT_TIME), expires=expires.astimezone(zone).strftime(forms.INPUT_TIME)
            )
        standing = row_cells(row, zone) if row else None
        read, problems = forms.read_form(
            type_, name, values, zone=zone, now=now, owners=deps.library.last_good.owners, standing=standing
        )
        again: dict[str, Any] = {"type_": type_, "key": key, "values": values, "problems": problems, "checked": checked}
        if key is not None and (row is None or fact_edits.token(row) != own["seen"]):
            return _form(
                deps, request, user, **again, seen=fact_edits.token(row) if row else "", problem="facts.stale_form", status=409
            )
        if read is None:
            return _form(deps, request, user, **again, seen=own["seen"], problem="facts.mend", status=400)
        check_owner(user, read.owner)
        if row is not None:
            check_owner(user, row.owner)
        if read.change == "same":
            return _to(request, user, f"/console/facts/{type_}/{name}")
        put_fact(
            session,
            type=type_,
            key=name,
            data=read.data,
            source=read.source,
            owner=read.owner,
            as_of=read.as_of if not checked else now,
            expires_at=read.expires_at,
            visibility=read.visibility,
            position=None if row else _last(session, type_),
            actor=user.name,
        )
        done = fact_edits.latest_act(session, type=type_, key=name) or 0
    return _to(request, user, f"/console/facts/{type_}/{name}", done=done)


def _last(session: Session, type_: str) -> int:
    return max((row.position for row in session.query(FactRow.position).filter(FactRow.type == type_)), default=-1) + 1
