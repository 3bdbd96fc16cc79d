"""What staff do with a version: submit, return, approve, publish, override, review, withdraw, correct, roll back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from console.messages import sight
from console.messages.forms import Refused, field, field_value, posted, reason_in, window_in, zone_of
from console.messages.previews import checked
from knowledge import editing
from knowledge.lifecycle import State, review_override, transition
from knowledge.models import MessageVersion
from knowledge.topics import LANGUAGES
from server import clock
from server.database.engine import reading
from server.errors import Conflict, Forbidden, NotFound, SpillwayError
from server.http.deps import ChannelDeps
from server.http.pages import page_language, render
from server.staff.access import ProofNeeded, SignInNeeded, staff_user
from server.staff.models import StaffUser

HERE: Final = "/console/messages"


@dataclass(frozen=True)
class Doing:
    """One act in progress."""

    deps: ChannelDeps
    session: Session
    version: MessageVersion
    message: sight.Message
    user: StaffUser
    form: FormData

    def to(self, state: State, **more: object) -> str:
        """Moves the version, and leads back to it."""
        transition(self.session, version_id=self.version.id, to=state, actor=self.user.name, **more)  # type: ignore[arg-type]
        return f"{HERE}/v/{self.version.id}"


def _submit(doing: Doing) -> str:
    _seen(doing)
    _mended(doing)
    return doing.to(State.IN_REVIEW)


def _return(doing: Doing) -> str:
    return doing.to(State.RETURNED, reason=reason_in(doing.form))


def _approve(doing: Doing) -> str:
    _different(doing)
    return doing.to(State.APPROVED, single_person_allowed=doing.message.alone)


def _publish(doing: Doing) -> str:
    _seen(doing)
    _mended(doing)
    if doing.version.state != State.APPROVED.value:
        _different(doing)
    begins, ends = window_in(doing.form, zone=zone_of(doing.deps.library.last_good), now=clock.now())
    editing.publish(
        doing.session,
        version_id=doing.version.id,
        actor=doing.user.name,
        single_person_allowed=doing.message.alone,
        valid_from=begins,
        expires_at=ends,
    )
    return f"{HERE}/v/{doing.version.id}/live"


def _override(doing: Doing) -> str:
    _seen(doing)
    reason = reason_in(doing.form)
    library, now = doing.deps.library.get(doing.session), clock.now()
    check = checked(
        library,
        texts=doing.version.texts,
        message_id=doing.version.message_id,
        language="en",
        now=now,
        meant=sight.meant_for(doing.version),
    )
    if any(one.unfilled or not one.text for one in check.of("en")):
        # A text that cannot be filled would be published and never said.
        raise Refused("cannot_be_said")
    _, ends = window_in(doing.form, zone=zone_of(library), now=now)
    doing.to(State.PUBLISHED, reason=reason, urgent=True, expires_at=ends)
    return f"{HERE}/v/{doing.version.id}/live"


def _reviewed(doing: Doing) -> str:
    if doing.user.name in (doing.version.author, doing.version.approver, *doing.version.writers):
        raise Refused("other_person", status=403)
    review_override(doing.session, version_id=doing.version.id, reviewer=doing.user.name)
    return f"{HERE}/v/{doing.version.id}"


def _withdraw(doing: Doing) -> str:
    doing.to(State.WITHDRAWN, reason=reason_in(doing.form))
    back = field(doing.form, "back", 20)
    return "/console/" if back == "home" else f"{HERE}/m/{doing.version.message_id}"


def _correct(doing: Doing) -> str:
    draft = doing.message.stand.draft
    if draft is not None and not field(doing.form, "anew"):
        # What is being written already is gone on with, not written twice.
        return f"{HERE}/v/{draft.id}/edit"
    made = editing.begin_from(doing.session, version_id=doing.version.id, actor=doing.user.name)
    return f"{HERE}/v/{made.id}/edit"


def _roll_back(doing: Doing) -> str:
    made = editing.roll_back(
        doing.session,
        message_id=doing.version.message_id,
        version_id=doing.version.id,
        actor=doing.user.name,
        single_person_allowed=doing.message.alone,
    )
    return f"{HERE}/v/{made.id}" + ("/live" if made.state == State.PUBLISHED.value else "")


ACTS: Final[Mapping[str, tuple[str, bool, Callable[[Doing], str]]]] = {
    "submit": ("messages.draft", False, _submit),
    "correct": ("messages.draft", False, _correct),
    "return": ("messages.approve", False, _return),
    "approve": ("messages.approve", True, _approve),
    "publish": ("messages.publish", True, _publish),
    "override": ("messages.override", True, _override),
    "reviewed": ("messages.approve", True, _reviewed),
    "withdraw": ("messages.withdraw", False, _withdraw),
    "roll-back": ("messages.publish", True, _roll_back),
}
"""Each act with the permission it takes, whether it takes a fresh proof of who one is, and what it does."""


def add(routes: APIRouter, deps: ChannelDeps) -> None:
    """Adds the route of all acts."""

    @routes.post("/v/{version_id}/{act}")
    def do(request: Request, version_id: int, act: str, form: Annotated[FormData, Depends(posted)]) -> Response:
        if act not in ACTS:
            raise NotFound("There is no such page.")
        permission, fresh, doing = ACTS[act]
        user = staff_user(request, deps, permission, fresh=fresh)
        try:
            with deps.sessions.begin() as session:
                version = sight.version_of(session, version_id=version_id)
                sight.must_own(user, version.owner)
                training = not deps.settings.live
                message = sight.message_of(session, message_id=version.message_id, training=training, now=clock.now())
                target = doing(Doing(deps, session, version, message, user, form))
        except (SignInNeeded, ProofNeeded, NotFound):
            raise
        except SpillwayError as error:
            with reading(deps.sessions) as session:
                return version_view(
                    deps,
                    session,
                    request=request,
                    user=user,
                    version_id=version_id,
                    problem="messages.changed_look" if isinstance(error, editing.ChangedMeanwhile) else words_of(error),
                    values=values_of(error),
                    status=error.status,
                    reason=field(form, "reason", 500),
                )
        return lead(request, target)


def lead(request: Request, path: str) -> RedirectResponse:
    """Leads on, in the language that the page was read in."""
    chosen = request.query_params.get("lang")
    return RedirectResponse(f"{path}?lang={chosen}" if chosen in LANGUAGES else path, 303)


def _seen(doing: Doing) -> None:
    """What is submitted or published is what the person saw: a draft that was saved since by somebody else is looked at first."""
    edits = field(doing.form, "edits", 12)
    if doing.version.state == State.DRAFT.value and edits != str(doing.version.edits):
        raise editing.ChangedMeanwhile(doing.version.writers[-1] if doing.version.writers else doing.version.author)


def _mended(doing: Doing) -> None:
    if doing.version.state != State.DRAFT.value:
        return
    library = doing.deps.library.get(doing.session)
    version = doing.version
    meant, now = sight.meant_for(version), clock.now()
    errors = checked(library, texts=version.texts, message_id=version.message_id, language="en", now=now, meant=meant).errors
    if errors:
        raise Refused("has_errors", count=errors)


def _different(doing: Doing) -> None:
    if not sight.may_approve(doing.user, doing.version, alone=doing.message.alone):
        raise Refused("other_person", status=403)


def words_of(error: SpillwayError) -> str:
    """The key of the catalogue for an error of an act."""
    if isinstance(error, Refused):
        return error.words or "messages.problem_input"
    if isinstance(error, editing.ChangedMeanwhile):
        return "messages.changed_meanwhile"
    if isinstance(error, Conflict):
        return "messages.moved_on"
    return "messages.not_allowed" if isinstance(error, Forbidden) else "messages.problem_input"


def values_of(error: SpillwayError | None) -> Mapping[str, str | int]:
    """What fills the braces of an error's words."""
    if isinstance(error, Refused):
        return error.values
    return {"by": error.by} if isinstance(error, editing.ChangedMeanwhile) else {}


