"""To the identity provider and back: to sign in, and to prove anew who one is."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from server.errors import NotFound, SpillwayError
from server.http.deps import ChannelDeps
from server.http.navigation import home_for, same_site
from server.http.pages import render
from server.staff.access import COOKIE as SESSION
from server.staff.access import person_of
from server.staff.entering import carry, device_of, enter, secure, visitor_of
from server.staff.oidc import flow
from server.staff.oidc.flow import Visit, visit_of
from server.staff.oidc.provider import Identity, NotVouched, Unreachable, make_provider
from server.staff.oidc.service import Refused, admit, note_refused, prove_anew
from server.staff.service import session_hash
from server.staff.turnstile import Busy, Turnstile

log = structlog.get_logger()

LONGEST: Final = 4000
"""Characters of what the provider hands back; a longer code is none."""


def router(deps: ChannelDeps) -> APIRouter:
    """The way to the provider and back. Raises `NotReady` when it is half set up."""
    routes = APIRouter(tags=["staff"], include_in_schema=False)
    provider = make_provider(deps.settings)
    gate = Turnstile(at_once=4, waiting=64, of_one=8)
    """The provider may take seconds; however many wait for it, they take no more than these threads from residents."""

    async def send(request: Request, visit: Visit) -> Response:
        if provider is None:
            raise NotFound("There is no identity provider here.")
        try:
            to = await gate.run(
                lambda: provider.address(
                    state=visit.state, nonce=visit.nonce, verifier=visit.verifier, anew=visit.proves is not None
                ),
                address=visitor_of(request, deps).stranger().key,
            )
        except (Unreachable, Busy) as error:
            return _failed(visit, _told(error))
        response = RedirectResponse(to, 303)
        response.set_cookie(
            flow.COOKIE,
            visit.sealed(deps.keys),
            path=flow.PATH,
            httponly=True,
            secure=secure(deps),
            samesite="strict",
            max_age=int(flow.LASTS.total_seconds()),
        )
        return response

    @routes.get("/sign-in/oidc")
    async def begin(request: Request, next: str | None = None) -> Response:
        return await send(request, Visit.begin(back=same_site(next)))

    @routes.get("/confirm/oidc")
    async def begin_proof(request: Request, next: str | None = None, kept: str = "") -> Response:
        user = await run_in_threadpool(person_of, request, deps)
        if user is None:
            return RedirectResponse("/sign-in", 303)
        here = session_hash(request.cookies.get(SESSION, ""))
        return await send(request, Visit.begin(back=same_site(next), kept=bool(kept), proves=here))

    @routes.get("/sign-in/oidc/callback")
    def come_back(request: Request) -> Response:
        handed = {name: request.query_params.get(name, "")[: LONGEST + 1] for name in ("code", "state", "iss", "error")}
        onward = f"{flow.PATH}/finish?{urlencode({name: value for name, value in handed.items() if value})}"
        return render("oidc_onward.html", request=request, deps=deps, onward=onward)

    @routes.get("/sign-in/oidc/finish")
    async def finish(request: Request, code: str = "", state: str = "", iss: str = "", error: str = "") -> Response:
        if provider is None:
            raise NotFound("There is no identity provider here.")
        visit = visit_of(request.cookies.get(flow.COOKIE, ""), deps.keys)
        if visit is None or not visit.fits(state) or len(code) > LONGEST:
            log.warning("oidc.stray", visit=visit is not None)
            return _failed(visit, "again")
        if error or not code or (iss and iss.rstrip("/") != provider.issuer.rstrip("/")):
            log.warning("oidc.sent_back", error=error[:60])
            return _done(_failed(visit, "refused"))

        def ask() -> Identity | NotVouched:
            try:
                return provider.identity(code=code, nonce=visit.nonce, verifier=visit.verifier)
            except NotVouched as refused:
                if refused.signed:
                    with deps.sessions.begin() as session:
                        note_refused(session, refused)
                return refused

        try:
            identity = await gate.run(ask, address=visitor_of(request, deps).stranger().key)
        except (Unreachable, Busy) as away:
            return _done(_failed(visit, _told(away)))
        if isinstance(identity, NotVouched):
            log.warning("oidc.not_vouched", why=identity.why)
            return _done(_failed(visit, "refused"))
        return _done(await run_in_threadpool(use, request, visit, identity))

    def use(request: Request, visit: Visit, identity: Identity) -> Response:
        if visit.proves is not None:
            return prove(request, visit, identity)
        visitor = visitor_of(request, deps)
        hours, device = deps.settings.session_hours, device_of(request)
        with deps.sessions.begin() as session:
            came = admit(session, visit=visit, identity=identity, hours=hours, visitor=visitor, device=device)
        if isinstance(came, Refused):
            return _failed(visit, "refused")
        if came.half:
            more = f"?{urlencode({'next': visit.back})}" if visit.back else ""
            return carry(RedirectResponse(f"/sign-in/code{more}", 303), came.token, deps)
        return enter(came.token, back=visit.back, visitor=visitor, deps=deps)

    def prove(request: Request, visit: Visit, identity: Identity) -> Response:
        user = person_of(request, deps)
        if user is None or session_hash(request.cookies.get(SESSION, "")) != visit.proves:
            return RedirectResponse("/sign-in", 303)
        with deps.sessions.begin() as session:
            proved = prove_anew(session, visit=visit, identity=identity, token_hash=visit.proves)
        if not proved:
            return _failed(visit, "refused")
        if visit.kept:
            return RedirectResponse(f"/confirm?{urlencode({'kept': '1', 'next': visit.back or ''})}", 303)
        return RedirectResponse(visit.back or home_for(user.role), 303)

    def _done(response: Response) -> Response:
        response.delete_cookie(flow.COOKIE, path=flow.PATH, httponly=True, secure=secure(deps), samesite="strict")
        return response

    return routes


def _failed(visit: Visit | None, told: str) -> Response:
    """Back to where the person began, where the password still does."""
    page = "/confirm" if visit is not None and visit.proves is not None else "/sign-in"
    more = {"elsewhere": told}
    if visit is not None and visit.back:
        more["next"] = visit.back
    if visit is not None and visit.kept:
        more["kept"] = "1"
    return RedirectResponse(f"{page}?{urlencode(more)}", 303)


def _told(error: SpillwayError) -> str:
    if isinstance(error, Unreachable):
        log.warning("oidc.away", what=error.what)
        return "away"
    return "busy"
