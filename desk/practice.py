"""Practice with simulated residents, in training mode only: they write down the same way as real ones do."""

from __future__ import annotations

import asyncio
import uuid
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml

from desk.board import conversation_by_reference
from server.conversations.models import Conversation
from server.conversations.ownership import Owner
from server.conversations.turn import Channel, Inbound
from server.database.engine import reading
from server.errors import Forbidden
from server.http.deps import ChannelDeps

FILE: Final = Path(__file__).parent / "practice.yml"
_KEY: Final = "practice:"
_BEFORE_AGENT: Final = 2
"""So many lines are said before an agent is there: a question, and the wish for a person."""


@lru_cache(maxsize=1)
def scripts() -> tuple[dict[str, Any], ...]:
    """What the simulated residents say."""
    return tuple(yaml.safe_load(FILE.read_text("utf-8")))


async def begin(deps: ChannelDeps) -> int:
    """Lets every simulated resident write and ask for a person; gives how many. Raises `Forbidden` in live mode."""
    if deps.settings.live:
        raise Forbidden("Practice is for training mode.", words="desk_refusal.practice_only")
    for number in range(len(scripts())):
        key = f"{_KEY}{number}:{uuid.uuid4().hex[:12]}"
        for step in range(_BEFORE_AGENT):
            await _say(deps, key=key, number=number, step=step)
    return len(scripts())


async def answer(deps: ChannelDeps, *, reference: str) -> None:
    """Lets a simulated resident say their next line to the agent; does nothing for a real one."""
    if deps.settings.live:
        return
    conversation = await asyncio.to_thread(_read, deps, reference)
    if not conversation.key.startswith(_KEY) or conversation.owner != Owner.AGENT:
        return
    number, step = int(conversation.key.split(":")[1]), conversation.turns
    if step < len(scripts()[number]["lines"]):
        await _say(deps, key=conversation.key, number=number, step=step)


async def _say(deps: ChannelDeps, *, key: str, number: int, step: int) -> None:
    script = scripts()[number]
    inbound = Inbound(channel=Channel.WEB, claim=f"{key}:{step}", key=key, text=script["lines"][step], language=script["language"])
    await deps.spine.handle(inbound)


def _read(deps: ChannelDeps, reference: str) -> Conversation:
    with reading(deps.sessions) as session:
        return conversation_by_reference(session, reference=reference)
