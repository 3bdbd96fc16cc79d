"""What the pages of one message show: its versions, what is live, what each change was, and what the reader may do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.catalogue import has, text
from console.messages.diff import Piece, word_diff
from console.messages.forms import Refused
from console.messages.standing import Standing, people_needed, standing
from knowledge.approval import Rule
from knowledge.editing import earlier
from knowledge.library import Library
from knowledge.lifecycle import REVIEW_WITHIN, STANDING, State
from knowledge.lint_zones import Meant
from knowledge.models import MessageVersion
from knowledge.rendering.placeholders import PLACEHOLDER
from knowledge.topics import CHANNELS, Texts
from server import clock
from server.errors import Forbidden, NotFound
from server.http.deps import ChannelDeps
from server.staff.access import check_owner
from server.staff.models import StaffUser
from server.staff.permissions import PERMISSIONS

PASSING: Final = timedelta(hours=24)
"""How long a protective action or a closure is said when nobody says otherwise: it must be looked at again within a day."""


@dataclass(frozen=True)
class Message:
    """One message with all its versions, newest first."""

    message_id: str
    versions: tuple[MessageVersion, ...]
    stand: Standing
    rule: Rule
    alone: bool
    """A single person may publish it here."""
    before: MessageVersion | None
    """What a roll-back would say again."""

    @property
    def intent(self) -> str | None:
        """The topic it answers."""
        return self.stand.newest.intent


@dataclass(frozen=True)
class Rights:
    """What the reader may do with a message, by their role and their owners."""

    write: bool
    approve: bool
    publish: bool
    override: bool
    withdraw: bool


def message_of(session: Session, *, message_id: str, training: bool, now: datetime) -> Message:
    """One message. Raises `NotFound`."""
    found = session.scalars(
        select(MessageVersion).where(MessageVersion.message_id == message_id).order_by(MessageVersion.version.desc())
    ).all()
    if not found:
        raise NotFound("There is no such message.")
    stand = standing(found, now)
    rule, alone = people_needed(message_id, found[0].intent, training=training)
    return Message(message_id, tuple(found), stand, rule, alone, earlier(session, message_id=message_id))


def version_of(session: Session, *, version_id: int) -> MessageVersion:
    """One version. Raises `NotFound`."""
    version = session.get(MessageVersion, version_id) if version_id < 2**63 else None
    if version is None:
        raise NotFound("There is no such version.")
    return version


def rights_of(user: StaffUser, owner: str) -> Rights:
    """What a person may do with what belongs to an owner."""
    try:
        check_owner(user, owner)
    except Forbidden:
        return Rights(write=False, approve=False, publish=False, override=False, withdraw=False)
    may = {name: user.role in PERMISSIONS[f"messages.{name}"] for name in ("draft", "approve", "publish", "override", "withdraw")}
    return Rights(may["draft"], may["approve"], may["publish"], may["override"], may["withdraw"])


def must_own(user: StaffUser, *owners: str) -> None:
    """Raises `Refused` when one of the owners is not among those of a limited account."""
    for owner in owners:
        try:
            check_owner(user, owner)
        except Forbidden as error:
            raise Refused("other_owner", status=403) from error


def may_approve(user: StaffUser, version: MessageVersion, *, alone: bool) -> bool:
    """True when this person is the different one that the words need, or none is needed."""
    return alone or user.name not in (version.author, *version.writers)


def changes(before: Texts | None, after: Texts) -> Iterator[tuple[str, str, tuple[Piece, ...]]]:
    """Language, channel and word diff of every text that either wording has; without one before, all is as it is."""
    for language in dict.fromkeys((*after, *(before or {}))):
        for channel in CHANNELS:
            old, new = (before or {}).get(language, {}).get(channel, ""), after.get(language, {}).get(channel, "")
            if old or new:
                yield language, channel, word_diff(old if before is not None else new, new)


def meant_for(version: MessageVersion) -> Meant:
    """For whom a version is."""
    return Meant(version.intent, tuple(version.phases), tuple(version.zones))


def zones_offered(library: Library, version: MessageVersion) -> tuple[str, ...]:
    """The zones that a version may be for: the city's, and those it is for already. None where zones play no part."""
    return () if version.intent is None else tuple(dict.fromkeys((*(zone.name for zone in library.zones), *version.zones)))


def facts_quoted(texts: Texts) -> tuple[str, ...]:
    """The placeholders of a wording, each once."""
    return tuple(
        dict.fromkeys(name for channels in texts.values() for text in channels.values() for name in PLACEHOLDER.findall(text))
    )


def default_end(version: MessageVersion, message: Message, now: datetime) -> datetime:
    """When a version ends if nobody says otherwise: as its draft says, as the live one does, or by its kind."""
    live = message.stand.live
    for at in (version.expires_at, live.expires_at if live is not None else None):
        if at is not None and at > now:
            return at
    return now + (PASSING if message.rule.people > 1 else STANDING)


def title_of(library: Library, message_id: str, intent: str | None, language: str) -> str:
    """What a message is called: its topic and variant, or its id."""
    if intent is None or intent not in library.topics:
        return message_id
    variant = message_id.removeprefix(f"{intent}.")
    called = text(f"variant.{variant}", language) if has(f"variant.{variant}") else variant.replace("_", " ")
    return f"{library.title(intent, language)} ({called})"


def common(deps: ChannelDeps, session: Session, *, version: MessageVersion, user: StaffUser, now: datetime) -> dict[str, Any]:
    """What every page about a version shows."""
    message = message_of(session, message_id=version.message_id, training=not deps.settings.live, now=now)
    live = message.stand.live
    return {
        "message": message,
        "version": version,
        "rights": rights_of(user, version.owner),
        "approver": may_approve(user, version, alone=message.alone),
        "changes": list(changes(live.texts if live is not None and live.id != version.id else None, version.texts)),
        "review_by": version.published_at + REVIEW_WITHIN if version.urgent and version.published_at else None,
        "reviewer": user.name not in (version.author, version.approver, *version.writers),
        "states": State,
        "now": now,
    }


def said_first(library: Library, version: MessageVersion, phase: str) -> str | None:
    """The message that residents hear on this topic in a phase, this version being live; nothing for a text without a topic."""
    if version.intent is None:
        return None
    return library.first_in_phase(
        version.intent, phase=phase, now=clock.now(), instead=(version.message_id, tuple(version.phases), version.position)
    )
