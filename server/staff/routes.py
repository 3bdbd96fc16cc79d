"""Signing in and out, and the first password of one's own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from server.errors import BadInput
from server.http.deps import ChannelDeps
from server.http.pages import render
from server.staff.access import COOKIE
from server.staff.models import StaffUser
from server.staff.service import change_password, sign_in, sign_out, who_is

HOME = "/desk/"


def router(deps: ChannelDeps) -> APIRouter:
    """The sign-in pages."""
    routes = APIRouter(tags=["staff"])

    def known(request: Request) -> StaffUser | None:
        with deps.sessions.begin() as session:
            return who_is(session, token=request.cookies.get(COOKIE))

    @routes.get("/sign-in", include_in_schema=False)
    def form(request: Request) -> Response:
        return render("sign_in.html", request=request, deps=deps, failed=False)

    @routes.post("/sign-in", include_in_schema=False)
    async def enter(request: Request, name: Annotated[str, Form()] = "", password: Annotated[str, Form()] = "") -> Response:
        def attempt() -> str | None:
            with deps.sessions.begin() as session:
                return sign_in(session, name=name[:64], password=password[:256], hours=deps.settings.session_hours)

        token = await run_in_threadpool(attempt)
        if token is None:
            return render("sign_in.html", request=request, deps=deps, failed=True, status=403)
        response = RedirectResponse("/password" if _must_change(deps, token) else HOME, 303)
        secure = deps.settings.public_url.startswith("https://")
        response.set_cookie(
            COOKIE, token, httponly=True, secure=secure, samesite="strict", max_age=deps.settings.session_hours * 3600
        )
        return response

    @routes.post("/sign-out", include_in_schema=False)
    def leave(request: Request) -> Response:
        with deps.sessions.begin() as session:
            sign_out(session, token=request.cookies.get(COOKIE, ""))
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(COOKIE)
        return response

    @routes.get("/password", include_in_schema=False)
    def password_form(request: Request) -> Response:
        user = known(request)
        if user is None:
            return RedirectResponse("/sign-in", 303)
        return render("password.html", request=request, deps=deps, user=user, problem=None)

    @routes.post("/password", include_in_schema=False)
    async def set_password(request: Request, new: Annotated[str, Form()] = "", again: Annotated[str, Form()] = "") -> Response:
        user = known(request)
        if user is None:
            return RedirectResponse("/sign-in", 303)

        def change() -> None:
            if new != again:
                raise BadInput("The two are not the same.")
            with deps.sessions.begin() as session:
                change_password(session, user_id=user.id, new=new)

        try:
            await run_in_threadpool(change)
        except BadInput as error:
            problem = "staff.password_differs" if new != again else "staff.password_short"
            return render("password.html", request=request, deps=deps, user=user, problem=problem, status=error.status)
        return RedirectResponse(HOME, 303)

    return routes


def _must_change(deps: ChannelDeps, token: str) -> bool:
    with deps.sessions.begin() as session:
        user = who_is(session, token=token)
    return user is not None and user.one_time
