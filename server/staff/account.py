"""A person's own account: sessions, language, second factor."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from server.errors import BadInput, Forbidden, NotReady
from server.http.deps import ChannelDeps
from server.http.navigation import home_for
from server.http.pages import go, render
from server.staff.access import COOKIE, OwnPasswordNeeded, ProofNeeded, SignInNeeded, person_of
from server.staff.browsers import browsers_of, forget_browser
from server.staff.models import StaffUser
from server.staff.people import end_sessions, find, open_sessions
from server.staff.permissions import PERMISSIONS
from server.staff.phone import masked, set_phone
from server.staff.second_factor import NEEDED_BY, codes_left, enrol, new_secret, picture, remove
from server.staff.service import proved_lately, session_hash, vouched
from server.staff.tour import WHO, move


def router(deps: ChannelDeps) -> APIRouter:
    """The pages of one's own account."""
    routes = APIRouter(prefix="/account", tags=["staff"], include_in_schema=False)

    def known(request: Request, *, fresh: bool = False) -> StaffUser:
        user = person_of(request, deps)
        if user is None:
            raise SignInNeeded("Sign in first.")
        if user.one_time:
            raise OwnPasswordNeeded("Choose a password of your own first.")
        with deps.sessions() as session:
            if fresh and not proved_lately(session, token=request.cookies.get(COOKIE)):
                raise ProofNeeded("Confirm who you are first.")
        return user

    @routes.get("")
    def page(request: Request) -> Response:
        return _page(request, known(request))

    def _page(request: Request, user: StaffUser, *, status: int = 200, **shown: Any) -> Response:
        here = session_hash(request.cookies.get(COOKIE, ""))
        with deps.sessions() as session:
            own = open_sessions(session, user_id=user.id)
            about: dict[str, Any] = {
                "own": own,
                "here": here,
                "browsers": browsers_of(session, user_id=user.id),
                "here_browser": next((one.browser_hash for one in own if one.token_hash == here), None),
                "codes": codes_left(session, user_id=user.id),
                "vouched": vouched(session, token=request.cookies.get(COOKIE)),
            }
        values = {
            "needed": _needed(deps, user),
            "tours": user.role in WHO,
            "takes": user.role in PERMISSIONS["desk.take"],
            "last": masked(user.phone, deps.keys),
            "typed": "",
            "problem": None,
            **shown,
        }
        return render("account.html", request=request, deps=deps, user=user, status=status, **about, **values)

    @routes.post("/phone")
    def set_own_phone(request: Request, phone: Annotated[str, Form()] = "") -> Response:
        user = known(request)
        if user.role not in PERMISSIONS["desk.take"]:
            raise Forbidden("Your role takes no calls.", words="desk_refusal.role")
        try:
            with deps.sessions.begin() as session:
                set_phone(session, name=user.name, typed=phone, keys=deps.keys)
        except BadInput as error:
            return _page(request, user, status=400, typed=phone[:40], problem=error.words)
        return go("/account", notice="voice.notice_phone_saved" if phone.strip() else "voice.notice_phone_removed")

    @routes.post("/sessions/end")
    def end(request: Request) -> Response:
        user = known(request)
        with deps.sessions.begin() as session:
            end_sessions(session, user=user, actor=user.name, keep=session_hash(request.cookies.get(COOKIE, "")))
        return go("/account", notice="account.notice_ended")

    @routes.post("/browsers/{browser}/forget")
    def forget(request: Request, browser: str) -> Response:
        user = known(request)
        with deps.sessions.begin() as session:
            forget_browser(session, user=find(session, name=user.name), browser_hash=browser, actor=user.name)
        return go("/account", notice="browsers.notice_forgotten")

    @routes.post("/tour")
    def tour(request: Request, act: Annotated[str, Form()] = "", seen: Annotated[int, Form(ge=0, le=99)] = 0) -> Response:
        user = known(request)
        with deps.sessions.begin() as session:
            step = move(session, user_id=user.id, act=act, seen=seen)
        return RedirectResponse(step.path if step is not None else home_for(user.role), 303)

    @routes.get("/second-factor")
    def second_factor(request: Request) -> Response:
        user = known(request, fresh=True)
        return _enrolment(request, user, new_secret(), None)

    @routes.post("/second-factor")
    def set_second_factor(request: Request, sealed: Annotated[str, Form()] = "", code: Annotated[str, Form()] = "") -> Response:
        user = known(request, fresh=True)
        try:
            secret = deps.keys.open(sealed)
        except (NotReady, ValueError):
            return RedirectResponse("/account/second-factor", 303)
        try:
            with deps.sessions.begin() as session:
                codes = enrol(session, user_id=user.id, secret=secret, code=code[:16], keys=deps.keys)
        except BadInput as error:
            return _enrolment(request, user, secret, error.words)
        return render("recovery_codes.html", request=request, deps=deps, user=user, codes=codes, onward=home_for(user.role))

    @routes.post("/second-factor/remove")
    def remove_second_factor(request: Request) -> Response:
        user = known(request, fresh=True)
        if _needed(deps, user):
            raise BadInput("Your role needs a second factor.", words="account.factor_needed")
        with deps.sessions.begin() as session:
            remove(session, user=find(session, name=user.name), actor=user.name)
        return go("/account", notice="account.notice_removed")

    def _enrolment(request: Request, user: StaffUser, secret: str, problem: str | None) -> Response:
        city = str(deps.library.last_good.city.get("city", "311"))
        return render(
            "second_factor.html",
            request=request,
            deps=deps,
            user=user,
            status=400 if problem else 200,
            problem=problem,
            sealed=deps.keys.seal(secret),
            typed=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
            picture=picture(secret, name=user.name, issuer=f"{city} 311"),
        )

    return routes


def _needed(deps: ChannelDeps, user: StaffUser) -> bool:
    return deps.settings.live and user.role in NEEDED_BY
