"""The life of a message version: who may move it where, and the one function that does it and leaves a trace."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from knowledge.changes import bump_revision
from knowledge.models import MessageVersion
from knowledge.topics import FALLBACK_LANGUAGE, PHASES, Texts
from server import clock
from server.audit.service import record
from server.errors import BadInput, Conflict, Forbidden, NotFound


class State(StrEnum):
    """Where a version stands."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    RETURNED = "returned"
    APPROVED = "approved"
    PUBLISHED = "published"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    State.DRAFT: frozenset({State.IN_REVIEW, State.WITHDRAWN, State.PUBLISHED}),
    State.IN_REVIEW: frozenset({State.APPROVED, State.RETURNED, State.WITHDRAWN, State.PUBLISHED}),
    State.RETURNED: frozenset(),
    State.APPROVED: frozenset({State.PUBLISHED, State.RETURNED, State.WITHDRAWN}),
    State.PUBLISHED: frozenset({State.EXPIRED, State.WITHDRAWN}),
    State.EXPIRED: frozenset(),
    State.WITHDRAWN: frozenset(),
}
"""The moves there are. Returned, expired and withdrawn are ends: what comes after is the next version. From draft or review
straight to published is the urgent override of a supervisor."""

NEEDS_REASON: Final = frozenset({State.RETURNED, State.WITHDRAWN})
STANDING: Final = timedelta(days=365)
"""How long a text that quotes no passing fact may stand before somebody must look at it again."""
REVIEW_WITHIN: Final = timedelta(hours=4)
"""How soon somebody else must look at a text published by override."""


@dataclass(frozen=True)
class Wording:
    """What a new version says."""

    message_id: str
    texts: Texts
    owner: str
    source: str
    intent: str | None = None
    phases: tuple[str, ...] = ()
    position: int = 0
    zones: tuple[str, ...] = ()


def draft(session: Session, *, wording: Wording, author: str) -> MessageVersion:
    """The next version of a message, as a draft."""
    check(wording)
    version = _new(wording, number=_next(session, wording.message_id), author=author, state=State.DRAFT)
    session.add(version)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict("Somebody else has just begun a new version of this message.") from error
    record(session, actor=author, action="message.draft", subject=version.reference)
    return version


def transition(
    session: Session,
    *,
    version_id: int,
    to: State,
    actor: str,
    reason: str | None = None,
    valid_from: datetime | None = None,
    expires_at: datetime | None = None,
    urgent: bool = False,
    single_person_allowed: bool = False,
) -> MessageVersion:
    """Moves a version to another state and audits it. The caller has checked that the actor's role allows the move.

    Raises `Conflict` for a move that there is not, `Forbidden` when the author approves their own words (a single person may in
    training mode), `BadInput` for a missing reason or an expiry that is missing or over."""
    version = locked(session, version_id=version_id)
    start, now = State(version.state), clock.now()
    if to not in TRANSITIONS[start]:
        raise Conflict(f"A version that is {start.replace('_', ' ')} cannot become {to.replace('_', ' ')}.")
    overridden = to is State.PUBLISHED and start is not State.APPROVED
    if overridden and not urgent:
        raise Conflict("This version is not approved. Have it approved, or publish it by urgent override.")
    if (to in NEEDS_REASON or overridden) and not (reason or "").strip():
        raise BadInput("Say why, in a few words.")
    if to is State.APPROVED and actor in (version.author, *version.writers) and not single_person_allowed:
        raise Forbidden("A different person must approve these words.")
    if to in (State.IN_REVIEW, State.APPROVED, State.PUBLISHED):
        check_zones(version.texts, version.zones)
    if to is State.PUBLISHED:
        _check_newest(session, version)
        _open_window(version, now=now, valid_from=valid_from, expires_at=expires_at)
    if to is State.APPROVED or overridden:
        version.approver, version.approved_at = actor, now
    version.urgent = version.urgent or overridden
    version.reason = reason or version.reason
    version.state = to.value
    if start is State.PUBLISHED:
        version.ended_at = now
    begun = version.valid_from is not None and version.valid_from <= now
    if begun and State.PUBLISHED in (start, to):
        _end_older(session, version, now)
    record(
        session,
        actor=actor,
        action=f"message.{to.value}",
        subject=version.reference,
        detail={"from": start.value, "reason": reason, "urgent": overridden, "words": fingerprint(version.texts)},
    )
    if State.PUBLISHED in (start, to):
        bump_revision(session)
    return version


def locked(session: Session, *, version_id: int) -> MessageVersion:
    """One version, with all versions of its message held until the transaction ends: two that are published at the same moment must
    see each other, or the older one would come back when the newer one ends. Raises `NotFound`."""
    version = session.get(MessageVersion, version_id)
    if version is None:
        raise NotFound("There is no such version.")
    ours = select(MessageVersion.id).where(MessageVersion.message_id == version.message_id)
    session.execute(ours.order_by(MessageVersion.id).with_for_update())
    session.refresh(version)
    return version


def _check_newest(session: Session, version: MessageVersion) -> None:
    # Only the newest version that has begun is said: an older one would be published and never heard.
    newer = session.scalar(
        select(func.max(MessageVersion.version)).where(
            MessageVersion.message_id == version.message_id,
            MessageVersion.version > version.version,
            MessageVersion.state == State.PUBLISHED.value,
        )
    )
    if newer is not None:
        raise Conflict(f"Version {newer} is published already and is newer. Make a new draft of these words to say them again.")