def version_view(
    deps: ChannelDeps,
    session: Session,
    *,
    request: Request,
    user: StaffUser,
    version_id: int,
    problem: str | None = None,
    values: Mapping[str, str | int] | None = None,
    status: int = 200,
    reason: str = "",
) -> Response:
    """One version: its words against the live ones, how residents would get them, and what may be done now."""
    library, now = deps.library.get(session), clock.now()
    version = sight.version_of(session, version_id=version_id)
    shown = sight.common(deps, session, version=version, user=user, now=now)
    reader = page_language(request, user)
    zone = zone_of(library)
    return render(
        "messages/version.html",
        request=request,
        deps=deps,
        user=user,
        status=status,
        problem=problem,
        values=values or {},
        reason=reason,
        title=sight.title_of(library, version.message_id, version.intent, reader),
        check=checked(
            library, texts=version.texts, message_id=version.message_id, language=reader, now=now, meant=sight.meant_for(version)
        ),
        begins=field_value(version.valid_from, zone),
        ends=field_value(sight.default_end(version, shown["message"], now), zone),
        own_first=tuple(dict.fromkeys((reader, *LANGUAGES))),
        **shown,
    )


def message_view(deps: ChannelDeps, session: Session, *, request: Request, user: StaffUser, message_id: str) -> Response:
    """One message: what is live, large, with what can be done about it at once; what waits; every version."""
    library, now = deps.library.get(session), clock.now()
    message = sight.message_of(session, message_id=message_id, training=not deps.settings.live, now=now)
    live = message.stand.live
    said = live or message.stand.newest
    reader = page_language(request, user)
    return render(
        "messages/message.html",
        request=request,
        deps=deps,
        user=user,
        message=message,
        live=live,
        title=sight.title_of(library, message_id, message.intent, reader),
        check=checked(library, texts=said.texts, message_id=message_id, language=reader, now=now, meant=sight.meant_for(said)),
        quoted=sight.facts_quoted(said.texts),
        rights=sight.rights_of(user, said.owner),
        own_first=tuple(dict.fromkeys((reader, *LANGUAGES))),
        said_first=sight.said_first(library, live, library.phase) if live else None,
        phase=library.phase,
        owner=str((library.owners.get(said.owner) or {}).get(reader, said.owner)),
        now=now,
    )
