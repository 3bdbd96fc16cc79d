"""The accounts of staff: inviting, changing, switching off."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from server.errors import BadInput
from server.http.deps import ChannelDeps
from server.http.pages import go, render
from server.staff import people
from server.staff.access import staff_user
from server.staff.browsers import browsers_of, forget_browser
from server.staff.oidc import button
from server.staff.oidc.service import bound_to, set_email
from server.staff.service import ROLES, add_user, reset_user


def router(deps: ChannelDeps) -> APIRouter:
    """The pages under /console/people/."""
    routes = APIRouter(prefix="/console/people", tags=["console"], include_in_schema=False)

    @routes.get("/")
    def everybody(request: Request) -> Response:
        user = staff_user(request, deps, "people.see")
        with deps.sessions() as session:
            found = people.people(session)
        return render("people/list.html", request=request, deps=deps, user=user, people=found, roles=ROLES)

    @routes.post("/")
    def invite(request: Request, name: Annotated[str, Form()] = "", role: Annotated[str, Form()] = "") -> Response:
        user = staff_user(request, deps, "people.change", fresh=True)
        with deps.sessions.begin() as session:
            made, password = add_user(session, name=name, role=role, actor=user.name)
        return render("people/password.html", request=request, deps=deps, user=user, whose=made.name, password=password)

    @routes.get("/{name}")
    def one(request: Request, name: str) -> Response:
        user = staff_user(request, deps, "people.see")
        with deps.sessions() as session:
            person = people.find(session, name=name)
            sessions = people.open_sessions(session, user_id=person.id)
            browsers = browsers_of(session, user_id=person.id)
            bound = bound_to(session, user_id=person.id)
        owners = deps.library.last_good.owners
        return render(
            "people/person.html",
            request=request,
            deps=deps,
            user=user,
            person=person,
            sessions=sessions,
            browsers=browsers,
            here_browser=None,
            elsewhere=button(deps.settings) is not None,
            bound=bound,
            roles=ROLES,
            offices=owners,
        )

    @routes.post("/{name}")
    def change(
        request: Request, name: str, role: Annotated[str, Form()] = "", owners: Annotated[list[str] | None, Form()] = None
    ) -> Response:
        user = staff_user(request, deps, "people.change", fresh=True)
        unknown = set(owners or ()) - set(deps.library.last_good.owners)
        if unknown:
            raise BadInput("There is no such office.", words="people.no_office")
        with deps.sessions.begin() as session:
            people.change_role(session, name=name, role=role, owners=owners or (), actor=user.name)
        return go(f"/console/people/{name}", notice="people.notice_changed")

    @routes.post("/{name}/email")
    def email(request: Request, name: str, email: Annotated[str, Form()] = "") -> Response:
        user = staff_user(request, deps, "people.change", fresh=True)
        with deps.sessions.begin() as session:
            set_email(session, name=name, typed=email, actor=user.name)
        return go(f"/console/people/{name}", notice="oidc.notice_email")

    @routes.post("/{name}/browsers/{browser}/forget")
    def forget(request: Request, name: str, browser: str) -> Response:
        user = staff_user(request, deps, "people.change", fresh=True)
        with deps.sessions.begin() as session:
            forget_browser(session, user=people.find(session, name=name), browser_hash=browser, actor=user.name)
        return go(f"/console/people/{name}", notice="browsers.notice_forgotten")

    @routes.post("/{name}/{act}")
    def act(request: Request, name: str, act: str) -> Response:
        user = staff_user(request, deps, "people.change", fresh=True)
        with deps.sessions.begin() as session:
            if act == "reset":
                password = reset_user(session, name=name, actor=user.name)
                return render("people/password.html", request=request, deps=deps, user=user, whose=name, password=password)
            notice = _do(session, act, name, user.name)
        return go(f"/console/people/{name}", notice=notice)

    return routes


def _do(session: Session, act: str, name: str, actor: str) -> str:
    if act in ("on", "off"):
        people.switch(session, name=name, on=act == "on", actor=actor)
        return f"people.notice_{act}"
    if act == "end":
        people.end_sessions(session, user=people.find(session, name=name), actor=actor)
        return "people.notice_ended"
    raise BadInput("There is no such act.", words="people.no_act")
