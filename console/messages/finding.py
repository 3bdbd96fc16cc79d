"""Finding messages by their words, topic, state, owner and language, fast with ten thousand of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, load_only

from console.messages.marking import Excerpt, excerpt
from console.messages.standing import SOON, Standing, standing
from knowledge.lifecycle import State
from knowledge.models import MessageFind, MessageVersion, search_words
from knowledge.topics import Texts

PAGE: Final = 40
FAR: Final = 400
"""Beyond so many messages a page of a search is a far one."""
STATES: Final = ("live", "ending", "coming", "draft", "in_review", "approved", "returned", "expired", "withdrawn")
"""What the list can be narrowed to. The first three are told from the window, the others are states."""
_LIGHT: Final = load_only(
    MessageVersion.id,
    MessageVersion.message_id,
    MessageVersion.version,
    MessageVersion.intent,
    MessageVersion.state,
    MessageVersion.owner,
    MessageVersion.zones,
    MessageVersion.author,
    MessageVersion.valid_from,
    MessageVersion.expires_at,
    MessageVersion.published_at,
    MessageVersion.edited_at,
    MessageVersion.created_at,
)
_MAX_TERMS: Final = 12


@dataclass(frozen=True)
class Query:
    """What is looked for; empty fields narrow nothing. `language` is `es` for what has Spanish, `-es` for what lacks it."""

    text: str = ""
    state: str = ""
    owner: str = ""
    language: str = ""
    page: int = 1


@dataclass(frozen=True)
class Row:
    """One message of the list."""

    message_id: str
    intent: str | None
    standing: Standing
    excerpt: Excerpt


@dataclass(frozen=True)
class Found:
    """One page of the list, and whether there are more."""

    rows: tuple[Row, ...]
    more: bool


def find(session: Session, *, query: Query, titles: Mapping[str, str], language: str, now: datetime) -> Found:
    """The messages that fit, those touched last first. `titles` are the words of the topics' names, a line for each language."""
    begin = (max(1, query.page) - 1) * PAGE
    ids = _touched_last(session, _conditions(session, query, titles, now), begin=begin, most=PAGE + 1)
    shown = ids[:PAGE]
    stand = stand_of(session, message_ids=shown, now=now)
    texts = _texts(session, [_said(one).id for one in stand.values()])
    rows = tuple(
        Row(
            message_id,
            stand[message_id].newest.intent,
            stand[message_id],
            excerpt(texts.get(_said(stand[message_id]).id, {}), query=query.text, language=language),
        )
        for message_id in shown
    )
    return Found(rows, len(ids) > PAGE)


def _touched_last(session: Session, conditions: list[ColumnElement[bool]], *, begin: int, most: int) -> Sequence[str]:
    """The messages that have a version which fits, the newest version first, from the place `begin` on.

    What is searched for is read from the newest on, in growing pieces and only as far as needed: what many messages hold is found
    at once. The whole list and its far pages are grouped by the database."""
    f = MessageFind
    if not conditions or begin > FAR:
        grouped = select(f.message_id).where(*conditions).group_by(f.message_id).order_by(func.max(f.id).desc())
        return session.scalars(grouped.limit(most).offset(begin)).all()
    found: dict[str, None] = {}
    wanted, piece = select(f.id, f.message_id).where(*conditions).order_by(f.id.desc()), begin + most
    while len(found) < begin + most:
        rows = session.execute(wanted.limit(piece)).all()
        found.update(dict.fromkeys(row.message_id for row in rows))
        if len(rows) < piece:
            break
        wanted, piece = wanted.where(f.id < rows[-1].id), piece * 2
    return list(found)[begin : begin + most]


def stand_of(session: Session, *, message_ids: Iterable[str], now: datetime) -> dict[str, Standing]:
    """How some messages stand, read at once and without their texts."""
    versions: dict[str, list[MessageVersion]] = defaultdict(list)
    for version in session.scalars(select(MessageVersion).where(MessageVersion.message_id.in_(message_ids)).options(_LIGHT)):
        versions[version.message_id].append(version)
    return {message_id: standing(found, now) for message_id, found in versions.items()}


def _said(stand: Standing) -> MessageVersion:
    return stand.live or stand.newest


def _texts(session: Session, ids: list[int]) -> dict[int, Texts]:
    rows = session.execute(select(MessageVersion.id, MessageVersion.texts).where(MessageVersion.id.in_(ids)))
    return {row.id: row.texts for row in rows}


def _conditions(session: Session, query: Query, titles: Mapping[str, str], now: datetime) -> list[ColumnElement[bool]]:
    f = MessageFind
    conditions: list[ColumnElement[bool]] = []
    if query.state:
        conditions.append(_in_state(query.state, now))
    if query.owner:
        conditions.append(f.owner == query.owner)
    if query.language:
        held = _inside(session)(f.languages, f" {query.language.removeprefix('-')} ") > 0
        conditions.append(~held if query.language.startswith("-") else held)
        if not query.state:
            conditions.append(f.state.not_in((State.EXPIRED.value, State.WITHDRAWN.value, State.RETURNED.value)))
    terms = search_words(query.text).split()[:_MAX_TERMS]
    if query.text.strip():
        conditions.append(_holds(session, terms, query.text, titles))
    return conditions


def _in_state(state: str, now: datetime) -> ColumnElement[bool]:
    f = MessageFind
    published = f.state == State.PUBLISHED.value
    match state:
        case "live":
            return and_(published, f.valid_from <= now, f.expires_at > now)
        case "ending":
            return and_(published, f.valid_from <= now, f.expires_at > now, f.expires_at <= now + SOON)
        case "coming":
            return and_(published, f.valid_from > now)
        case "expired":
            return or_(f.state == state, and_(published, f.expires_at <= now))
        case _:
            return f.state == state


def _holds(session: Session, terms: list[str], text: str, titles: Mapping[str, str]) -> ColumnElement[bool]:
    f = MessageFind
    inside = _inside(session)
    ways: list[ColumnElement[bool]] = [and_(*(inside(f.words, term) > 0 for term in terms))] if terms else []
    called = [
        intent
        for intent, names in titles.items()
        if terms and terms[0] in names and any(all(term in name for term in terms) for name in names.split("\n"))
    ]
    if called:
        ways.append(f.intent.in_(called))
    exact = text.strip().casefold().partition("@")[0]
    ways.append(inside(f.message_id, exact) > 0)
    return or_(*ways)


def _inside(session: Session) -> Callable[..., ColumnElement[int]]:
    # A plain search for a substring is several times faster than LIKE, and takes % and _ as they are.
    return func.strpos if session.get_bind().dialect.name == "postgresql" else func.instr
