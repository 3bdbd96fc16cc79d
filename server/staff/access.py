"""Who may open which staff page."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from sqlalchemy.orm import Session

from console.catalogue import LANGUAGES
from server.errors import Forbidden
from server.http.deps import ChannelDeps
from server.staff.models import StaffUser
from server.staff.permissions import PERMISSIONS
from server.staff.second_factor import NEEDED_BY
from server.staff.service import proved_lately, vouched, who_is

COOKIE: Final = "spillway_staff"


class SignInNeeded(Forbidden):
    """The page needs a person who signed in; a browser is led to `page`."""

    code = "sign_in"
    page = "/sign-in"


class OwnPasswordNeeded(SignInNeeded):
    """The person signed in with a printed password and has to choose their own first."""

    page = "/password"


class SecondFactorNeeded(SignInNeeded):
    """The role may not act in live mode without a second factor; a browser is led to the page that sets one."""

    page = "/account/second-factor"


class ProofNeeded(SignInNeeded):
    """The act takes a fresh proof of who one is; a browser is led to the page that asks for it."""

    code = "proof"
    page = "/confirm"


def person_of(request: Request, deps: ChannelDeps) -> StaffUser | None:
    """Who is signed in, or nothing. The language in the address becomes the person's."""
    with deps.sessions.begin() as session:
        return _person(session, request)


def staff_user(request: Request, deps: ChannelDeps, permission: str, *, fresh: bool = False) -> StaffUser:
    """The signed-in person, allowed to do `permission`; with `fresh`, one who proved who they are a short while ago.

    Raises `SignInNeeded`, `ProofNeeded` or `Forbidden`."""
    token = request.cookies.get(COOKIE)
    with deps.sessions.begin() as session:
        user = _person(session, request)
        proved = not fresh or proved_lately(session, token=token)
        elsewhere = vouched(session, token=token)
    if user is None:
        raise SignInNeeded("Sign in first.")
    if user.one_time:
        raise OwnPasswordNeeded("Choose a password of your own first.")
    if deps.settings.live and user.role in NEEDED_BY and user.totp_secret is None and not elsewhere:
        raise SecondFactorNeeded("Set up a second factor first.")
    if user.role not in PERMISSIONS[permission]:
        raise Forbidden("Your role may not do this; ask a supervisor.", words="shell.role_403")
    if not proved:
        raise ProofNeeded("Confirm who you are first.")
    return user


def check_owner(user: StaffUser, owner: str) -> None:
    """Raises `Forbidden` when a person whose account is limited to some owners changes what belongs to another."""
    if user.owners and owner not in user.owners:
        raise Forbidden("This belongs to another office; ask its owner or a supervisor.", words="shell.owner_403")


def _person(session: Session, request: Request) -> StaffUser | None:
    user = who_is(session, token=request.cookies.get(COOKIE))
    wanted = request.query_params.get("lang")
    if user is not None and wanted in LANGUAGES and user.language != wanted:
        user.language = str(wanted)
    return user
