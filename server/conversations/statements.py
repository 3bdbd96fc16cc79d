"""The statements that every turn runs, built once: SQLAlchemy then finds the compiled text of each at once.

Names that begin with `this_` are filled in at each turn."""

from __future__ import annotations

from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Table, bindparam, exists, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from server.blocks.models import Block
from server.blocks.service import in_force
from server.conversations.models import Claim, Conversation, Turn
from server.database.types import UtcDateTime
from server.outbox.models import OptOut, OutboundMessage

_INBOX: Final = cast(Table, Claim.__table__)
_NOW: Final = cast(Any, bindparam("this_now", type_=UtcDateTime()))

_STOPPED: Final[ColumnElement[bool]] = exists().where(
    OptOut.person == bindparam("this_person"), OptOut.our_address == bindparam("this_address")
)
_BLOCKED: Final[ColumnElement[bool]] = exists().where(
    Block.who.in_([bindparam("this_person"), bindparam("this_key")]), *in_force(_NOW)
)

STANDING: Final = select(Conversation, _STOPPED, _BLOCKED).where(Conversation.active_key == bindparam("this_key"))
"""The open conversation of `this_key`, whether `this_person` asked us to stop at `this_address`, and whether either is blocked."""

STOPPED_OR_BLOCKED: Final = select(_STOPPED, _BLOCKED)
"""The same without the conversation, where there is none."""

CONVERSATION: Final = select(Conversation).where(Conversation.id == bindparam("this_id")).with_for_update()
"""A conversation that nobody else changes until the transaction ends."""

_TAKE: Final = {name: dialect.insert(_INBOX) for name, dialect in {"postgresql": postgresql, "sqlite": sqlite}.items()}
TAKE: Final = {name: take.on_conflict_do_nothing(index_elements=["key"]).returning(_INBOX.c.key) for name, take in _TAKE.items()}
"""Takes an inbound message, by dialect: gives its key, and nothing where it was taken before."""

JOINED: Final = update(_INBOX).where(_INBOX.c.key == bindparam("this_key")).values(conversation_id=bindparam("this_conversation"))
"""Says which conversation a claim belongs to."""

ANSWERED: Final = (
    update(_INBOX).where(_INBOX.c.key == bindparam("this_key")).values(state=bindparam("this_state"), reply=bindparam("this_reply"))
)
"""Puts the reply under its claim."""

TURN: Final = insert(cast(Table, Turn.__table__))
OUTBOUND: Final = insert(cast(Table, OutboundMessage.__table__))
