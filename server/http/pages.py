"""Pages for staff: Jinja templates, escaped always, with the words of the catalogue and the training banner."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import yaml
from babel.dates import format_datetime, get_timezone
from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse

from console.catalogue import LANGUAGES, has, text
from server import clock
from server.errors import SpillwayError
from server.http.deps import ChannelDeps
from server.http.navigation import home_for, places_for
from server.settings import ROOT
from server.staff.models import StaffUser
from server.staff.tour import STEPS, step_for

STATIC: Final = Path(__file__).parent / "static"
LANGUAGE_NAMES: Final = (("en", "English"), ("es", "Español"))
_TEMPLATES: Final = (
    Path(__file__).parent / "templates",
    ROOT / "server" / "staff" / "templates",
    ROOT / "desk" / "templates",
    *sorted(ROOT.glob("console/*/templates")),
)
"""Where templates are looked for; those of the console stand in a folder named after their area, such as `facts/list.html`."""
_JINJA: Final = Environment(
    loader=FileSystemLoader([str(folder) for folder in _TEMPLATES]), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


_JINJA.filters["readable"] = lambda value: yaml.safe_dump(value, allow_unicode=True, sort_keys=False, default_flow_style=False)
"""A stored document as people read it."""


def page_language(request: Request, user: StaffUser | None = None) -> str:
    """The language of a page: chosen in the address, else the person's, else the browser's."""
    wanted = request.query_params.get("lang") or (user.language if user else None)
    if wanted in LANGUAGES:
        return str(wanted)
    accepted = request.headers.get("accept-language", "").lower()
    return "es" if accepted.startswith("es") else "en"


def render(
    name: str, *, request: Request, deps: ChannelDeps, user: StaffUser | None = None, status: int = 200, **values: Any
) -> HTMLResponse:
    """One page or a piece of one."""
    html = fragment(
        name,
        deps=deps,
        language=page_language(request, user),
        user=user,
        path=request.url.path,
        query_without_lang=_query_without_lang(request),
        languages=LANGUAGE_NAMES,
        home=home_for(user.role) if user else "/desk/",
        notice=_notice(request, page_language(request, user)),
        places=places_for(user.role, request.url.path) if user else (),
        tour=step_for(user, request.url.path) if user and request.method == "GET" else None,
        tour_steps=STEPS,
        **values,
    )
    return HTMLResponse(html, status, headers={"cache-control": "no-store"})


def fragment(name: str, *, deps: ChannelDeps, language: str, **values: Any) -> str:
    """A piece of a page that depends on no request, for what is sent to pages that are open."""
    city = deps.library.last_good.city
    return _JINJA.get_template(name).render(
        t=partial(_words, language),
        language=language,
        training=not deps.settings.live,
        city=city.get("city", "311"),
        when=partial(_when, language, str(city.get("time_zone") or "UTC")),
        waited=_waited,
        **values,
    )


def told(error: SpillwayError, language: str) -> str:
    """What an error says, in the language of the page where the catalogue has it."""
    return text(error.words, language, **error.values) if error.words and has(error.words) else error.safe_text


def go(path: str, *, notice: str | None = None) -> RedirectResponse:
    """Leads the browser to a page after a change was made. `notice` is the catalogue key of what the page then says at its top,
    such as `facts.notice_saved`: an area, and a name that begins with `notice_`."""
    if notice is None:
        return RedirectResponse(path, 303)
    area, _, name = notice.partition(".notice_")
    return RedirectResponse(f"{path}{'&' if '?' in path else '?'}{urlencode({'notice': f'{area}.{name}'})}", 303)


def _notice(request: Request, language: str) -> str | None:
    """The words of a notice in the address. Only keys of the catalogue count, so that nobody's link can put words on the page."""
    area, _, name = request.query_params.get("notice", "").partition(".")
    key = f"{area}.notice_{name}"
    return text(key, language) if has(key) else None


def _query_without_lang(request: Request) -> str:
    kept = [(key, value) for key, value in request.query_params.multi_items() if key not in ("lang", "notice", "piece")]
    return urlencode(kept) + "&" if kept else ""


def _words(language: str, key: str, **values: str | int) -> str:
    return text(key, language, **values)


def _when(language: str, zone: str, at: datetime) -> str:
    return format_datetime(at, "short", tzinfo=get_timezone(zone), locale=language)


def _waited(since: datetime) -> str:
    minutes, seconds = divmod(int((clock.now() - since).total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
