"""Writing: changing a draft without overwriting anybody, beginning a correction, and the acts that take several steps at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge.lifecycle import STANDING, State, Wording, check, draft, locked, transition
from knowledge.models import MessageVersion
from knowledge.topics import Texts
from server import clock
from server.audit.service import record
from server.errors import BadInput, Conflict, Forbidden, NotFound

MAX_TEXT: Final = 4000
"""Longer than any text that can be said; what is longer was not meant to be one."""
OPEN: Final = (State.DRAFT.value, State.IN_REVIEW.value, State.APPROVED.value)
_EDITING_NOTED: Final = "message.edited"


class ChangedMeanwhile(Conflict):
    """Somebody else saved the draft after it was read; nothing was overwritten. `by` is who."""

    def __init__(self, by: str) -> None:
        super().__init__(f"{by} changed this draft meanwhile. Nothing was overwritten.")
        self.by = by


@dataclass(frozen=True)
class Edit:
    """What a page sends to be kept: the words and what goes with them, and the state of the draft that it was read from."""

    texts: Texts
    owner: str
    source: str
    phases: tuple[str, ...]
    valid_from: datetime | None
    expires_at: datetime | None
    edits: int
    page: str | None = None
    """A name that the open page made for itself."""
    zones: tuple[str, ...] | None = None
    """The zones it is for, none meaning everybody; nothing leaves them as they are."""


def edit(session: Session, *, version_id: int, change: Edit, actor: str) -> MessageVersion:
    """Keeps a draft. Raises `ChangedMeanwhile` when another page saved after this one read, and `Conflict` once the version was
    submitted: its words never change again."""
    version = session.get(MessageVersion, version_id, with_for_update=True)
    if version is None:
        raise NotFound("There is no such version.")
    if version.state != State.DRAFT.value:
        raise Conflict("This version was submitted; its words do not change any more. Make a new draft.")
    own = change.page is not None and version.edited_in == change.page
    if version.edits != change.edits and not own:
        raise ChangedMeanwhile(version.writers[-1] if version.writers else version.author)
    texts = cleaned(change.texts)
    zones = tuple(version.zones) if change.zones is None else change.zones
    if zones and version.intent is None:
        raise BadInput("Only an answer to a topic can be for some zones.")
    check(Wording(version.message_id, texts, change.owner, change.source, version.intent, change.phases, zones=zones))
    if actor not in version.writers:
        # One line for each person who joins: the words themselves are fingerprinted when they are submitted.
        record(session, actor=actor, action=_EDITING_NOTED, subject=version.reference)
    version.texts, version.owner, version.source = texts, change.owner.strip(), change.source.strip()
    version.phases, version.zones = list(change.phases), list(zones)
    version.valid_from, version.expires_at = change.valid_from, change.expires_at
    version.writers = [*(name for name in version.writers if name != actor), actor]
    version.edits, version.edited_in, version.edited_at = version.edits + 1, change.page, clock.now()
    return version


def cleaned(texts: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Texts with line ends made one kind and empty ones left out. Raises `BadInput` for one that is too long."""
    kept: dict[str, dict[str, str]] = {}
    for language, channels in texts.items():
        for channel, text in channels.items():
            plain = text.replace("\r\n", "\n").replace("\x00", "").strip()
            if len(plain) > MAX_TEXT:
                raise BadInput(f"A text has at most {MAX_TEXT} characters.")
            if plain:
                kept.setdefault(language, {})[channel] = plain
    return kept


def begin_from(session: Session, *, version_id: int, actor: str) -> MessageVersion:
    """A new draft with the words of another version, to be corrected."""
    base = session.get(MessageVersion, version_id)
    if base is None:
        raise NotFound("There is no such version.")
    made = draft(session, wording=wording_of(base), author=actor)
    now = clock.now()
    if base.expires_at is not None and base.expires_at > now:
        made.expires_at = base.expires_at
    return made


def wording_of(version: MessageVersion) -> Wording:
    """The wording of a stored version."""
    return Wording(
        version.message_id,
        version.texts,
        version.owner,
        version.source,
        version.intent,
        tuple(version.phases),
        version.position,
        tuple(version.zones),
    )


def publish(
    session: Session,
    *,
    version_id: int,
    actor: str,
    single_person_allowed: bool,
    valid_from: datetime | None = None,
    expires_at: datetime | None = None,
) -> MessageVersion:
    """Takes a version all the way to published, each step by the rules: what is not approved yet is approved by the actor, who must
    be somebody else than who wrote it unless a single person is allowed."""
    version = locked(session, version_id=version_id)
    if version.state == State.DRAFT.value:
        if not single_person_allowed:
            raise Forbidden("A different person must approve these words. Submit them.")
        transition(session, version_id=version_id, to=State.IN_REVIEW, actor=actor)
    if version.state == State.IN_REVIEW.value:
        transition(session, version_id=version_id, to=State.APPROVED, actor=actor, single_person_allowed=single_person_allowed)
    return transition(session, version_id=version_id, to=State.PUBLISHED, actor=actor, valid_from=valid_from, expires_at=expires_at)


def earlier(session: Session, *, message_id: str) -> MessageVersion | None:
    """What was said before what is said now: the newest version that was published, began, and gave way to another or ran out.
    One that was withdrawn was wrong, and does not come back this way."""
    now = clock.now()
    return session.scalar(
        select(MessageVersion)
        .where(
            MessageVersion.message_id == message_id,
            MessageVersion.state == State.EXPIRED.value,
            MessageVersion.valid_from <= now,
            MessageVersion.valid_from <= MessageVersion.ended_at,
        )
        .order_by(MessageVersion.version.desc())
        .limit(1)
    )


def roll_back(
    session: Session,
    *,
    message_id: str,
    version_id: int,
    actor: str,
    single_person_allowed: bool,
    expires_at: datetime | None = None,
) -> MessageVersion:
    """Says the earlier words again, as a new version: at once where one person may publish, else as a version in review.

    `version_id` is the version that the person saw as the earlier one; raises `Conflict` when it is another by now."""
    base = earlier(session, message_id=message_id)
    if base is None or base.id != version_id:
        raise Conflict("The versions of this message have changed meanwhile. Look again.")
    made = draft(session, wording=wording_of(base), author=actor)
    record(session, actor=actor, action="message.rolled_back", subject=made.reference, detail={"to": base.reference})
    ahead = base.expires_at if base.expires_at is not None and base.expires_at > clock.now() else None
    made.expires_at = expires_at or ahead or clock.now() + STANDING
    if not single_person_allowed:
        return transition(session, version_id=made.id, to=State.IN_REVIEW, actor=actor)
    return publish(session, version_id=made.id, actor=actor, single_person_allowed=True, expires_at=made.expires_at)
