"""Who may open which staff page."""

from __future__ import annotations

from typing import Final

from fastapi import Request

from server.errors import Forbidden
from server.http.deps import ChannelDeps
from server.staff.models import StaffUser
from server.staff.permissions import PERMISSIONS
from server.staff.service import who_is

COOKIE: Final = "spillway_staff"


class SignInNeeded(Forbidden):
    """The page needs a person who signed in; a browser is led to the sign-in page."""

    code = "sign_in"


def staff_user(request: Request, deps: ChannelDeps, permission: str) -> StaffUser:
    """The signed-in person, allowed to do `permission`. Raises `SignInNeeded` or `Forbidden`."""
    with deps.sessions.begin() as session:
        user = who_is(session, token=request.cookies.get(COOKIE))
    if user is None or user.one_time:
        raise SignInNeeded("Sign in first.")
    if user.role not in PERMISSIONS[permission]:
        raise Forbidden("Your role may not do this; ask a supervisor.")
    return user
