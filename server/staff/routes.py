"""Signing in with a password and a code, signing out, the first password of one's own, and the fresh proof."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from server.errors import BadInput
from server.http.deps import ChannelDeps
from server.http.navigation import home_for, same_site
from server.http.pages import render
from server.staff.access import COOKIE, ProofNeeded, person_of
from server.staff.models import StaffUser
from server.staff.people import end_sessions
from server.staff.service import (
    SignedIn,
    change_password,
    finish_sign_in,
    prove,
    proved_lately,
    session_hash,
    sign_in,
    sign_out,
    who_is,
)


def router(deps: ChannelDeps) -> APIRouter:
    """The sign-in pages."""
    routes = APIRouter(tags=["staff"], include_in_schema=False)
    hours = deps.settings.session_hours

    def carry(response: Response, token: str) -> Response:
        secure = deps.settings.public_url.startswith("https://")
        response.set_cookie(COOKIE, token, httponly=True, secure=secure, samesite="strict", max_age=hours * 3600)
        return response

    def start(token: str, back: str | None) -> Response:
        user = _by_token(deps, token)
        home = "/password" if user is None or user.one_time else back or home_for(user.role)
        return carry(RedirectResponse(home, 303), token)

    def own_proof(request: Request, user: StaffUser) -> None:
        """A password is changed by who just proved to be its owner; the one-time password is such a proof."""
        with deps.sessions() as session:
            if not user.one_time and not proved_lately(session, token=request.cookies.get(COOKIE)):
                raise ProofNeeded("Confirm who you are first.")

    @routes.get("/sign-in")
    def form(request: Request, next: str | None = None) -> Response:
        return render("sign_in.html", request=request, deps=deps, failed=False, back=same_site(next))

    @routes.post("/sign-in")
    async def enter(
        request: Request,
        name: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        next: Annotated[str | None, Form()] = None,
    ) -> Response:
        def attempt() -> SignedIn | None:
            device = _device(request.headers.get("user-agent", ""))
            with deps.sessions.begin() as session:
                return sign_in(session, name=name[:64], password=password[:256], hours=hours, device=device)

        opened, back = await run_in_threadpool(attempt), same_site(next)
        if opened is None:
            return render("sign_in.html", request=request, deps=deps, failed=True, back=back, status=403)
        if opened.half:
            page = render("code.html", request=request, deps=deps, failed=False, back=back)
            return carry(page, opened.token)
        return start(opened.token, back)

    @routes.post("/sign-in/code")
    async def enter_code(
        request: Request, code: Annotated[str, Form()] = "", next: Annotated[str | None, Form()] = None
    ) -> Response:
        def attempt() -> str | None:
            with deps.sessions.begin() as session:
                half = request.cookies.get(COOKIE, "")
                return finish_sign_in(session, token=half, code=code[:64], keys=deps.keys, hours=hours)

        token, back = await run_in_threadpool(attempt), same_site(next)
        if token is None:
            return render("code.html", request=request, deps=deps, failed=True, back=back, status=403)
        return start(token, back)

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
            await run_in_threadpool(change)
        except BadInput as error:
            return render("password.html", request=request, deps=deps, user=user, problem=error.words, status=error.status)
        return RedirectResponse(home_for(user.role), 303)

    @routes.get("/confirm")
    def confirm_form(request: Request, next: str | None = None) -> Response:
        user = person_of(request, deps)
        if user is None:
            return RedirectResponse("/sign-in", 303)
        return render("confirm.html", request=request, deps=deps, user=user, failed=False, back=same_site(next))

    @routes.post("/confirm")
    async def confirm(
        request: Request, secret: Annotated[str, Form()] = "", next: Annotated[str | None, Form()] = None
    ) -> Response:
        user = await run_in_threadpool(person_of, request, deps)
        if user is None:
            return RedirectResponse("/sign-in", 303)

        def attempt() -> bool:
            with deps.sessions.begin() as session:
                return prove(session, token=request.cookies.get(COOKIE, ""), secret=secret[:256], keys=deps.keys)

        back = same_site(next)
        if not await run_in_threadpool(attempt):
            return render("confirm.html", request=request, deps=deps, user=user, failed=True, back=back, status=403)
        return RedirectResponse(back or home_for(user.role), 303)

    return routes


def _by_token(deps: ChannelDeps, token: str) -> StaffUser | None:
    with deps.sessions.begin() as session:
        return who_is(session, token=token)


def _device(agent: str) -> str:
    """What kind of browser it is, in a few words: enough to know one's own."""
    system = next((name for name in ("iPhone", "iPad", "Android", "Windows", "Mac", "Linux") if name in agent), "")
    browser = next((name for name in ("Edg", "Firefox", "Chrome", "Safari") if name in agent), "")
    return " · ".join(part for part in ({"Edg": "Edge"}.get(browser, browser), system) if part)