def fingerprint(texts: Texts) -> str:
    """SHA-256 of the words, kept with each act in the audit, so that the record proves which words it was about."""
    plain = {language: dict(channels) for language, channels in texts.items()}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _open_window(version: MessageVersion, *, now: datetime, valid_from: datetime | None, expires_at: datetime | None) -> None:
    begins = valid_from or now
    if expires_at is None or expires_at <= max(begins, now):
        raise BadInput("Give an expiry that lies after the moment it begins to be said.")
    version.published_at, version.valid_from, version.expires_at = now, begins, expires_at


def _end_older(session: Session, version: MessageVersion, now: datetime) -> None:
    # An older version must not come back when the one that replaced it ends.
    older = session.scalars(
        select(MessageVersion).where(
            MessageVersion.message_id == version.message_id,
            MessageVersion.version < version.version,
            MessageVersion.state == State.PUBLISHED.value,
        )
    )
    for row in older:
        row.state, row.ended_at, row.reason = State.EXPIRED.value, now, f"replaced by version {version.version}"


def review_override(session: Session, *, version_id: int, reviewer: str) -> MessageVersion:
    """Notes that somebody other than the supervisor looked at a text published by override."""
    version = session.get(MessageVersion, version_id, with_for_update=True)
    if version is None or not version.urgent:
        raise NotFound("There is no such version published by override.")
    if reviewer in (version.approver, version.author, *version.writers):
        raise Forbidden("A different person must review these words.")
    version.reviewer, version.reviewed_at = reviewer, clock.now()
    record(session, actor=reviewer, action="message.reviewed", subject=version.reference)
    return version


def overrides_to_review(session: Session) -> list[MessageVersion]:
    """The texts published by override that nobody else has looked at, also when they are over by now; the oldest first."""
    return list(
        session.scalars(
            select(MessageVersion)
            .where(MessageVersion.urgent, MessageVersion.reviewed_at.is_(None))
            .order_by(MessageVersion.published_at)
        )
    )


def expire_due(session: Session, *, actor: str = "clock") -> list[MessageVersion]:
    """Marks what has run out. It was not said any more from its last moment on; this only makes the record tell so."""
    due = session.scalars(
        select(MessageVersion.id).where(MessageVersion.state == State.PUBLISHED.value, MessageVersion.expires_at <= clock.now())
    ).all()
    return [transition(session, version_id=version_id, to=State.EXPIRED, actor=actor) for version_id in due]


def publish_imported(
    session: Session, *, wordings: Iterable[Wording], author: str, approver: str, pack: str, expires_at: datetime
) -> list[MessageVersion]:
    """Publishes a whole pack as one act, with one line in the audit: the pack was approved as a whole by who loads it."""
    now = clock.now()
    numbers = dict(
        session.execute(
            select(MessageVersion.message_id, func.max(MessageVersion.version)).group_by(MessageVersion.message_id)
        ).all()
    )
    made = []
    for wording in wordings:
        check(wording)
        version = _new(wording, number=numbers.get(wording.message_id, 0) + 1, author=author, state=State.PUBLISHED)
        version.approver, version.approved_at, version.published_at = approver, now, now
        version.valid_from, version.expires_at = now, expires_at
        if version.version > 1:
            _end_older(session, version, now)
        made.append(version)
    if made:
        session.add_all(made)
        session.flush()
        record(
            session,
            actor=approver,
            action="message.imported",
            subject=f"pack:{pack}",
            detail={"versions": [version.reference for version in made]},
        )
        bump_revision(session)
    return made


def check(wording: Wording) -> None:
    """Raises `BadInput` for a wording that cannot be kept: no English, no owner or source, an unknown phase."""
    if not wording.texts.get(FALLBACK_LANGUAGE):
        raise BadInput("A message needs an English text, which is what a missing language falls back to.")
    if not wording.owner.strip() or not wording.source.strip():
        raise BadInput("A message needs an owner and a source.")
    if set(wording.phases) - set(PHASES):
        raise BadInput(f"phases must be among {', '.join(PHASES)}.")


def check_zones(texts: Texts, zones: Iterable[str]) -> None:
    """Raises `BadInput` when a text does not name a zone that it is for."""
    for zone in unnamed_zones(texts, zones):
        raise BadInput(f"Every text must name zone {zone}: people whose zone is not known get it too.")


def unnamed_zones(texts: Texts, zones: Iterable[str]) -> tuple[str, ...]:
    """The zones that some text does not name."""
    said = [text for channels in texts.values() for text in channels.values()]
    return tuple(zone for zone in zones if not all(re.search(rf"\b{re.escape(zone)}\b", text, re.IGNORECASE) for text in said))


def _next(session: Session, message_id: str) -> int:
    newest = session.scalar(select(func.max(MessageVersion.version)).where(MessageVersion.message_id == message_id))
    return (newest or 0) + 1


def _new(wording: Wording, *, number: int, author: str, state: State) -> MessageVersion:
    return MessageVersion(
        message_id=wording.message_id,
        version=number,
        intent=wording.intent,
        position=wording.position,
        state=state.value,
        texts={language: dict(texts) for language, texts in wording.texts.items()},
        phases=list(wording.phases),
        zones=list(wording.zones),
        owner=wording.owner,
        source=wording.source,
        author=author,
        writers=[author],
        urgent=False,
        edits=0,
        created_at=clock.now(),
    )
