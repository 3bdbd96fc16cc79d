"""One shape for every error that leaves over HTTP: JSON for programs, a page with the 911 line for people."""

from __future__ import annotations

import html

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response

from knowledge.library import LiveLibrary, Situation
from server import clock
from server.errors import SpillwayError

log = structlog.get_logger()


def install_error_handlers(app: FastAPI, library: LiveLibrary) -> None:
    """Every surface answers errors through these."""

    def answer(request: Request, status: int, code: str, text: str) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(_page(library, text), status)
        return JSONResponse({"code": code, "error": text}, status)

    @app.exception_handler(SpillwayError)
    async def known(request: Request, error: SpillwayError) -> Response:
        return answer(request, error.status, error.code, error.safe_text)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        response = answer(request, error.status_code, "http", str(error.detail))
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        fields = ", ".join(".".join(str(part) for part in found["loc"]) for found in error.errors()[:5])
        return answer(request, 422, "bad_input", f"These fields are missing or wrong: {fields}.")

    @app.exception_handler(Exception)
    async def unknown(request: Request, error: Exception) -> Response:
        log.error("http.failed", path=request.url.path, error=repr(error))
        return answer(request, 500, "error", "Something went wrong on our side.")


def _page(library: LiveLibrary, text: str) -> str:
    static = library.last_good.say("system.static", Situation(language="en", channel="web", now=clock.now()))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>311</title><h1>{html.escape(static.text)}</h1><p>{html.escape(text)}</p></html>"
    )
