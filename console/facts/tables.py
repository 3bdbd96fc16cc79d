"""Facts out to a spreadsheet and back: what would change is shown first, every bad cell with its line, and nothing is written
before somebody confirms exactly that."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, File, Form, Request, UploadFile
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from console.catalogue import text
from console.facts.cards import ORDER, state_words
from console.facts.city import zone_of_city
from knowledge.fact_reader import MAX_BYTES
from knowledge.fact_tables import TableImport, export_table, read_table, write_table
from knowledge.facts import STATUSES, status_of
from knowledge.models import FactRow
from server import clock
from server.database.engine import reading
from server.errors import BadInput, SpillwayError, TooLarge
from server.http.deps import ChannelDeps
from server.http.pages import page_language, render
from server.staff.access import staff_user
from server.staff.models import StaffUser
from server.staff.permissions import PERMISSIONS

_CHANGE: Final = "facts.change"


@dataclass(frozen=True)
class DryRun:
    """What a table would change, and the mark of exactly that."""

    table: TableImport
    foreign: tuple[str, ...]
    """The keys of rows that belong to an office this person does not work for."""
    mark: str

    @property
    def changed(self) -> int:
        """How many rows would be written."""
        return self.table.count("new") + self.table.count("changed")

    @property
    def good(self) -> bool:
        """True when it may be confirmed."""
        return not self.table.errors and not self.foreign


def add_table_routes(routes: APIRouter, deps: ChannelDeps) -> None:
    """Adds the pages of spreadsheets to the pages of facts."""

    @routes.get("/table")
    def table(request: Request, type: str = "shelter") -> Response:
        user = staff_user(request, deps, "console.see")
        return _page(deps, request, user, type_=type)

    @routes.get("/table.csv")
    def out(request: Request, type: str) -> Response:
        staff_user(request, deps, "console.see")
        with reading(deps.sessions) as session:
            content = export_table(session, type=type, zone=zone_of_city(deps))
        headers = {"content-disposition": f'attachment; filename="{type}.csv"', "cache-control": "no-store"}
        # The mark of UTF-8 at the start keeps accents whole in a spreadsheet; the import takes it off again.
        return Response("\ufeff" + content, media_type="text/csv; charset=utf-8", headers=headers)

    @routes.post("/table")
    def dry_run(request: Request, type: Annotated[str, Form()], file: Annotated[UploadFile, File()]) -> Response:
        user = staff_user(request, deps, _CHANGE)
        content = file.file.read(MAX_BYTES + 1)
        return _show(deps, request, user, type_=type, content=content, name=_clean(file.filename))

    @routes.get("/table/write")
    def refused(request: Request) -> Response:
        """Where the language links of a page that refused a confirmation lead."""
        user = staff_user(request, deps, "console.see")
        return RedirectResponse(f"/console/facts/table?lang={page_language(request, user)}", 303)

    @routes.post("/table/write")
    def write(
        request: Request,
        type: Annotated[str, Form()],
        content: Annotated[str, Form()],
        mark: Annotated[str, Form()],
        name: Annotated[str, Form()] = "",
    ) -> Response:
        user = staff_user(request, deps, _CHANGE)
        raw = _decoded(content)
        with deps.sessions.begin() as session:
            run = _read(session, deps, user, type_=type, content=raw)
            same = run.mark == mark and run.good
            if same:
                write_table(session, table=run.table, actor=user.name, file=_clean(name))
        if not same:
            return _show(deps, request, user, type_=type, content=raw, name=_clean(name), problem="facts.table_changed", status=409)
        language = page_language(request, user)
        return RedirectResponse(f"/console/facts/?type={type}&lang={language}", 303)


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput("The table did not arrive whole. Choose the file again.", words="facts.table_torn") from error


def _clean(name: str | None) -> str:
    return "".join(c for c in (name or "table.csv") if c.isprintable())[:80]


def _read(session: Session, deps: ChannelDeps, user: StaffUser, *, type_: str, content: bytes) -> DryRun:
    owners = deps.library.last_good.owners
    table = read_table(session, type=type_, content=content, zone=zone_of_city(deps), now=clock.now(), owners=owners)
    held = {row.key: row for row in session.query(FactRow).filter(FactRow.type == type_)}
    foreign = []
    for row in table.rows:
        standing = held.get(row.key)
        concerned = {row.owner, standing.owner if standing else row.owner}
        if row.change != "same" and user.owners and not concerned <= set(user.owners):
            foreign.append(row.key)
    seen = [(row.change, row.key, row.position, str(held[row.key].updated_at) if row.key in held else "") for row in table.rows]
    return DryRun(table, tuple(foreign), hashlib.sha256(repr((type_, content, seen)).encode()).hexdigest())


def _show(
    deps: ChannelDeps,
    request: Request,
    user: StaffUser,
    *,
    type_: str,
    content: bytes,
    name: str,
    problem: str = "",
    status: int = 200,
) -> Response:
    try:
        with reading(deps.sessions) as session:
            run = _read(session, deps, user, type_=type_, content=content)
    except (BadInput, TooLarge) as error:
        return _page(deps, request, user, type_=type_, broken=error, name=name, status=error.status)
    bad = 200 if run.good else 400
    encoded = base64.b64encode(content).decode() if run.good else ""
    return _page(deps, request, user, type_=type_, run=run, content=encoded, name=name, problem=problem, status=max(status, bad))


def _told(error: SpillwayError, language: str) -> str:
    """What is wrong with a file, in the language of the page."""
    return text(error.words, language, **error.values) if error.words else error.safe_text


def _page(
    deps: ChannelDeps,
    request: Request,
    user: StaffUser,
    *,
    type_: str,
    run: DryRun | None = None,
    content: str = "",
    name: str = "",
    broken: SpillwayError | None = None,
    problem: str = "",
    status: int = 200,
) -> Response:
    return render(
        "facts/table.html",
        request=request,
        deps=deps,
        user=user,
        status=status,
        type=type_ if type_ in ORDER else ORDER[0],
        types=ORDER,
        run=run,
        content=content,
        file=name,
        broken=_told(broken, page_language(request, user)) if broken else "",
        problem=problem,
        may_add=user.role in PERMISSIONS[_CHANGE],
        has_states=type_ in STATUSES,
        status_of=status_of,
        state_words=state_words,
    )
