"""Signing in with a password and a code, signing out, the first password of one's own, and the fresh proof."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from server.database.engine import reading
from server.errors import BadInput
from server.http.deps import ChannelDeps
from server.http.navigation import home_for, same_site
from server.http.pages import render
from server.staff.access import COOKIE, ProofNeeded, person_of
from server.staff.entering import carry, device_of, enter, visitor_of
from server.staff.kept import kept as kept_form
from server.staff.models import StaffUser
from server.staff.oidc import TOLD, button
from server.staff.people import end_sessions
from server.staff.service import (
    SignedIn,
    change_password,
    check,
    finish_sign_in,
    prove,
    proved_lately,
    session_hash,
    sign_in,
    sign_out,
)
from server.staff.turnstile import Busy, Turnstile


def router(deps: ChannelDeps) -> APIRouter:
    """The sign-in pages."""
    routes = APIRouter(tags=["staff"], include_in_schema=False)
    hours = deps.settings.session_hours
    elsewhere = button(deps.settings)
    strangers, ours = Turnstile(), Turnstile(at_once=1, waiting=32, of_one=3)
    """A flood of strangers fills no line that people wait in who are signed in, or were on the same browser before."""

    def sign_in_page(request: Request, *, problem: str | None, back: str | None, status: int = 200) -> Response:
        shown: dict[str, Any] = {"problem": problem, "back": back, "elsewhere": elsewhere}
        return render("sign_in.html", request=request, deps=deps, status=status, **shown)

    def own_proof(request: Request, user: StaffUser) -> None:
        """A password is changed by who just proved to be its owner; the one-time password is such a proof."""
        with deps.sessions() as session:
            if not user.one_time and not proved_lately(session, token=request.cookies.get(COOKIE)):
                raise ProofNeeded("Confirm who you are first.")

    @routes.get("/sign-in")
    def form(request: Request, next: str | None = None) -> Response:
        told = TOLD.get(request.query_params.get("elsewhere", ""))
        return sign_in_page(request, problem=told, back=same_site(next))

    @routes.post("/sign-in")
    async def sign_in_here(
        request: Request,
        name: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        next: Annotated[str | None, Form()] = None,
    ) -> Response:
        visitor = visitor_of(request, deps)
        source = visitor.source(name[:64])

        def attempt() -> SignedIn | None:
            device = device_of(request)
            checked = check(deps.sessions, name=name[:64], password=password[:256])
            with deps.sessions.begin() as session:
                return sign_in(session, name=name[:64], checked=checked, hours=hours, visitor=visitor, device=device)

        back = same_site(next)
        try:
            opened = await (ours if source.known else strangers).run(attempt, address=source.key)
        except Busy as error:
            return sign_in_page(request, problem=error.words, back=back, status=error.status)
        if opened is None:
            return sign_in_page(request, problem="staff.failed", back=back, status=403)
        if opened.half:
            page = render("code.html", request=request, deps=deps, failed=False, back=back)
            return carry(page, opened.token, deps)
        return await run_in_threadpool(enter, opened.token, back=back, visitor=visitor, deps=deps)

    @routes.get("/sign-in/code")
    def code_form(request: Request, next: str | None = None) -> Response:
        return render("code.html", request=request, deps=deps, failed=False, back=same_site(next))

    @routes.post("/sign-in/code")
    async def enter_code(
        request: Request, code: Annotated[str, Form()] = "", next: Annotated[str | None, Form()] = None
    ) -> Response:
        visitor = visitor_of(request, deps)

        def attempt() -> str | None:
            with deps.sessions.begin() as session:
                half = request.cookies.get(COOKIE, "")
                return finish_sign_in(session, token=half, code=code[:64], keys=deps.keys, hours=hours, visitor=visitor)

        token, back = await run_in_threadpool(attempt), same_site(next)
        if token is None:
            return render("code.html", request=request, deps=deps, failed=True, back=back, status=403)
        return await run_in_threadpool(enter, token, back=back, visitor=visitor, deps=deps)

    @routes.post("/sign-out")
    def leave(request: Request) -> Response:
        with deps.sessions.begin() as session:
            sign_out(session, token=request.cookies.get(COOKIE, ""))
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(COOKIE)
        return response

    @routes.get("/password")
    def password_form(request: Request) -> Response:
        user = person_of(request, deps)
        if user is None:
            return RedirectResponse("/sign-in", 303)
        own_proof(request, user)
        return render("password.html", request=request, deps=deps, user=user, problem=None)

    @routes.post("/password")
    async def set_password(request: Request, new: Annotated[str, Form()] = "", again: Annotated[str, Form()] = "") -> Response:
        user = await run_in_threadpool(person_of, request, deps)
        if user is None:
            return RedirectResponse("/sign-in", 303)

        def change() -> None:
            own_proof(request, user)
            if new != again:
                raise BadInput("The two are not the same.", words="staff.password_differs")
            with deps.sessions.begin() as session:
                change_password(session, user_id=user.id, new=new)
                # Whoever else knew the old one is out.
                here = session_hash(request.cookies.get(COOKIE, ""))
                end_sessions(session, user=user, actor=user.name, keep=here)

        try:
            await ours.run(change, address=f"person:{user.id}")
        except (BadInput, Busy) as error:
            return render("password.html", request=request, deps=deps, user=user, problem=error.words, status=error.status)
        return RedirectResponse(home_for(user.role), 303)

    @routes.get("/confirm")
    def confirm_form(request: Request, next: str | None = None, kept: str = "") -> Response:
        user = person_of(request, deps)
        if user is None:
            return RedirectResponse("/sign-in", 303)
        token, back = request.cookies.get(COOKIE, ""), same_site(next)
        with reading(deps.sessions) as session:
            form = kept_form(session, token=token, keys=deps.keys) if kept else None
            proved = proved_lately(session, token=token)
        if form is not None and proved:
            return render("go_on.html", request=request, deps=deps, user=user, form=form, back=back)
        told = TOLD.get(request.query_params.get("elsewhere", ""))
        shown: dict[str, Any] = {"problem": told, "back": back, "keeps": form is not None, "elsewhere": elsewhere}
        return render("confirm.html", request=request, deps=deps, user=user, **shown)

    @routes.post("/confirm")
    async def confirm(
        request: Request,
        secret: Annotated[str, Form()] = "",
        next: Annotated[str | None, Form()] = None,
        kept: Annotated[str, Form()] = "",
    ) -> Response:
        user = await run_in_threadpool(person_of, request, deps)
        if user is None:
            return RedirectResponse("/sign-in", 303)

        def attempt() -> bool:
            checked = check(deps.sessions, user_id=user.id, password=secret[:256])
            with deps.sessions.begin() as session:
                token = request.cookies.get(COOKIE, "")
                return prove(session, token=token, secret=secret[:256], checked=checked, keys=deps.keys)

        def again(problem: str | None, status: int) -> Response:
            shown = {"problem": problem, "back": back, "keeps": bool(kept), "elsewhere": elsewhere}
            return render("confirm.html", request=request, deps=deps, user=user, status=status, **shown)

        back = same_site(next)
        try:
            proved = await ours.run(attempt, address=f"person:{user.id}")
        except Busy as error:
            return again(error.words, error.status)
        if not proved:
            return again("account.confirm_wrong", 403)
        if kept:
            return RedirectResponse(f"/confirm?{urlencode({'kept': '1', 'next': back or ''})}", 303)
        return RedirectResponse(back or home_for(user.role), 303)

    return routes
