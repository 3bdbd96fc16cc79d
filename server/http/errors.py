"""One shape for every error that leaves over HTTP: JSON for programs, a page with the 911 line for residents, and for staff a page
in their language that leads on: to the sign-in, to a fresh proof, or back."""

from __future__ import annotations

import html
import json
from typing import Final
from urllib.parse import urlencode, urlsplit

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from console.catalogue import has, text
from knowledge.library import LiveLibrary, Situation
from server import clock
from server.errors import SpillwayError
from server.http.deps import ChannelDeps
from server.http.navigation import home_for, same_site
from server.http.pages import page_language, render
from server.staff.access import COOKIE, ProofNeeded, SignInNeeded, person_of
from server.staff.kept import Kept, keep
from server.staff.models import StaffUser

log = structlog.get_logger()

STAFF: Final = ("/desk", "/console", "/sign-in", "/sign-out", "/password", "/account", "/confirm")
"""The addresses whose errors staff read."""


def install_error_handlers(app: FastAPI, deps: ChannelDeps) -> None:
    """Every surface answers errors through these. Who did not sign in may be a resident, wherever they are."""

    async def answer(request: Request, error: SpillwayError, status: int) -> Response:
        piece = "hx-request" in request.headers
        staff = request.url.path.startswith(STAFF)
        if staff and isinstance(error, SignInNeeded) and (piece or _follows(request)):
            keeps = not piece and isinstance(error, ProofNeeded) and await _keep(request, deps)
            return _lead(request, error.page, piece=piece, keeps=keeps)
        if staff and (piece or _reads_pages(request)):
            page = await run_in_threadpool(_staff_page, request, deps, error, status, piece)
            if page is not None:
                return page
        if _reads_pages(request):
            return HTMLResponse(_page(deps.library, error.safe_text), status)
        return JSONResponse({"code": error.code, "error": error.safe_text}, status)

    @app.exception_handler(SpillwayError)
    async def known(request: Request, error: SpillwayError) -> Response:
        return await answer(request, error, error.status)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        response = await answer(request, _Unnamed(str(error.detail)), error.status_code)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        fields = ", ".join(".".join(str(part) for part in found["loc"]) for found in error.errors()[:5])
        wrong = _Invalid(f"These fields are missing or wrong: {fields}.", words="shell.fields", fields=fields)
        return await answer(request, wrong, wrong.status)

    @app.exception_handler(Exception)
    async def unknown(request: Request, error: Exception) -> Response:
        log.error("http.failed", path=request.url.path, error=repr(error))
        failed = SpillwayError("Something went wrong on our side.")
        if "hx-request" in request.headers or not _reads_pages(request):
            return JSONResponse({"code": failed.code, "error": failed.safe_text}, 500)
        return HTMLResponse(_page(deps.library, failed.safe_text), 500)


class _Unnamed(SpillwayError):
    """What the framework says about an address or a method; the page says it in its own words."""

    code = "http"


class _Invalid(SpillwayError):
    """A form whose fields are not what they should be."""

    code = "bad_input"
    status = 422


def _reads_pages(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _follows(request: Request) -> bool:
    """True for a browser, and for its scripts, which fetch parts of a page without saying what they read."""
    return _reads_pages(request) or (request.method == "GET" and "*/*" in request.headers.get("accept", ""))


def _came_from(request: Request) -> str | None:
    """The page of ours that the browser was on, from the address itself when it was being opened, else from what sent it."""
    if request.method == "GET" and "hx-request" not in request.headers:
        return same_site(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
    sent_from = urlsplit(request.headers.get("hx-current-url") or request.headers.get("referer") or "")
    if sent_from.netloc and sent_from.netloc != request.headers.get("host"):
        return None
    return same_site(sent_from.path + (f"?{sent_from.query}" if sent_from.query else ""))


async def _keep(request: Request, deps: ChannelDeps) -> bool:
    """Keeps the form that was sent until its sender has proved who they are, so that they need not type it twice."""
    if request.method != "POST":
        return False
    fields = [*(await request.form()).multi_items()]
    written = tuple((name, value) for name, value in fields if isinstance(value, str))
    if len(written) < len(fields):
        # A file is chosen again on its page.
        return False
    form = Kept(request.url.path + (f"?{request.url.query}" if request.url.query else ""), written)

    def store() -> bool:
        with deps.sessions.begin() as session:
            return keep(session, token=request.cookies.get(COOKIE, ""), form=form, keys=deps.keys)

    return await run_in_threadpool(store)


def _lead(request: Request, page: str, *, piece: bool, keeps: bool) -> Response:
    """Leads to the page that asks who somebody is, and from there back to where they were."""
    back = _came_from(request)
    more = {**({"next": back} if back else {}), **({"kept": "1"} if keeps else {})}
    path = f"{page}?{urlencode(more)}" if more else page
    # A part of a page is fetched by htmx, which would put the sign-in page into the part; the header moves the whole window.
    return Response(status_code=403, headers={"hx-redirect": path}) if piece else RedirectResponse(path, 303)


def _staff_page(request: Request, deps: ChannelDeps, error: SpillwayError, status: int, piece: bool) -> Response | None:
    user: StaffUser | None = None
    try:
        user = person_of(request, deps)
    except SQLAlchemyError as fault:
        log.error("http.person_unknown", path=request.url.path, error=repr(fault))
    if user is None:
        return None
    language = page_language(request, user)
    told, told_language = _told(error, language)
    if piece:
        body = json.dumps({"code": error.code, "error": told}, ensure_ascii=False)
        return Response(body, status, media_type="application/json")
    known = status if has(f"shell.error_{status}") else (500 if status >= 500 else 400)
    return render(
        "staff_error.html",
        request=request,
        deps=deps,
        user=user,
        status=status,
        title=f"shell.error_{known}",
        help=f"shell.help_{known}",
        told="" if isinstance(error, _Unnamed) else told,
        told_language=told_language,
        back=(_came_from(request) if request.method != "GET" else None) or home_for(user.role),
    )


def _told(error: SpillwayError, language: str) -> tuple[str, str]:
    """What the error says, in the language of the page where the catalogue has it, and the language that it is in."""
    if error.words and has(error.words):
        return text(error.words, language, **error.values), language
    return error.safe_text, "en"


def _page(library: LiveLibrary, told: str) -> str:
    static = library.last_good.say("system.static", Situation(language="en", channel="web", now=clock.now()))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>311</title><h1>{html.escape(static.text)}</h1><p>{html.escape(told)}</p></html>"
    )
