"""What a browser is given when its person has signed in, whichever way."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from server.http.deps import ChannelDeps
from server.http.navigation import home_for
from server.http.peers import client_address
from server.staff.access import COOKIE
from server.staff.browsers import note_browser
from server.staff.models import StaffSession
from server.staff.service import session_hash, who_is
from server.staff.visitors import Visitor


def visitor_of(request: Request, deps: ChannelDeps) -> Visitor:
    """Who stands at the sign-in."""
    return Visitor(client_address(request, deps.settings), request.cookies, deps.keys)


def secure(deps: ChannelDeps) -> bool:
    """True when cookies travel over https alone."""
    return deps.settings.public_url.startswith("https://")


def carry(response: Response, token: str, deps: ChannelDeps) -> Response:
    """Gives the browser the cookie of a session."""
    lasts = deps.settings.session_hours * 3600
    response.set_cookie(COOKIE, token, httponly=True, secure=secure(deps), samesite="strict", max_age=lasts)
    return response


def enter(token: str, *, back: str | None, visitor: Visitor, deps: ChannelDeps) -> Response:
    """Leads a person who has signed in to where they were going, and makes their browser a known one."""
    with deps.sessions.begin() as session:
        user = who_is(session, token=token)
        if user is None:
            return carry(RedirectResponse("/password", 303), token, deps)
        response = RedirectResponse("/password" if user.one_time else back or home_for(user.role), 303)
        row = session.get_one(StaffSession, session_hash(token))
        browser = visitor.remember(response, name=user.name, secure=secure(deps))
        row.browser_hash = note_browser(session, user=user, browser=browser, device=row.device)
    return carry(response, token, deps)


def device_of(request: Request) -> str:
    """What kind of browser it is, in a few words: enough to know one's own."""
    agent = request.headers.get("user-agent", "")
    system = next((name for name in ("iPhone", "iPad", "Android", "Windows", "Mac", "Linux") if name in agent), "")
    browser = next((name for name in ("Edg", "Firefox", "Chrome", "Safari") if name in agent), "")
    return " · ".join(part for part in ({"Edg": "Edge"}.get(browser, browser), system) if part)
