"""Taking in a CAP alert: drafts for people to approve and an incident for them to open. Nothing in here publishes.

An update becomes the next version of what it refers to, and drafts of what is replaced or cancelled are withdrawn, so that nobody
approves yesterday's words. What is published already is only named: taking it back is a person's act."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge.cap import CapAlert, CapInfo, CapReference, parse_cap
from knowledge.cap_texts import SuggestedIncident, suggest, texts_of, together
from knowledge.editing import MAX_TEXT
from knowledge.incident_packs import IncidentPack
from knowledge.lifecycle import State, Wording, draft, transition
from knowledge.models import MessageVersion
from knowledge.records import Zone
from knowledge.topics import FALLBACK_LANGUAGE, LANGUAGES
from server.audit.service import record

OWNER: Final = "emergency_management"
_WAITING: Final = (State.DRAFT.value, State.IN_REVIEW.value, State.APPROVED.value)

NoteCode = Literal[
    "already_imported", "not_actual", "not_public", "no_info", "no_text", "no_english", "no_spanish", "other_language", "no_expiry",
    "over", "no_references", "unknown_reference", "nothing_to_do", "unknown_event", "cut",
]  # fmt: skip


@dataclass(frozen=True)
class CapNote:
    """Something that the person who looks at an import must know; `detail` is what it is about."""

    code: NoteCode
    detail: str = ""


@dataclass(frozen=True)
class CapImport:
    """What came of an alert: references of versions, the incident it suggests, and notes."""

    kind: str
    identifier: str
    drafts: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    still_published: tuple[str, ...] = ()
    """What the alert replaces or cancels and residents still hear."""
    incident: SuggestedIncident | None = None
    notes: tuple[CapNote, ...] = ()


def import_cap(
    session: Session, *, content: bytes, packs: Iterable[IncidentPack], zones: Iterable[Zone], actor: str, now: datetime
) -> CapImport:
    """Makes drafts of an alert in the caller's transaction, and audits it. An alert that was taken in before changes nothing.

    Raises `BadInput` or `TooLarge` for what is no alert."""
    alert = parse_cap(content)
    refused = _refused(session, alert)
    if refused is not None:
        return CapImport(alert.kind, alert.reference.identifier, notes=(refused,))
    return _Importing(session, alert, tuple(packs), tuple(zones), actor, now).run()


def _refused(session: Session, alert: CapAlert) -> CapNote | None:
    if alert.kind in ("Ack", "Error"):
        return CapNote("nothing_to_do", alert.kind)
    if alert.status != "Actual":
        return CapNote("not_actual", alert.status)
    if alert.scope != "Public":
        return CapNote("not_public", alert.scope)
    made = _made_from(session, (alert.reference,))
    return CapNote("already_imported", made[0].reference) if made else None


def _made_from(session: Session, references: tuple[CapReference, ...]) -> list[MessageVersion]:
    if not references:
        return []
    sources = [_source(one) for one in references]
    return list(session.scalars(select(MessageVersion).where(MessageVersion.source.in_(sources)).order_by(MessageVersion.id)))


def _source(reference: CapReference) -> str:
    return f"CAP {reference}"


class _Importing:
    def __init__(
        self,
        session: Session,
        alert: CapAlert,
        packs: tuple[IncidentPack, ...],
        zones: tuple[Zone, ...],
        actor: str,
        now: datetime,
    ) -> None:
        self._session, self._alert, self._packs, self._zones, self._actor, self._now = session, alert, packs, zones, actor, now
        self._notes: list[CapNote] = []

    def run(self) -> CapImport:
        """Takes in one real, public alert, update or cancellation."""
        alert = self._alert
        ids = self._earlier()
        drafts = [] if alert.kind == "Cancel" else self._drafts(ids)
        stale = self._stale(ids, drafts)
        for version in stale:
            if version.state in _WAITING:
                reason = f"{'Cancelled' if alert.kind == 'Cancel' else 'Replaced'} by CAP {alert.reference.identifier}"
                transition(self._session, version_id=version.id, to=State.WITHDRAWN, actor=self._actor, reason=reason)
        made = CapImport(
            kind=alert.kind,
            identifier=alert.reference.identifier,
            drafts=tuple(version.reference for version in drafts),
            withdrawn=tuple(one.reference for one in stale if one.state == State.WITHDRAWN.value),
            still_published=tuple(one.reference for one in stale if one.state == State.PUBLISHED.value),
            incident=self._suggestion(),
            notes=tuple(dict.fromkeys(self._notes)),
        )
        detail = {
            "kind": made.kind,
            "reference": str(alert.reference),
            "drafts": list(made.drafts),
            "withdrawn": list(made.withdrawn),
            "still_published": list(made.still_published),
        }
        subject = f"cap:{alert.reference.identifier}"[:160]
        record(self._session, actor=self._actor, action="cap.imported", subject=subject, detail=detail)
        return made

    def _earlier(self) -> list[str]:
        """The messages that were made from what this alert refers to."""
        alert = self._alert
        if alert.kind == "Alert":
            return []
        if not alert.references:
            self._notes.append(CapNote("no_references"))
        found: list[str] = []
        made = _made_from(self._session, alert.references)
        for reference in alert.references:
            ours = [version.message_id for version in made if version.source == _source(reference)]
            if not ours:
                self._notes.append(CapNote("unknown_reference", reference.identifier))
            found.extend(ours)
        return list(dict.fromkeys(found))

    def _drafts(self, ids: list[str]) -> list[MessageVersion]:
        if not self._alert.infos:
            self._notes.append(CapNote("no_info"))
        groups, alone = together(self._alert.infos)
        self._notes.extend(CapNote("other_language", info.language) for info in alone)
        if alone and not groups:
            self._notes.append(CapNote("no_english"))
        made: list[MessageVersion] = []
        for group in groups:
            texts = self._texts(group)
            if texts is None:
                continue
            message_id = ids[len(made)] if len(made) < len(ids) else self._new_id(group[FALLBACK_LANGUAGE], len(made))
            wording = Wording(message_id, texts, OWNER, _source(self._alert.reference))
            made.append(draft(self._session, wording=wording, author=self._actor))
        return made

    def _texts(self, group: Mapping[str, CapInfo]) -> dict[str, dict[str, str]] | None:
        english = group[FALLBACK_LANGUAGE]
        if self._over(english):
            self._notes.append(CapNote("over", english.event))
            return None
        texts = {language: found for language, info in group.items() if (found := texts_of(info)) is not None}
        if any(len(info.instruction) + len(info.description) > MAX_TEXT for info in group.values()):
            self._notes.append(CapNote("cut", english.event))
        if FALLBACK_LANGUAGE not in texts:
            self._notes.append(CapNote("no_text", english.event))
            return None
        if english.expires is None:
            self._notes.append(CapNote("no_expiry", english.event))
        if any(language not in texts for language in LANGUAGES):
            self._notes.append(CapNote("no_spanish", english.event))
        return texts

    def _over(self, info: CapInfo) -> bool:
        return info.expires is not None and info.expires <= self._now

    def _new_id(self, info: CapInfo, position: int) -> str:
        slug = re.sub(r"[^a-z0-9]+", "_", info.event.casefold()).strip("_")[:40] or "alert"
        digest = hashlib.sha256(str(self._alert.reference).encode()).hexdigest()[:10]
        return f"cap.{slug}-{digest}" + (f"-{position + 1}" if position else "")

    def _stale(self, ids: list[str], drafts: list[MessageVersion]) -> list[MessageVersion]:
        """The earlier versions that wait, and what residents still hear of them."""
        if not ids:
            return []
        fresh = {version.id for version in drafts}
        rows = self._session.scalars(
            select(MessageVersion)
            .where(MessageVersion.message_id.in_(ids), MessageVersion.state.in_((*_WAITING, State.PUBLISHED.value)))
            .order_by(MessageVersion.id)
        )
        return [row for row in rows if row.id not in fresh]

    def _suggestion(self) -> SuggestedIncident | None:
        groups, _ = together(self._alert.infos)
        ahead = [group[FALLBACK_LANGUAGE] for group in groups if not self._over(group[FALLBACK_LANGUAGE])]
        if self._alert.kind == "Cancel" or not ahead:
            return None
        found = suggest(ahead[0], packs=self._packs, zones=self._zones)
        if found.pack is None:
            self._notes.append(CapNote("unknown_event", found.name))
        return found
